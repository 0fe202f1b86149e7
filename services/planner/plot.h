// SPDX-License-Identifier: Apache-2.0
// A picture of a replay as SVG: for each place with a limit and each phase the load with and
// without control, the base load and the limit; below, what each charger was limited to and
// which messages were sent. Of a long case, the two days with the most overload without control.

#ifndef PLANNER_PLOT_H
#define PLANNER_PLOT_H

#include "services/planner/score.h"

#include <stdio.h>

// Errors stay in the file: ferror().
void plot_write(FILE *file, const struct replay_case *given, const int32_t *base_w,
                const struct score_run *uncontrolled, const struct score_run *run,
                const char *policy);

#endif
