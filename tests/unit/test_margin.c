// SPDX-License-Identifier: Apache-2.0

#include "services/planner/margin.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static float chance(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return (float)(*state >> 8) / (1 << 24);
}

struct start {
    float share, begun;
    char why[32];
};

ParameterizedTestParameters(margin, begins_within_its_bounds)
{
    static struct start cases[] = {
        {0.05F, 0.05F, "as told"},
        {0, 0.01F, "never nothing"},
        {0.5F, 0.30F, "never more than 30 %"},
        {-1, 0.01F, "nor negative"},
    };
    return cr_make_param_array(struct start, cases, COUNT(cases));
}

ParameterizedTest(struct start *c, margin, begins_within_its_bounds)
{
    struct margin margin;
    margin_start(&margin, c->share);
    for (int slot = 0; slot < CALENDAR_SLOTS; slot++)
        cr_assert_eq(margin_share(&margin, slot, 1), c->begun, "%s", c->why);
}

struct course {
    float width, excess;
    char why[32];
};

ParameterizedTestParameters(margin, lets_the_excess_through)
{
    static struct course cases[] = {
        {0.10F, 0.002F, "a little"},       {0.10F, 0.004F, "as usual"},
        {0.10F, 0.010F, "much"},           {0.25F, 0.004F, "of wide errors"},
        {0.04F, 0.004F, "of narrow ones"},
    };
    return cr_make_param_array(struct course, cases, COUNT(cases));
}

ParameterizedTest(struct course *c, margin, lets_the_excess_through)
{
    struct margin margin;
    margin_start(&margin, 0.05F);
    uint32_t state = 11;
    int count = 0;
    double sum = 0;
    for (int day = 0; day < 200; day++)
        for (int slot = 0; slot < CALENDAR_SLOTS; slot++) {
            float error = c->width * (2 * chance(&state) - 1);
            if (day >= 40)
                sum += (double)fmaxf(error - margin_share(&margin, slot, 1), 0);
            count += day >= 40;
            margin_learn(&margin, slot, error, c->excess);
        }
    cr_expect_float_eq(sum / count / (double)c->excess, 1, 0.1, "%s: %g", c->why, sum / count);
}

Test(margin, is_least_where_errors_are_smaller_than_the_excess)
{
    struct margin margin;
    margin_start(&margin, 0.05F);
    for (int n = 0; n < 200 * CALENDAR_SLOTS; n++)
        margin_learn(&margin, n % CALENDAR_SLOTS, n % 2 ? 0.008F : -0.008F, 0.004F);
    cr_expect_eq(margin_share(&margin, 0, 1), 0.01F);
}

Test(margin, learns_fast_at_first)
{
    struct margin margin;
    margin_start(&margin, 0.05F);
    for (int n = 0; n < 8; n++)
        margin_learn(&margin, 40, 0.2F, 0.004F);
    float early = margin_share(&margin, 40, 1) - 0.05F;
    for (int n = 0; n < 2000; n++)
        margin_learn(&margin, 40, n % 10 ? 0.0F : 0.3F, 0.004F);
    float before = margin_share(&margin, 40, 1);
    for (int n = 0; n < 8; n++)
        margin_learn(&margin, 40, 0.31F, 0.004F);
    float late = margin_share(&margin, 40, 1) - before;
    cr_expect_gt(early, 2 * late, "%g and %g", early, late);
}

Test(margin, tells_the_blocks_apart)
{
    struct margin margin;
    margin_start(&margin, 0.05F);
    uint32_t state = 2;
    for (int day = 0; day < 100; day++)
        for (int slot = 0; slot < CALENDAR_SLOTS; slot++)
            margin_learn(&margin, slot, (slot < 64 ? 0.03F : 0.2F) * (2 * chance(&state) - 1),
                         0.004F);
    cr_expect_gt(margin_share(&margin, 80, 1), 3 * margin_share(&margin, 20, 1));
}

Test(margin, grows_with_the_age_of_the_data_within_its_bounds)
{
    struct margin margin;
    margin_start(&margin, 0.05F);
    cr_expect_float_eq(margin_share(&margin, 0, 2), 0.1F, 1e-6F);
    cr_expect_eq(margin_share(&margin, 0, 0.5F), 0.05F, "fresher than fresh is fresh");
    cr_expect_eq(margin_share(&margin, 0, 100), 0.30F);
    for (int n = 0; n < 10000; n++)
        margin_learn(&margin, n % CALENDAR_SLOTS, 5, 0.004F);
    cr_expect_eq(margin_share(&margin, 0, 1), 0.30F);
    for (int n = 0; n < 100000; n++)
        margin_learn(&margin, n % CALENDAR_SLOTS, -5, 0.004F);
    cr_expect_eq(margin_share(&margin, 0, 1), 0.01F);
}

Test(margin, learns_nothing_from_what_is_no_number)
{
    struct margin margin;
    margin_start(&margin, 0.05F);
    margin_learn(&margin, 0, NAN, 0.004F);
    margin_learn(&margin, 0, INFINITY, 0.004F);
    cr_expect_eq(margin_share(&margin, 0, 1), 0.05F);
}

Test(margin, moves_the_other_blocks_a_tenth)
{
    struct margin margin;
    margin_start(&margin, 0.05F);
    margin_learn(&margin, 0, 0.2F, 0.004F);
    double own = margin_share(&margin, 0, 1) - 0.05F, other = margin_share(&margin, 95, 1) - 0.05F;
    cr_expect_gt(own, 0.01, "%g", own);
    cr_expect_float_eq(other / own, 0.1 / 1.1, 0.01, "%g of %g", other, own);
}

Test(margin, is_moved_no_further_by_one_odd_quarter_hour_however_odd)
{
    struct margin high, absurd;
    margin_start(&high, 0.05F);
    margin_start(&absurd, 0.05F);
    margin_learn(&high, 0, 0.25F, 0.004F);
    margin_learn(&absurd, 0, 25, 0.004F);
    cr_expect_eq(margin_share(&absurd, 0, 1), margin_share(&high, 0, 1));
    cr_expect_lt(margin_share(&absurd, 0, 1), 0.1);
}
