// SPDX-License-Identifier: Apache-2.0
// Mean power per phase and energy of each quarter hour, from the telegrams of a connection.
// Pure. The power of a telegram counts for the time since the one before, but not over a
// gap, in which nobody knows.

#ifndef GATEWAY_QUARTER_LOAD_H
#define GATEWAY_QUARTER_LOAD_H

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

enum { QUARTER_LOAD_PHASES = 3 };

struct quarter_load_reading {
    struct utc at;
    bool has_power[QUARTER_LOAD_PHASES];
    int32_t power_w[QUARTER_LOAD_PHASES]; // drawn; below 0: fed in
    bool has_energy;
    int64_t energy_wh; // drawn in all, less what was fed in
};

struct quarter_load_result {
    int64_t quarter;                     // its start, UTC seconds
    bool has_power[QUARTER_LOAD_PHASES]; // at least half of the quarter was measured
    int32_t power_w[QUARTER_LOAD_PHASES];
    bool has_energy; // the register is known at both ends
    int64_t energy_wh;
};

struct quarter_load {
    bool is_open;
    int64_t quarter;
    struct utc last;
    int64_t energy_wus[QUARTER_LOAD_PHASES]; // W times us
    int64_t measured_ns[QUARTER_LOAD_PHASES];
    bool has_first_wh;
    int64_t first_wh;
};

// Take a reading; start with a zeroed load. True: a quarter is over, and result tells it.
bool quarter_load_take(struct quarter_load *load, const struct quarter_load_reading *reading,
                       struct quarter_load_result *result);

#endif
