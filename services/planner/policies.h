// SPDX-License-Identifier: Apache-2.0
// The simple policies that a replay puts beside ours: one limit for all chargers of a feeder or
// transformer, from its last measured quarter alone. Pure.
//
//   static  always 6 A
//   rule    phase 1 above 90 % of its limit: 6 A; else free (the paper's)
//   aimd    a phase above 97 %: x 0.6, not below 6 A; all below 90 %: + 2 A
//
// A phase without a limit counts as empty; where a measurement is missing the limit stays.
// Figures of rule and aimd: planning trials on 41 low-voltage transformers.

#ifndef PLANNER_POLICIES_H
#define PLANNER_POLICIES_H

#include "services/planner/case_file.h"

// The limit in A per phase for the quarter hour to come.
//
//   measured_w  of the last quarter, by phase; FACTS_UNKNOWN: missing
//   level_a     the limit until now
//   free_a      what "no limit" is: the most that a charger there takes
double policies_next(enum case_policy policy, const struct case_place *place,
                     const int32_t measured_w[PHASES], double level_a, double free_a);

#endif
