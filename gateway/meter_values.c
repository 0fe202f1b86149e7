// SPDX-License-Identifier: Apache-2.0

#include "gateway/meter_values.h"

const char *meter_quantity_name(enum meter_quantity quantity)
{
    static const char *const names[] = {
        [METER_VOLTAGE_L1] = "voltage_l1",
        [METER_VOLTAGE_L2] = "voltage_l2",
        [METER_VOLTAGE_L3] = "voltage_l3",
        [METER_CURRENT_L1] = "current_l1",
        [METER_CURRENT_L2] = "current_l2",
        [METER_CURRENT_L3] = "current_l3",
        [METER_POWER] = "power",
        [METER_POWER_L1] = "power_l1",
        [METER_POWER_L2] = "power_l2",
        [METER_POWER_L3] = "power_l3",
        [METER_DRAWN] = "drawn",
        [METER_DRAWN_L1] = "drawn_l1",
        [METER_DRAWN_L2] = "drawn_l2",
        [METER_DRAWN_L3] = "drawn_l3",
        [METER_FED] = "fed",
        [METER_FED_L1] = "fed_l1",
        [METER_FED_L2] = "fed_l2",
        [METER_FED_L3] = "fed_l3",
        [METER_ENERGY_DRAWN] = "energy_drawn",
        [METER_ENERGY_FED] = "energy_fed",
        [METER_SAGS_L1] = "sags_l1",
        [METER_SAGS_L2] = "sags_l2",
        [METER_SAGS_L3] = "sags_l3",
        [METER_SWELLS_L1] = "swells_l1",
        [METER_SWELLS_L2] = "swells_l2",
        [METER_SWELLS_L3] = "swells_l3",
        [METER_FAILURES] = "failures",
        [METER_LONG_FAILURES] = "long_failures",
        [METER_UNTOLD] = "untold",
    };
    return names[quantity];
}

static void put(struct meter_values *values, int quantity, bool is_known, int64_t milli)
{
    values->is_known[quantity] = is_known;
    values->milli[quantity] = is_known ? milli : 0;
}

static void put_number(struct meter_values *values, int quantity, const struct p1_number *number,
                       int64_t factor)
{
    put(values, quantity, number->status == P1_VALUE, number->value * factor);
}

// Drawn less fed in; a meter that never feeds in may not tell the latter.
static void put_power(struct meter_values *values, int power, int drawn, int fed)
{
    put(values, power, values->is_known[drawn], values->milli[drawn] - values->milli[fed]);
}

// The sum of all tariffs, which old meters do not print.
static void put_energy(struct meter_values *values, int quantity,
                       const struct p1_number energy[static P1_TARIFFS])
{
    bool is_known = energy[0].status == P1_VALUE;
    int64_t mwh = is_known ? energy[0].value : 0;
    for (int t = 1; t < P1_TARIFFS && energy[0].status != P1_VALUE; t++) {
        is_known |= energy[t].status == P1_VALUE;
        mwh += energy[t].status == P1_VALUE ? energy[t].value : 0;
    }
    put(values, quantity, is_known, mwh);
}

void meter_values_of(const struct p1_telegram *telegram, const char phases[static P1_PHASES],
                     struct meter_values *values)
{
    *values = (struct meter_values){0};
    put_number(values, METER_DRAWN, &telegram->power_delivered_mw, 1);
    put_number(values, METER_FED, &telegram->power_returned_mw, 1);
    put_power(values, METER_POWER, METER_DRAWN, METER_FED);
    for (int i = 0; i < P1_PHASES; i++) {
        int p = phases[i] - '1';
        put_number(values, METER_VOLTAGE_L1 + i, &telegram->voltage_mv[p], 1);
        put_number(values, METER_CURRENT_L1 + i, &telegram->current_ma[p], 1);
        put_number(values, METER_DRAWN_L1 + i, &telegram->power_delivered_phase_mw[p], 1);
        put_number(values, METER_FED_L1 + i, &telegram->power_returned_phase_mw[p], 1);
        put_power(values, METER_POWER_L1 + i, METER_DRAWN_L1 + i, METER_FED_L1 + i);
        put_number(values, METER_SAGS_L1 + i, &telegram->voltage_sags[p], 1000);
        put_number(values, METER_SWELLS_L1 + i, &telegram->voltage_swells[p], 1000);
    }
    put_energy(values, METER_ENERGY_DRAWN, telegram->energy_delivered_mwh);
    put_energy(values, METER_ENERGY_FED, telegram->energy_returned_mwh);
    put_number(values, METER_FAILURES, &telegram->failures, 1000);
    put_number(values, METER_LONG_FAILURES, &telegram->long_failures, 1000);
}

void meter_values_add(struct meter_values *values, int64_t extra_ma, int64_t otherwise_mv)
{
    int64_t sum_mw = 0;
    for (int i = 0; i < P1_PHASES; i++) {
        bool has_voltage = values->is_known[METER_VOLTAGE_L1 + i];
        int64_t mv = has_voltage ? values->milli[METER_VOLTAGE_L1 + i] : otherwise_mv;
        int64_t mw = extra_ma * mv / 1000;
        // A phase of which nothing is known is not there.
        if (!values->is_known[METER_CURRENT_L1 + i] && !values->is_known[METER_POWER_L1 + i])
            continue;
        values->milli[METER_CURRENT_L1 + i] += extra_ma;
        values->milli[METER_POWER_L1 + i] += mw;
        values->milli[METER_DRAWN_L1 + i] += mw;
        sum_mw += mw;
    }
    values->milli[METER_POWER] += sum_mw;
    values->milli[METER_DRAWN] += sum_mw;
}
