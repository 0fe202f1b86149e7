// SPDX-License-Identifier: Apache-2.0

#include "services/planner/fallback.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct step {
    double fullest;
    int32_t told_w, next_w;
    char why[40];
};

ParameterizedTestParameters(fallback, steps)
{
    static struct step cases[] = {
        {0.96, 3680, 2208, "cut above 95 %"}, {0.95, 3680, 3680, "at 95 %"},
        {1.50, 2208, 1380, "not below 6 A"},  {1.50, 1000, 1000, "who has less keeps it"},
        {0.80, 2208, 2208, "stays at 80 %"},  {0.79, 2208, 3680, "released below"},
    };
    return cr_make_param_array(struct step, cases, COUNT(cases));
}

ParameterizedTest(struct step *c, fallback, steps)
{
    int32_t next_w = fallback_level(c->fullest, c->told_w, 1380, 3680);
    cr_expect_eq(next_w, c->next_w, "%s: %d", c->why, next_w);
}
