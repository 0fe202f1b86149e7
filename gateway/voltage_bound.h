// SPDX-License-Identifier: Apache-2.0
// The voltage to reckon with where a limit in watts becomes one in amperes: the highest phase
// of this and the last quarter hour, so that a charger never gets more than the limit when
// the voltage rises, and its limit does not move with every telegram. Pure.

#ifndef GATEWAY_VOLTAGE_BOUND_H
#define GATEWAY_VOLTAGE_BOUND_H

#include "base/clock.h"

#include <stdint.h>

// EN 50160: 230 V and a tenth more or less. What is measured beyond is not reckoned with.
enum { VOLTAGE_LEAST_MV = 207000, VOLTAGE_MOST_MV = 253000 };

// Zeroed: nothing was measured.
struct voltage_bound {
    int64_t quarter;            // number of the one under way
    int64_t peak_mv, before_mv; // of it and the one before; 0: nothing measured
};

// Take a measured voltage of any phase.
void voltage_bound_take(struct voltage_bound *bound, struct mono at, int64_t voltage_mv);

// What to reckon with; where nothing was measured in the two quarters, otherwise_mv.
int64_t voltage_bound_mv(const struct voltage_bound *bound, struct mono at, int64_t otherwise_mv);

#endif
