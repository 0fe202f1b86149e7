// SPDX-License-Identifier: Apache-2.0

#include "gateway/amperes.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct amperes_scale tenths = {AMPERES_A, 100000, 0, 800, 0};

struct current {
    int32_t watts;
    int phases;
    int64_t voltage_mv;
    int64_t tenths;
};

ParameterizedTestParameters(amperes, rounds_current_down_to_tenths)
{
    static struct current cases[] = {
        {1380, 1, 230000, 60},  {1380, 1, 253000, 54},  {1380, 3, 230000, 20},
        {1380, 3, 253000, 18},  {4140, 1, 230000, 180}, {4140, 1, 253000, 163},
        {4140, 3, 230000, 60},  {4140, 3, 253000, 54},  {4200, 1, 230000, 182},
        {4200, 1, 253000, 166}, {4200, 3, 230000, 60},  {4200, 3, 253000, 55},
        {6000, 1, 230000, 260}, {6000, 1, 253000, 237}, {6000, 3, 230000, 86},
        {6000, 3, 253000, 79},  {9000, 1, 230000, 391}, {9000, 1, 253000, 355},
        {9000, 3, 230000, 130}, {9000, 3, 253000, 118}, {0, 3, 230000, 0},
    };
    return cr_make_param_array(struct current, cases, COUNT(cases));
}

ParameterizedTest(struct current *c, amperes, rounds_current_down_to_tenths)
{
    const struct amperes_connection connection = {c->phases, c->voltage_mv, 11040};
    struct amperes_value value = amperes_from_watts(&tenths, &connection, false, c->watts);
    cr_expect_eq(value.raw, c->tenths, "%d W on %d phases: %lld", c->watts, c->phases,
                 (long long)value.raw);
    cr_expect_leq(value.watts, c->watts);
}

struct written {
    struct amperes_scale scale;
    bool hold_least;
    int32_t limit_w;
    int64_t raw;
    int32_t watts;
    bool paused;
    char text[24];
    char why[48];
};

ParameterizedTestParameters(amperes, fits_the_register)
{
    static struct written cases[] = {
        {{AMPERES_W, 100000000, 0, 65535, 0}, false, 6000, 60, 6000, false, "60 x 100 W", "100 W"},
        {{AMPERES_W, 100000000, 0, 65535, 0},
         false,
         6099,
         60,
         6000,
         false,
         "60 x 100 W",
         "rounded down"},
        {{AMPERES_W, 100000000, 0, 65535, 0},
         false,
         99,
         0,
         0,
         false,
         "0 x 100 W",
         "down to nothing"},
        {{AMPERES_W, 100000000, 0, 110, 0},
         false,
         17000,
         110,
         11000,
         false,
         "110 x 100 W",
         "not more than the register may get"},
        {{AMPERES_W, 1000000, 1380, 11040, 0}, false, 5999, 5999, 5999, false, "5999 W", "watts"},
        {{AMPERES_PERCENT, 1000000, 0, 100, 0},
         false,
         6000,
         54,
         5962,
         false,
         "54 %",
         "per cent of 11040 W"},
        {{AMPERES_PERCENT, 1000000, 0, 100, 0}, false, 11040, 100, 11040, false, "100 %", "all"},
        {{AMPERES_A, 1000000, 6, 32, 0}, false, 6000, 8, 5520, false, "8 A", "whole amperes"},
        {{AMPERES_A, 1000, 6000, 63000, 0},
         false,
         6000,
         8695,
         6000,
         false,
         "8695 x 0.001 A",
         "milliamperes"},
        {{AMPERES_A, 60000, 100, 533, 1000},
         false,
         6000,
         144,
         5962,
         false,
         "144 x 0.06 A",
         "duty cycle"},
        {{AMPERES_A, 1000000, 6, 32, 0}, false, 4139, 0, 0, true, "0 A", "pauses below the least"},
        {{AMPERES_A, 60000, 100, 533, 1000},
         false,
         3000,
         1000,
         0,
         true,
         "1000 x 0.06 A",
         "pause has a value of its own"},
        {{AMPERES_A, 1000000, 6, 32, 0},
         true,
         4139,
         6,
         4140,
         false,
         "6 A",
         "holds the least by setting"},
        {{AMPERES_A, 1000000, 6, 32, 0}, false, 4140, 6, 4140, false, "6 A", "just the least"},
    };
    return cr_make_param_array(struct written, cases, COUNT(cases));
}

ParameterizedTest(struct written *c, amperes, fits_the_register)
{
    const struct amperes_connection connection = {3, 230000, 11040};
    struct amperes_value value =
        amperes_from_watts(&c->scale, &connection, c->hold_least, c->limit_w);
    cr_expect_eq(value.raw, c->raw, "%s: %lld", c->why, (long long)value.raw);
    cr_expect_eq(value.watts, c->watts, "%s: %d W", c->why, value.watts);
    cr_expect_eq(value.paused, c->paused, "%s", c->why);
    char text[24];
    amperes_describe(&c->scale, value.raw, text, sizeof text);
    cr_expect_str_eq(text, c->text, "%s: %s", c->why, text);
}

Test(amperes, never_gives_more_than_the_limit)
{
    static const struct amperes_scale scales[] = {
        {AMPERES_A, 1000000, 6, 80, 0},        {AMPERES_A, 100000, 60, 800, 0},
        {AMPERES_A, 1000, 6000, 65535, 0},     {AMPERES_A, 60000, 100, 533, 1000},
        {AMPERES_W, 1000000, 0, 65535, 0},     {AMPERES_W, 100000000, 0, 65535, 0},
        {AMPERES_PERCENT, 1000000, 0, 100, 0},
    };
    for (size_t s = 0; s < COUNT(scales); s++)
        for (int phases = 1; phases <= 3; phases++)
            for (int32_t limit = 0; limit <= 25000; limit += 7) {
                const struct amperes_connection connection = {phases, 243217, 17250};
                struct amperes_value value =
                    amperes_from_watts(&scales[s], &connection, false, limit);
                cr_assert_leq(value.watts, limit, "scale %zu, %d phases, %d W: %d W", s, phases,
                              limit, value.watts);
            }
}

struct bounded { // NOLINT(clang-analyzer-optin.performance.Padding): in the order of the cases
    struct amperes_scale scale;
    bool per_phase;
    int phases;
    int64_t ma[AMPERES_PHASES];
    int32_t limit_w;
    int64_t phase[AMPERES_PHASES];
    int32_t watts;
    bool paused;
    char why[60];
};

ParameterizedTestParameters(amperes, keeps_each_phase_within_its_bound)
{
    static struct bounded cases[] = {
        {{AMPERES_A, 100000, 60, 320, 0},
         true,
         3,
         {10000, 8000, 16000},
         6000,
         {86, 80, 86},
         5796,
         false,
         "one phase has less"},
        {{AMPERES_A, 100000, 60, 320, 0},
         true,
         3,
         {10000, 5900, 16000},
         6000,
         {86, 0, 86},
         3956,
         false,
         "one phase has too little, and pauses"},
        {{AMPERES_A, 100000, 60, 320, 60},
         true,
         3,
         {10000, 5900, 16000},
         6000,
         {86, 60, 86},
         0,
         true,
         "a switch pauses all"},
        {{AMPERES_A, 100000, 60, 320, 0},
         true,
         3,
         {5000, 5900, 5000},
         6000,
         {0, 0, 0},
         0,
         true,
         "all have too little"},
        {{AMPERES_A, 100000, 60, 320, 0},
         true,
         2,
         {10000, 8000, 1000},
         4000,
         {86, 80, 0},
         3818,
         false,
         "its third phase is not connected"},
        {{AMPERES_A, 100000, 60, 320, 0},
         false,
         3,
         {10000, 8000, 16000},
         6000,
         {80, 80, 80},
         5520,
         false,
         "one number: the least"},
        {{AMPERES_A, 100000, 60, 320, 0},
         false,
         1,
         {10000, 8000, 16000},
         6000,
         {100, 100, 100},
         2300,
         false,
         "one number, one phase"},
        {{AMPERES_A, 1000000, 6, 32, 0},
         false,
         3,
         {10900, 12000, 16000},
         11000,
         {10, 10, 10},
         6900,
         false,
         "whole amperes"},
        {{AMPERES_W, 100000000, 0, 65535, 0},
         false,
         3,
         {10000, 8000, 16000},
         6000,
         {49, 49, 49},
         4900,
         false,
         "power: 8 A at 207 V on three phases"},
        {{AMPERES_PERCENT, 1000000, 0, 100, 0},
         false,
         3,
         {10000, 8000, 16000},
         6000,
         {45, 45, 45},
         4968,
         false,
         "the same in per cent"},
        {{AMPERES_A, 100000, 60, 320, 0},
         true,
         3,
         {AMPERES_UNBOUND, AMPERES_UNBOUND, AMPERES_UNBOUND},
         6000,
         {86, 86, 86},
         5934,
         false,
         "no bounds"},
    };
    return cr_make_param_array(struct bounded, cases, COUNT(cases));
}

ParameterizedTest(struct bounded *c, amperes, keeps_each_phase_within_its_bound)
{
    const struct amperes_connection connection = {c->phases, 230000, 11040};
    const struct amperes_bounds bounds = {{c->ma[0], c->ma[1], c->ma[2]}};
    struct amperes_value value =
        amperes_from_bounded(&c->scale, &connection, false, c->per_phase, &bounds, c->limit_w);
    for (int i = 0; i < AMPERES_PHASES; i++)
        cr_expect_eq(value.phase[i], c->phase[i], "%s: phase %d is %lld", c->why, i,
                     (long long)value.phase[i]);
    cr_expect_eq(value.watts, c->watts, "%s: %d W", c->why, value.watts);
    cr_expect_eq(value.paused, c->paused, "%s", c->why);
}

Test(amperes, turns_bounds_to_the_phases_of_a_charger)
{
    struct amperes_bounds bounds = {{1, 2, 3}}, own;
    cr_expect_eq(amperes_bounds_read("16 10.5", &bounds), ERR_SYNTAX);
    cr_expect_eq(amperes_bounds_read("16 10 0", &bounds), ERR_SYNTAX);
    cr_expect_eq(amperes_bounds_read("16 10 8 8", &bounds), ERR_SYNTAX);
    cr_expect_eq(amperes_bounds_read("16 nan 8", &bounds), ERR_SYNTAX);
    cr_expect_eq(bounds.ma[0], 1, "untouched");
    cr_assert_eq(amperes_bounds_read("16 10.5 8", &bounds), ERR_NONE);
    own = amperes_rotate(&bounds, "231");
    cr_expect(own.ma[0] == 10500 && own.ma[1] == 8000 && own.ma[2] == 16000);
    cr_assert_eq(amperes_bounds_read("", &bounds), ERR_NONE);
    cr_expect_eq(bounds.ma[2], AMPERES_UNBOUND);
}
