// SPDX-License-Identifier: Apache-2.0
// What a meter shows, as a snapshot of one telegram: each quantity known or not, never a zero
// in place of an unknown. Pure.

#ifndef GATEWAY_METER_VALUES_H
#define GATEWAY_METER_VALUES_H

#include "wire/p1_telegram.h"

#include <stdbool.h>
#include <stdint.h>

enum meter_quantity {
    METER_VOLTAGE_L1, // V
    METER_VOLTAGE_L2,
    METER_VOLTAGE_L3,
    METER_CURRENT_L1, // A
    METER_CURRENT_L2,
    METER_CURRENT_L3,
    METER_POWER, // W, below 0: fed in
    METER_POWER_L1,
    METER_POWER_L2,
    METER_POWER_L3,
    METER_DRAWN, // W
    METER_DRAWN_L1,
    METER_DRAWN_L2,
    METER_DRAWN_L3,
    METER_FED, // W
    METER_FED_L1,
    METER_FED_L2,
    METER_FED_L3,
    METER_ENERGY_DRAWN, // Wh
    METER_ENERGY_FED,
    METER_SAGS_L1, // counted
    METER_SAGS_L2,
    METER_SAGS_L3,
    METER_SWELLS_L1,
    METER_SWELLS_L2,
    METER_SWELLS_L3,
    METER_FAILURES,
    METER_LONG_FAILURES,
    METER_UNTOLD, // what no telegram tells: frequency, reactive and apparent power, ...
    METER_QUANTITIES,
};

struct meter_values {
    bool is_known[METER_QUANTITIES];
    int64_t milli[METER_QUANTITIES]; // thousandths of the unit
};

// The name in files: "voltage_l1", "energy_drawn" ...
const char *meter_quantity_name(enum meter_quantity quantity);

// Of a telegram.
//
//   phases  which phase of the connection is told as L1, L2 and L3, "123" as it is
void meter_values_of(const struct p1_telegram *telegram, const char phases[static P1_PHASES],
                     struct meter_values *values);

// Tell more load on each phase than there is: so much current, drawn at the voltage known, or
// else at otherwise_mv. A charger that looks at this meter then takes so much less.
void meter_values_add(struct meter_values *values, int64_t extra_ma, int64_t otherwise_mv);

#endif
