// SPDX-License-Identifier: Apache-2.0
// The limit of chargers of which nobody hears what they draw: from the load of their phases
// alone, as it was. Cut by a factor when a phase is nearly full, released when all have room; in
// between the profile's own end releases it, which costs no message. Weaker than a plan: in
// trials 1.6 to 4.3 times the overload energy.

#ifndef PLANNER_FALLBACK_H
#define PLANNER_FALLBACK_H

#include <stdint.h>

// W per phase for the quarter hour to come.
//
//   fullest     highest load by limit of the phases that count
//   told_w      the limit until now
//   least_w     never below, unless told_w is
//   capacity_w  what "no limit" is
int32_t fallback_level(double fullest, int32_t told_w, int32_t least_w, int32_t capacity_w);

#endif
