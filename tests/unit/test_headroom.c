// SPDX-License-Identifier: Apache-2.0

#include "services/planner/headroom.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct margin {
    int32_t limit_w;
    double share;
    int age;
    int32_t margin_w;
    char why[48];
};

ParameterizedTestParameters(headroom, keeps_more_free_the_older_the_data)
{
    static struct margin cases[] = {
        {20000, 0.05, 1, 1000, "fresh"},
        {20000, 0.05, 0, 1000, "never fresher than fresh"},
        {20000, 0.05, 4, 2000, "an hour: twice"},
        {20000, 0.05, 8, 2828, "two hours"},
        {20000, 0.15, 8, 6000, "at most 30 %"},
        {20000, 0.40, 1, 8000, "unless told more"},
        {20000, 0.40, 9, 8000, "and then no more than that"},
        {20000, 0, 8, 0, "none wanted"},
        {0, 0.05, 1, 0, "nothing may flow"},
    };
    return cr_make_param_array(struct margin, cases, COUNT(cases));
}

ParameterizedTest(struct margin *c, headroom, keeps_more_free_the_older_the_data)
{
    int32_t margin_w = headroom_margin(c->limit_w, c->share, c->age);
    cr_expect_eq(margin_w, c->margin_w, "%s: %d", c->why, margin_w);
}

Test(headroom, may_be_negative_but_does_not_wrap)
{
    cr_expect_eq(headroom_left(20000, 12000, 1000), 7000);
    cr_expect_eq(headroom_left(20000, 25000, 1000), -6000);
    cr_expect_eq(headroom_left(0, INT32_MAX, INT32_MAX), -INT32_MAX);
    cr_expect_eq(headroom_left(1000000000, -INT32_MAX, 0), INT32_MAX);
}
