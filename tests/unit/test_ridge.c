// SPDX-License-Identifier: Apache-2.0

#include "services/planner/ridge.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

static const float whole[RIDGE_LANES] = {1, 1, 1, 1, 1, 1, 1, 1};
static const bool all[RIDGE_LANES] = {true, true, true, true, true, true, true, true};

// -1 to 1, the same each time.
static float chance(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return (float)(*state >> 8) / (1 << 23) - 1;
}

static float truth(const struct ridge_inputs *x, int lane)
{
    float sum = 0;
    for (int i = 0; i < RIDGE_INPUTS; i++)
        sum += x->of[i][lane] * (float)((i + lane) % 5 - 2) / 10;
    return sum;
}

static void draw(struct ridge_inputs *x, uint32_t *state)
{
    for (int i = 0; i < RIDGE_INPUTS; i++)
        for (int lane = 0; lane < RIDGE_LANES; lane++)
            x->of[i][lane] = i ? chance(state) : 1;
}

// Learn `count` examples of the truth with some noise; every tenth is off by `wild` instead.
static void teach(struct ridge *ridge, int count, float noise, float wild, const float *forget)
{
    uint32_t state = 7;
    for (int n = 0; n < count; n++) {
        struct ridge_inputs x;
        float y[RIDGE_LANES];
        draw(&x, &state);
        for (int lane = 0; lane < RIDGE_LANES; lane++)
            y[lane] = truth(&x, lane) + (n % 10 ? noise * chance(&state) : wild);
        ridge_learn(ridge, &x, y, all, forget);
    }
}

static float worst(const struct ridge *ridge)
{
    uint32_t state = 99;
    struct ridge_inputs x;
    float out[RIDGE_LANES], most = 0;
    draw(&x, &state);
    ridge_foresee(ridge, &x, out);
    for (int lane = 0; lane < RIDGE_LANES; lane++)
        most = fmaxf(most, fabsf(out[lane] - truth(&x, lane)));
    return most;
}

Test(ridge, foresees_nothing_at_first)
{
    struct ridge ridge;
    struct ridge_inputs x;
    uint32_t state = 1;
    float out[RIDGE_LANES];
    ridge_start(&ridge);
    draw(&x, &state);
    ridge_foresee(&ridge, &x, out);
    for (int lane = 0; lane < RIDGE_LANES; lane++)
        cr_expect_eq(out[lane], 0);
}

Test(ridge, learns_each_lane_its_own)
{
    struct ridge ridge;
    ridge_start(&ridge);
    teach(&ridge, 400, 0, 0, whole);
    cr_expect_lt(worst(&ridge), 0.01, "%g", worst(&ridge));
    cr_expect_eq(ridge.seen[3], 400);
}

Test(ridge, learns_through_noise_and_strange_days)
{
    struct ridge ridge;
    ridge_start(&ridge);
    teach(&ridge, 4000, 0.1F, 0, whole);
    cr_expect_lt(worst(&ridge), 0.03, "noise: %g", worst(&ridge));
    ridge_start(&ridge);
    teach(&ridge, 4000, 0.1F, 2.5F, whole);
    cr_expect_lt(worst(&ridge), 0.06, "wild values: %g", worst(&ridge));
}

Test(ridge, leaves_alone_a_lane_that_is_not_known)
{
    struct ridge ridge;
    ridge_start(&ridge);
    teach(&ridge, 50, 0, 0, whole);
    struct ridge before = ridge;
    struct ridge_inputs x;
    uint32_t state = 3;
    draw(&x, &state);
    const float y[RIDGE_LANES] = {9, 9, 9, 9, 9, 9, 9, 9};
    const bool known[RIDGE_LANES] = {true, false, true, true, true, true, true, true};
    ridge_learn(&ridge, &x, y, known, whole);
    for (int i = 0; i < RIDGE_INPUTS; i++)
        cr_expect_eq(ridge.theta[i][1], before.theta[i][1]);
    for (int i = 0; i < RIDGE_PACKED; i++)
        cr_expect_eq(ridge.packed[i][1], before.packed[i][1]);
    cr_expect_eq(ridge.seen[1], 50);
    cr_expect_neq(ridge.theta[0][0], before.theta[0][0]);
}

Test(ridge, does_not_wind_up_on_inputs_that_never_change)
{
    struct ridge ridge;
    ridge_start(&ridge);
    static const float quick[RIDGE_LANES] = {0.9F, 0.9F, 0.9F, 0.9F, 0.9F, 0.9F, 0.9F, 0.9F};
    struct ridge_inputs x = {0};
    for (int lane = 0; lane < RIDGE_LANES; lane++)
        x.of[0][lane] = 1;
    const float y[RIDGE_LANES] = {1, 1, 1, 1, 1, 1, 1, 1};
    for (int n = 0; n < 5000; n++)
        ridge_learn(&ridge, &x, y, all, quick);
    float out[RIDGE_LANES];
    ridge_foresee(&ridge, &x, out);
    for (int lane = 0; lane < RIDGE_LANES; lane++)
        cr_expect_float_eq(out[lane], 1, 0.01, "lane %d: %g", lane, out[lane]);
    for (int i = 0; i < RIDGE_PACKED; i++)
        cr_assert(isfinite(ridge.packed[i][0]) && fabsf(ridge.packed[i][0]) <= 1e4F);
}

Test(ridge, starts_a_lane_again_that_went_wrong)
{
    struct ridge ridge;
    ridge_start(&ridge);
    teach(&ridge, 300, 0, 0, whole);
    ridge.packed[0][2] = -1;
    ridge.theta[4][5] = NAN;
    struct ridge_inputs x = {0};
    const float y[RIDGE_LANES] = {0};
    ridge_learn(&ridge, &x, y, all, whole);
    cr_expect_eq(ridge.seen[2], 0, "a diagonal below zero");
    cr_expect_eq(ridge.seen[5], 0, "a coefficient that is no number");
    cr_expect_eq(ridge.seen[3], 301, "the others go on");
    for (int i = 0; i < RIDGE_INPUTS; i++)
        cr_expect_eq(ridge.theta[i][5], 0);
}

Test(ridge, counts_no_error_for_more_than_three_deviations)
{
    struct ridge far, absurd;
    struct ridge_inputs x;
    uint32_t state = 5;
    draw(&x, &state);
    ridge_start(&far);
    ridge_start(&absurd);
    const float y[RIDGE_LANES] = {3, 3, 3, 3, -3, -3, -3, -3};
    const float absurd_y[RIDGE_LANES] = {4, 50, 3e5F, 1e30F, -4, -50, -3e5F, -1e30F};
    ridge_learn(&far, &x, y, all, whole);
    ridge_learn(&absurd, &x, absurd_y, all, whole);
    for (int lane = 0; lane < RIDGE_LANES; lane++)
        for (int i = 0; i < RIDGE_INPUTS; i++)
            cr_expect_eq(absurd.theta[i][lane], far.theta[i][lane], "lane %d", lane);
}

Test(ridge, forgets_what_was_long_ago)
{
    struct ridge ridge;
    ridge_start(&ridge);
    static const float quick[RIDGE_LANES] = {0.98F, 0.98F, 0.98F, 0.98F,
                                             0.98F, 0.98F, 0.98F, 0.98F};
    struct ridge_inputs x;
    float y[RIDGE_LANES];
    uint32_t state = 5;
    for (int n = 0; n < 4000; n++) {
        draw(&x, &state);
        for (int lane = 0; lane < RIDGE_LANES; lane++)
            y[lane] = (n < 2000 ? 1 : 2) + 0.1F * chance(&state);
        ridge_learn(&ridge, &x, y, all, quick);
    }
    cr_expect_float_eq(ridge.theta[0][0], 2, 0.2, "%g", ridge.theta[0][0]);
}
