// SPDX-License-Identifier: Apache-2.0

#include "services/planner/policies.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define NONE FACTS_UNKNOWN

// At a place with 10 kW on L1 and L2 and no limit on L3; chargers of 16 A.
struct step {
    enum case_policy policy;
    int32_t measured_w[PHASES];
    double level_a, next_a;
    char why[48];
};

ParameterizedTestParameters(policies, step)
{
    static struct step cases[] = {
        {CASE_NONE, {20000, 20000, 0}, 16, 16, "no control"},
        {CASE_STATIC, {0, 0, 0}, 16, 6, "always 6 A"},
        {CASE_RULE, {9001, 0, 0}, 16, 6, "phase 1 above 90 %"},
        {CASE_RULE, {9000, 0, 0}, 16, 16, "at 90 %"},
        {CASE_RULE, {0, 20000, 0}, 16, 16, "blind on the other phases"},
        {CASE_RULE, {8000, 0, 0}, 6, 16, "released"},
        {CASE_RULE, {NONE, 0, 0}, 6, 6, "not measured: stays"},
        {CASE_AIMD, {0, 9701, 0}, 16, 9.6, "cut by 0.6 above 97 %"},
        {CASE_AIMD, {0, 9700, 0}, 16, 16, "at 97 %"},
        {CASE_AIMD, {9800, 0, 0}, 9.6, 6, "not below 6 A"},
        {CASE_AIMD, {0, 8999, 0}, 9.6, 11.6, "rises by 2 A below 90 %"},
        {CASE_AIMD, {0, 9000, 0}, 9.6, 9.6, "stays in between"},
        {CASE_AIMD, {0, 0, 0}, 15, 16, "up to what there is"},
        {CASE_AIMD, {0, 0, 99999}, 15, 16, "no limit, no worry"},
        {CASE_AIMD, {0, NONE, 0}, 9.6, 9.6, "not measured: stays"},
    };
    return cr_make_param_array(struct step, cases, COUNT(cases));
}

ParameterizedTest(struct step *c, policies, step)
{
    const struct case_place place = {.limited = {true, true, false}, .limit_w = {10000, 10000, 0}};
    double next_a = policies_next(c->policy, &place, c->measured_w, c->level_a, 16);
    cr_expect_float_eq(next_a, c->next_a, 1e-9, "%s: %f A", c->why, next_a);
}
