// SPDX-License-Identifier: Apache-2.0
// The limit of chargers of which nobody hears what they draw. How many of them are in use is not
// known, so each counts with the share of its limit that is expected to be drawn, and all get the
// same level. It is cut to what fits, released when all there is would fit, and left alone in
// between: the profile's own end releases it, which costs no message.

#ifndef PLANNER_FALLBACK_H
#define PLANNER_FALLBACK_H

#include <stdint.h>

// W per phase for the quarter hour to come.
//
//   room_w      left for these chargers together on the phase that has least for each
//   expected    what they draw there in W, for each W of their limit
//   told_w      the limit until now
//   least_w     never below, unless told_w is
//   capacity_w  what "no limit" is
int32_t fallback_level(double room_w, double expected, int32_t told_w, int32_t least_w,
                       int32_t capacity_w);

#endif
