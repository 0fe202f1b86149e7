// SPDX-License-Identifier: Apache-2.0

#include "services/audit/step.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define MS INT64_C(1000)
#define NOT STEP_NOT

struct life {
    struct step_times times;
    enum step step;
    double seconds;
    char why[48];
};

ParameterizedTestParameters(step, tells_the_time_since_the_former)
{
    static struct life cases[] = {
        {{{0, 8000 * MS, 9000 * MS, 9500 * MS, NOT, NOT, NOT, NOT, NOT}},
         STEP_MEASURED,
         0,
         "first"},
        {{{0, 8000 * MS, 9000 * MS, NOT, NOT, NOT, NOT, NOT, NOT}}, STEP_ARRIVED, 8, "next"},
        {{{0, 8000 * MS, 9250 * MS, NOT, NOT, NOT, NOT, NOT, NOT}}, STEP_PLANNED, 1.25, "fraction"},
        {{{NOT, NOT, 9000 * MS, NOT, NOT, NOT, NOT, NOT, NOT}},
         STEP_PLANNED,
         0,
         "nothing measured"},
        {{{0, 1, 2, 10000 * MS, NOT, 14000 * MS, NOT, NOT, NOT}}, STEP_VERIFIED, 4, "one left out"},
        {{{0, 1, 2, 3, NOT, NOT, NOT, NOT, 60000 * MS + 3}}, STEP_ENDED, 60, "all left out"},
        {{{0, 1, 2, 3, 4, 21500 * MS, 21000 * MS, NOT, NOT}}, STEP_SEEN, 0, "another clock"},
    };
    return cr_make_param_array(struct life, cases, COUNT(cases));
}

ParameterizedTest(struct life *c, step, tells_the_time_since_the_former)
{
    cr_expect_float_eq(step_seconds(&c->times, c->step), c->seconds, 1e-9, "%s: %f", c->why,
                       step_seconds(&c->times, c->step));
}

struct end {
    char state[16], end[16];
};

ParameterizedTestParameters(step, tells_the_end)
{
    static struct end cases[] = {
        {"planned", "open"},    {"queued", "open"},     {"connecting", "open"},
        {"written", "open"},    {"verified", "open"},   {"seen", "open"},
        {"applied", "applied"}, {"expired", "expired"}, {"superseded", "superseded"},
        {"refused", "refused"}, {"failed", "failed"},
    };
    return cr_make_param_array(struct end, cases, COUNT(cases));
}

ParameterizedTest(struct end *c, step, tells_the_end)
{
    cr_expect_str_eq(step_end(c->state), c->end);
}

Test(step, has_a_name_each)
{
    cr_expect_str_eq(step_name(STEP_MEASURED), "measured");
    cr_expect_str_eq(step_name(STEP_ENDED), "ended");
    for (enum step step = 0; step < STEP_COUNT; step++)
        cr_expect_not_null(step_name(step));
}
