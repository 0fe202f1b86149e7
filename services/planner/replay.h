// SPDX-License-Identifier: Apache-2.0
// The closed-loop test bench: measured quarters and charging sessions through the planner's own
// rules, with a simulated street in between (plant), and the simple policies beside it.
//
// Each quarter: the policy decides on what was known when it began; the old limits hold for
// delivery_s, then those of the messages that were not lost. A message counts as held from the
// next round on. After the last quarter nobody is limited any more until the last car has left.

#ifndef PLANNER_REPLAY_H
#define PLANNER_REPLAY_H

#include "services/planner/round.h"

// Run all policies of the case in `folder` and print one JSON object for each on standard
// output; where standard error is a terminal, the progress there. plot: file for a picture as
// SVG, or NULL. Returns the exit status of the program: 0, 1 for a file that cannot be read,
// written or used.
int replay_run(const char *folder, const char *plot, const struct round_rules *rules);

#endif
