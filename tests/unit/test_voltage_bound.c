// SPDX-License-Identifier: Apache-2.0

#include "gateway/voltage_bound.h"

#include <criterion/criterion.h>

static struct mono at_minute(int64_t minute)
{
    return (struct mono){minute * 60 * SECONDS_NS};
}

Test(voltage_bound, holds_the_peak_of_two_quarters)
{
    struct voltage_bound bound = {0};
    cr_expect_eq(voltage_bound_mv(&bound, at_minute(1), 230000), 230000, "nothing measured");
    voltage_bound_take(&bound, at_minute(1), 238000);
    voltage_bound_take(&bound, at_minute(2), 236000);
    cr_expect_eq(voltage_bound_mv(&bound, at_minute(3), 230000), 238000, "the highest");
    voltage_bound_take(&bound, at_minute(16), 234000);
    cr_expect_eq(voltage_bound_mv(&bound, at_minute(17), 230000), 238000, "of the last quarter");
    cr_expect_eq(voltage_bound_mv(&bound, at_minute(31), 230000), 234000, "which has passed");
    cr_expect_eq(voltage_bound_mv(&bound, at_minute(46), 230000), 230000, "and nothing since");
}

Test(voltage_bound, passes_over_what_cannot_be)
{
    struct voltage_bound bound = {0};
    voltage_bound_take(&bound, at_minute(1), 0);
    voltage_bound_take(&bound, at_minute(1), 115000);
    cr_expect_eq(voltage_bound_mv(&bound, at_minute(1), 253000), 253000, "a broken phase");
    voltage_bound_take(&bound, at_minute(1), 400000);
    cr_expect_eq(voltage_bound_mv(&bound, at_minute(1), 230000), 253000, "not beyond the norm");
}
