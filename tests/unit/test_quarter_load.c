// SPDX-License-Identifier: Apache-2.0

#include "gateway/quarter_load.h"

#include <criterion/criterion.h>

static const int64_t QUARTER = 1768406400; // 2026-01-14 16:00:00 UTC

static struct quarter_load_reading reading(int64_t at, int32_t power_w, int64_t energy_wh)
{
    return (struct quarter_load_reading){.at = {at * SECONDS_NS},
                                         .has_power = {true, true, false},
                                         .power_w = {power_w, -power_w, 0},
                                         .has_energy = true,
                                         .energy_wh = energy_wh};
}

// Feed one reading each period seconds from first up to last; the number of results.
static int feed(struct quarter_load *load, int64_t first, int64_t last, int period, int32_t power_w,
                struct quarter_load_result *result)
{
    int results = 0;
    for (int64_t at = first; at <= last; at += period) {
        struct quarter_load_reading r = reading(at, power_w, 1000 + (at - QUARTER) / 10);
        results += quarter_load_take(load, &r, result);
    }
    return results;
}

Test(quarter_load, is_the_mean_of_a_full_quarter)
{
    struct quarter_load load = {0};
    struct quarter_load_result result;
    cr_expect_eq(feed(&load, QUARTER, QUARTER + 449, 1, 1000, &result), 0);
    cr_expect_eq(feed(&load, QUARTER + 450, QUARTER + 900, 1, 3000, &result), 1);
    cr_expect_eq(result.quarter, QUARTER);
    cr_expect(result.has_power[0] && result.has_power[1] && !result.has_power[2]);
    cr_expect_leq(abs(result.power_w[0] - 2000), 5, "%d", result.power_w[0]);
    cr_expect_eq(result.power_w[1], -result.power_w[0], "fed in is below 0");
    cr_expect(result.has_energy);
    cr_expect_eq(result.energy_wh, 90);
}

Test(quarter_load, shares_the_time_over_the_border)
{
    struct quarter_load load = {0};
    struct quarter_load_result result;
    cr_expect_eq(feed(&load, QUARTER + 5, QUARTER + 895, 10, 1000, &result), 0);
    cr_expect_eq(feed(&load, QUARTER + 905, QUARTER + 1795, 10, 3000, &result), 1);
    cr_expect_eq(result.power_w[0], (890 * 1000 + 5 * 3000) / 895);
    cr_expect_eq(feed(&load, QUARTER + 1805, QUARTER + 1805, 10, 0, &result), 1);
    cr_expect_eq(result.power_w[0], 895 * 3000 / 900, "the last five seconds were 0");
}

Test(quarter_load, does_not_guess_what_it_did_not_measure)
{
    struct quarter_load load = {0};
    struct quarter_load_result result;
    cr_expect_eq(feed(&load, QUARTER + 300, QUARTER + 900, 10, 1000, &result), 1);
    cr_expect(result.has_power[0], "two thirds are enough");
    cr_expect_not(result.has_energy, "the register at the start is not known");

    cr_expect_eq(feed(&load, QUARTER + 910, QUARTER + 1200, 10, 1000, &result), 0);
    cr_expect_eq(feed(&load, QUARTER + 1800, QUARTER + 1810, 10, 1000, &result), 1);
    cr_expect_not(result.has_power[0], "a third is not");
    cr_expect(result.has_energy, "both ends of the register are");
    cr_expect_eq(result.energy_wh, 90);

    cr_expect_eq(feed(&load, QUARTER + 9000, QUARTER + 9000, 10, 1000, &result), 1);
    cr_expect_eq(result.quarter, QUARTER + 1800);
    cr_expect_not(result.has_energy, "the next quarter was missed");
}
