// SPDX-License-Identifier: Apache-2.0

#include "services/planner/band.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

// 0 to 1, the same each time.
static float chance(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return (float)(*state >> 8) / (1 << 24);
}

struct course {
    float width_w[2]; // of the errors by day and, from slot 48 on, by night
    float skew;       // errors below count so much of those above
    int lane;
    char why[40];
};

ParameterizedTestParameters(band, covers_what_it_says)
{
    static struct course cases[] = {
        {{1000, 1000}, 1, 0, "even errors"},      {{1000, 1000}, 1, 7, "of a day ahead"},
        {{1000, 4000}, 1, 0, "larger by night"},  {{1000, 1000}, 0.1F, 3, "mostly above"},
        {{1000, 1000}, 5, 3, "mostly far below"}, {{1, 1}, 1, 0, "of a watt"},
        {{2e7F, 1e7F}, 1, 5, "of a city"},
    };
    return cr_make_param_array(struct course, cases, COUNT(cases));
}

ParameterizedTest(struct course *c, band, covers_what_it_says)
{
    struct band band;
    band_start(&band, 10 * c->width_w[0]);
    uint32_t state = 5;
    int covered[BAND_LEVELS] = {0}, count = 0;
    for (int day = 0; day < 150; day++)
        for (int slot = 0; slot < CALENDAR_SLOTS; slot++) {
            float error = 2 * chance(&state) - 1;
            error *= c->width_w[slot >= 48] * (error < 0 ? c->skew : 1);
            for (int level = 0; day >= 30 && level < BAND_LEVELS; level++)
                covered[level] += error <= band_above(&band, (enum band_level)level, c->lane, slot);
            count += day >= 30;
            band_learn(&band, c->lane, slot, error);
        }
    cr_expect_float_eq(covered[BAND_P90] / (double)count, 0.90, 0.01, "%s: P90 %g", c->why,
                       covered[BAND_P90] / (double)count);
    cr_expect_float_eq(covered[BAND_P95] / (double)count, 0.95, 0.01, "%s: P95 %g", c->why,
                       covered[BAND_P95] / (double)count);
}

Test(band, is_wide_before_it_knows)
{
    struct band band;
    band_start(&band, 10000);
    float near_w = band_above(&band, BAND_P95, 0, 40), far_w = band_above(&band, BAND_P95, 7, 40);
    cr_expect_gt(near_w, 1500, "%g", near_w);
    cr_expect_gt(far_w, near_w, "and wider a day ahead: %g", far_w);
    cr_expect_lt(band_above(&band, BAND_P90, 0, 40), near_w);
    band_start(&band, -10000);
    cr_expect_eq(band_above(&band, BAND_P95, 0, 40), near_w, "the same for what is fed in");
}

Test(band, learns_the_size_of_each_block)
{
    struct band band;
    band_start(&band, 10000);
    uint32_t state = 5;
    for (int day = 0; day < 60; day++)
        for (int slot = 0; slot < CALENDAR_SLOTS; slot++)
            band_learn(&band, 4, slot, (slot < 48 ? 200 : 4000) * (2 * chance(&state) - 1));
    float quiet_w = band_above(&band, BAND_P95, 4, 20), loud_w = band_above(&band, BAND_P95, 4, 70);
    cr_expect_gt(loud_w, 5 * quiet_w, "%g and %g", quiet_w, loud_w);
}

Test(band, widens_at_once_when_near_errors_grow)
{
    struct band band;
    band_start(&band, 10000);
    for (int n = 0; n < 2000; n++)
        band_learn(&band, 0, 40, n % 2 ? 100 : -100);
    float before_w = band_above(&band, BAND_P95, 0, 40);
    for (int n = 0; n < 4; n++)
        band_learn(&band, 0, 40, n % 2 ? 1000 : -1000);
    cr_expect_gt(band_above(&band, BAND_P95, 0, 40), 1.5F * before_w);
}

Test(band, is_never_negative)
{
    struct band band;
    band_start(&band, 1000);
    for (int n = 0; n < 5000; n++)
        band_learn(&band, 2, n % CALENDAR_SLOTS, -500);
    for (int slot = 0; slot < CALENDAR_SLOTS; slot++)
        cr_assert_geq(band_above(&band, BAND_P90, 2, slot), 0);
    for (int n = 0; n < 5000; n++)
        band_learn(&band, 2, n % CALENDAR_SLOTS, 0);
    cr_expect_geq(band_above(&band, BAND_P95, 2, 0), 0, "no error at all");
}

Test(band, follows_errors_of_late_only_where_they_are_new)
{
    float growth[2];
    for (int which = 0; which < 2; which++) {
        int lane = which * (RIDGE_LANES - 1);
        struct band band;
        band_start(&band, 10000);
        for (int n = 0; n < 2000; n++)
            band_learn(&band, lane, 40, n % 2 ? 100 : -100);
        float before_w = band_above(&band, BAND_P95, lane, 40);
        for (int n = 0; n < 4; n++)
            band_learn(&band, lane, 40, n % 2 ? 1000 : -1000);
        growth[which] = band_above(&band, BAND_P95, lane, 40) / before_w;
    }
    cr_expect_gt(growth[0], 1.1F * growth[1], "15 min: %g, a day: %g", growth[0], growth[1]);
}

Test(band, learns_of_every_block_on_its_first_day)
{
    struct band band;
    band_start(&band, 10000);
    for (int n = 0; n < 40; n++)
        band_learn(&band, 0, 0, n % 2 ? 100 : -100);
    float own = band.block[0][0], other = band.block[0][BAND_BLOCKS - 1];
    cr_expect_float_eq(other, own, 0.01 * own, "%g and %g", own, other);
    for (int n = 0; n < 5 * CALENDAR_SLOTS; n++)
        band_learn(&band, 0, 0, n % 2 ? 1000 : -1000);
    cr_expect_gt(band.block[0][0], 1.2F * band.block[0][BAND_BLOCKS - 1], "then each its own");
}

Test(band, keeps_some_width_where_a_block_never_erred)
{
    struct band band;
    band_start(&band, 10000);
    for (int day = 0; day < 300; day++)
        for (int slot = 0; slot < CALENDAR_SLOTS; slot++)
            band_learn(&band, 0, slot, slot < BAND_BLOCK ? 0 : slot % 2 ? 1000 : -1000);
    float width_w = band_above(&band, BAND_P95, 0, 0);
    cr_expect_gt(width_w, 50, "%g", width_w);
}
