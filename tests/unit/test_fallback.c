// SPDX-License-Identifier: Apache-2.0

#include "services/planner/fallback.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct step {
    double room_w, expected;
    int32_t told_w, next_w;
    char why[48];
};

ParameterizedTestParameters(fallback, steps)
{
    static struct step cases[] = {
        {10000, 4, 3680, 2500, "cut to what there is for each"},
        {13000, 4, 3680, 3680, "a small cut is not worth a message"},
        {12879, 4, 3680, 3219, "two amperes are"},
        {4000, 4, 3680, 1380, "not below 6 A"},
        {-4000, 4, 3680, 1380, "nor where nothing is left"},
        {-4000, 4, 1000, 1000, "who has less keeps it"},
        {14719, 4, 2208, 2208, "not raised step by step"},
        {14720, 4, 2208, 3680, "released when all there is fits"},
        {0, 0, 2208, 3680, "and when nothing is expected"},
    };
    return cr_make_param_array(struct step, cases, COUNT(cases));
}

ParameterizedTest(struct step *c, fallback, steps)
{
    int32_t next_w = fallback_level(c->room_w, c->expected, c->told_w, 1380, 3680);
    cr_expect_eq(next_w, c->next_w, "%s: %d", c->why, next_w);
}
