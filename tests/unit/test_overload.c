// SPDX-License-Identifier: Apache-2.0

#include "services/audit/overload.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { NO = -999999 };

static struct phases phases_of(const int w[PHASES])
{
    struct phases phases;
    for (int i = 0; i < PHASES; i++) {
        phases.known[i] = w[i] != NO;
        phases.w[i] = w[i] == NO ? 0 : w[i];
    }
    return phases;
}

struct quarter_case {
    int load[PHASES], limit[PHASES]; // W; NO: not known, no limit
    int measured, over_limit, over_5pct, over_w;
    double worst;
    char why[48];
};

ParameterizedTestParameters(overload, counts_a_quarter)
{
    static struct quarter_case cases[] = {
        {{900, 800, 700}, {1000, 1000, 1000}, 1, 0, 0, 0, 0.9, "below"},
        {{1000, 1000, 1000}, {1000, 1000, 1000}, 1, 0, 0, 0, 1, "at the limit is not above it"},
        {{1001, 0, 0}, {1000, 1000, 1000}, 1, 1, 0, 1, 1.001, "above by a watt"},
        {{1050, 0, 0}, {1000, 1000, 1000}, 1, 1, 0, 50, 1.05, "5 % is not more than 5 %"},
        {{1051, 0, 0}, {1000, 1000, 1000}, 1, 1, 1, 51, 1.051, "more than 5 %"},
        {{1100, 1200, 900}, {1000, 1000, 1000}, 1, 1, 1, 300, 1.2, "two phases, one quarter"},
        {{NO, 1200, NO}, {1000, 1000, 1000}, 1, 1, 1, 200, 1.2, "one phase known"},
        {{NO, NO, NO}, {1000, 1000, 1000}, 0, 0, 0, 0, -1, "nothing known"},
        {{9000, 900, 9000}, {NO, 1000, NO}, 1, 0, 0, 0, 0.9, "no limit on two"},
        {{9000, 9000, 9000}, {NO, NO, NO}, 1, 0, 0, 0, -1, "no limit at all"},
        {{-500, -500, -500}, {1000, 1000, 1000}, 1, 0, 0, 0, -0.5, "sun: but a ratio below 0"},
        {{10, 0, 0}, {0, 1000, 1000}, 1, 1, 1, 10, 0, "nothing is allowed: no ratio to that"},
    };
    return cr_make_param_array(struct quarter_case, cases, COUNT(cases));
}

ParameterizedTest(struct quarter_case *c, overload, counts_a_quarter)
{
    struct overload sum = overload_none();
    struct phases load = phases_of(c->load), limit = phases_of(c->limit);
    overload_add(&sum, &load, &limit);
    cr_expect_eq(sum.measured, c->measured, "%s", c->why);
    cr_expect_eq(sum.over_limit, c->over_limit, "%s", c->why);
    cr_expect_eq(sum.over_5pct, c->over_5pct, "%s", c->why);
    cr_expect_eq(sum.over_w, c->over_w, "%s", c->why);
    cr_expect_float_eq(sum.worst_ratio, c->worst, 1e-9, "%s: %f", c->why, sum.worst_ratio);
}

Test(overload, sums_energy_over_quarters)
{
    struct overload sum = overload_none();
    const struct phases limit = phases_of((int[]){40000, 40000, 40000});
    const struct phases high = phases_of((int[]){44000, 40000, 10000});
    const struct phases low = phases_of((int[]){30000, 41000, 10000});
    overload_add(&sum, &high, &limit);
    overload_add(&sum, &low, &limit);
    cr_expect_eq(sum.measured, 2);
    cr_expect_eq(sum.over_limit, 2);
    cr_expect_eq(sum.over_5pct, 1);
    cr_expect_float_eq(overload_kwh(&sum), 1.25, 1e-9, "4 kW and 1 kW for a quarter hour each");
    cr_expect_float_eq(sum.worst_ratio, 1.1, 1e-9);
}

Test(phases, know_a_sum_only_where_all_are_known)
{
    struct phases sum = phases_zero();
    const struct phases a = phases_of((int[]){1000, 2000, 3000});
    const struct phases b = phases_of((int[]){10, NO, -30});
    phases_add(&sum, &a);
    phases_add(&sum, &b);
    cr_expect(sum.known[0] && !sum.known[1] && sum.known[2]);
    cr_expect_eq(sum.w[0], 1010);
    cr_expect_eq(sum.w[2], 2970);
}
