// SPDX-License-Identifier: Apache-2.0

#include "services/planner/forecast.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define NONE FACTS_UNKNOWN

struct newest {
    int32_t measured_w[FACTS_QUARTERS];
    int at;
    char why[48];
};

ParameterizedTestParameters(forecast, takes_the_newest_that_is_fresh)
{
    static struct newest cases[] = {
        {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 0, "all there"},
        {{0, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 0, "nothing drawn is a measurement"},
        {{-500, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 0, "so is sun"},
        {{NONE, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 1, "one late"},
        {{NONE, NONE, NONE, NONE, NONE, NONE, NONE, 8, 9, 10}, 7, "two hours"},
        {{NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, 9, 10}, -1, "older is not used"},
        {{NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE}, -1, "nothing"},
    };
    return cr_make_param_array(struct newest, cases, COUNT(cases));
}

ParameterizedTest(struct newest *c, forecast, takes_the_newest_that_is_fresh)
{
    struct facts_feeder feeder = {0};
    for (int at = 0; at < FACTS_QUARTERS; at++)
        for (int phase = 0; phase < PHASES; phase++)
            feeder.measured_w[at][phase] = phase == 1 ? c->measured_w[at] : NONE;
    cr_expect_eq(forecast_newest(&feeder, 1), c->at, "%s", c->why);
    cr_expect_eq(forecast_newest(&feeder, 0), -1, "%s: another phase", c->why);
    cr_expect_eq(forecast_late(&feeder), c->at < 0 ? 0 : c->at, "%s: late", c->why);
}

struct drawn {
    int32_t drawn_w[FACTS_QUARTERS];
    int at;
    int32_t counted_w;
    char why[48];
};

ParameterizedTestParameters(forecast, knows_what_a_car_drew)
{
    static struct drawn cases[] = {
        {{10, 20, 30, 40, 50, 60, 70, 80, 90, 100}, 0, 10, "reported"},
        {{10, 20, 30, 40, 50, 60, 70, 80, 90, 100}, 3, 40, "of the quarter measured"},
        {{NONE, 20, 30, 40, 50, 60, 70, 80, 90, 100}, 0, 20, "a quarter older"},
        {{NONE, NONE, 30, 40, 50, 60, 70, 80, 90, 100}, 0, 30, "two older"},
        {{NONE, NONE, NONE, 40, 50, 60, 70, 80, 90, 100}, 0, 3680, "too old: its limit"},
        {{10, 20, 30, 40, 50, 60, 70, NONE, NONE, NONE}, 7, 3680, "nothing further back"},
    };
    return cr_make_param_array(struct drawn, cases, COUNT(cases));
}

ParameterizedTest(struct drawn *c, forecast, knows_what_a_car_drew)
{
    struct facts_connection connection = {.phase_count = 3};
    for (int at = 0; at < FACTS_QUARTERS; at++)
        connection.loads[at].drawn_w[2] = c->drawn_w[at];
    cr_expect_eq(forecast_drawn(&connection, 2, c->at, 3680), c->counted_w, "%s", c->why);
}

Test(forecast, carries_the_base_load_forward)
{
    struct facts_feeder feeder = {.measured_w = {[2] = {12000, 900, 0}}};
    struct forecast forecast = forecast_carry(&feeder, 0, 2, 5000);
    cr_expect(forecast.known);
    cr_expect_eq(forecast.age, 3);
    cr_expect_eq(forecast.measured_w, 12000);
    cr_expect_eq(forecast.controlled_w, 5000);
    cr_expect_eq(forecast.base_w, 7000);
    cr_expect_eq(forecast_carry(&feeder, 1, 2, 5000).base_w, 0, "never counts on the sun");
    cr_expect(!forecast_carry(&feeder, 0, -1, 5000).known);
}

Test(forecast, adds_up_feeders_as_old_as_the_oldest)
{
    struct forecast feeders[3] = {
        {true, 1, 1000, 100, 900, false},
        {true, 4, 2000, 0, 2000, false},
        {true, 2, 500, 800, 0, false},
    };
    struct forecast sum = forecast_sum(feeders, 3, 1);
    cr_expect(sum.known);
    cr_expect_eq(sum.age, 4);
    cr_expect_eq(sum.measured_w, 3500);
    cr_expect_eq(sum.controlled_w, 900);
    cr_expect_eq(sum.base_w, 2900);
    feeders[1].known = false;
    cr_expect(!forecast_sum(feeders, 3, 1).known, "one missing and the sum is not known");
    cr_expect(forecast_sum(feeders, 2, 2).known, "every second");
    cr_expect(forecast_sum(feeders, 0, 1).known, "no feeder, no load");
}
