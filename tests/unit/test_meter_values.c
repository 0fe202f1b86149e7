// SPDX-License-Identifier: Apache-2.0

#include "gateway/meter_values.h"

#include <criterion/criterion.h>

static struct p1_number number(int64_t value)
{
    return (struct p1_number){P1_VALUE, value};
}

static struct p1_telegram telegram(void)
{
    struct p1_telegram telegram = {0};
    telegram.power_delivered_mw = number(2761000);
    telegram.power_returned_mw = number(500000);
    telegram.power_delivered_phase_mw[0] = number(2761000);
    telegram.power_returned_phase_mw[1] = number(500000);
    telegram.power_delivered_phase_mw[1] = number(0);
    telegram.voltage_mv[0] = number(230100);
    telegram.current_ma[0] = number(12000);
    telegram.energy_delivered_mwh[1] = number(123456000);
    telegram.energy_delivered_mwh[2] = number(1000);
    telegram.voltage_sags[2] = number(7);
    return telegram;
}

static void expect(const struct meter_values *values, enum meter_quantity quantity, int64_t milli)
{
    cr_expect(values->is_known[quantity], "%s", meter_quantity_name(quantity));
    cr_expect_eq(values->milli[quantity], milli, "%s: %lld", meter_quantity_name(quantity),
                 (long long)values->milli[quantity]);
}

Test(meter_values, are_those_of_the_telegram)
{
    const struct p1_telegram given = telegram();
    struct meter_values values;
    meter_values_of(&given, "123", &values);
    expect(&values, METER_POWER, 2261000);
    expect(&values, METER_POWER_L1, 2761000);
    expect(&values, METER_POWER_L2, -500000);
    expect(&values, METER_VOLTAGE_L1, 230100);
    expect(&values, METER_CURRENT_L1, 12000);
    expect(&values, METER_ENERGY_DRAWN, 123457000);
    expect(&values, METER_SAGS_L3, 7000);
    cr_expect_not(values.is_known[METER_VOLTAGE_L2], "not told is not 0");
    cr_expect_not(values.is_known[METER_POWER_L3]);
    cr_expect_not(values.is_known[METER_ENERGY_FED]);
    cr_expect_not(values.is_known[METER_UNTOLD]);
}

Test(meter_values, turn_the_phases)
{
    const struct p1_telegram given = telegram();
    struct meter_values values;
    meter_values_of(&given, "312", &values);
    expect(&values, METER_VOLTAGE_L2, 230100);
    expect(&values, METER_POWER_L3, -500000);
    expect(&values, METER_SAGS_L1, 7000);
}

Test(meter_values, tell_more_load)
{
    const struct p1_telegram given = telegram();
    struct meter_values values;
    meter_values_of(&given, "123", &values);
    meter_values_add(&values, 10000, 230000);
    expect(&values, METER_CURRENT_L1, 22000);
    expect(&values, METER_POWER_L1, 5062000);
    expect(&values, METER_POWER_L2, 1800000);
    expect(&values, METER_POWER, 2261000 + 2301000 + 2300000);
    cr_expect_not(values.is_known[METER_CURRENT_L3], "a phase that is not there stays so");
}
