// SPDX-License-Identifier: Apache-2.0
// What a phase has left for chargers: its limit, less the base load foreseen, less a margin.
//
// Version of this file: the margin is a fixed share of the limit for fresh data and grows with
// the square root of the age of the measurement, as the error of a value carried forward does
// (measured on 24 Dutch series: 4.8, 8.9 and 16 % of the range after 15 min, 1 h and 3 h).

#ifndef PLANNER_HEADROOM_H
#define PLANNER_HEADROOM_H

#include <stdint.h>

// Margin in W. share is that of a fresh measurement, 0.05 for 5 %; age in quarters, 1 or more.
// At most 30 % of the limit, unless share itself is more.
int32_t headroom_margin(int32_t limit_w, double share, int age);

// May be negative: then the base load alone is too much.
int32_t headroom_left(int32_t limit_w, int32_t base_w, int32_t margin_w);

#endif
