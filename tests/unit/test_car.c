// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/car.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { HOUR_MS = 3600 * 1000 };

static int64_t sum(const int64_t of[CAR_PHASES])
{
    return of[0] + of[1] + of[2];
}

struct limit {
    int64_t limit_w;
    int phases;
    int64_t ma;
    char why[48];
};

ParameterizedTestParameters(car, limit_in_watts_is_of_the_whole_connection)
{
    static struct limit cases[] = {
        {11040, 3, 16000, "full three phases"},
        {4140, 3, 6000, "least of three phases"},
        {4100, 3, 5942, "rounded down, below the least"},
        {1380, 1, 6000, "least of one phase"},
        {3680, 1, 16000, "full one phase"},
        {0, 3, 0, "nothing"},
    };
    return cr_make_param_array(struct limit, cases, COUNT(cases));
}

ParameterizedTest(struct limit *c, car, limit_in_watts_is_of_the_whole_connection)
{
    cr_expect_eq(car_limit_ma(c->limit_w, c->phases), c->ma, "%s: %jd", c->why,
                 (intmax_t)car_limit_ma(c->limit_w, c->phases));
}

struct draw {
    bool uses[CAR_PHASES];
    int64_t max_ma, limit_ma;
    int64_t p_mw[CAR_PHASES];
    char why[48];
};

ParameterizedTestParameters(car, draws_the_least_of_all_maxima)
{
    static struct draw cases[] = {
        {{true, true, true}, 16000, 16000, {3680000, 3680000, 3680000}, "free"},
        {{true, true, true}, 16000, 8000, {1840000, 1840000, 1840000}, "the limit is least"},
        {{true, true, true}, 10000, 16000, {2300000, 2300000, 2300000}, "the car is least"},
        {{false, true, false}, 16000, 16000, {0, 3680000, 0}, "one phase"},
        {{true, false, true}, 16000, 6000, {1380000, 0, 1380000}, "two phases at 6 A"},
        {{true, true, true}, 16000, 5999, {0, 0, 0}, "below 6 A pauses"},
        {{true, true, true}, 16000, 0, {0, 0, 0}, "no current at all"},
    };
    return cr_make_param_array(struct draw, cases, COUNT(cases));
}

ParameterizedTest(struct draw *c, car, draws_the_least_of_all_maxima)
{
    struct car_session session = {
        .departure_ms = HOUR_MS, .energy_uj = 50 * 1000 * CAR_WH_UJ, .max_ma = c->max_ma};
    memcpy(session.uses, c->uses, sizeof session.uses);
    struct car_socket socket = {.sessions = &session, .count = 1};
    int64_t p_mw[CAR_PHASES];
    int64_t total_mw = car_draw(&socket, c->limit_ma, p_mw);
    for (int i = 0; i < CAR_PHASES; i++)
        cr_expect_eq(p_mw[i], c->p_mw[i], "%s: L%d: %jd", c->why, i + 1, (intmax_t)p_mw[i]);
    cr_expect_eq(total_mw, sum(c->p_mw), "%s", c->why);
}

// Two cars at one place: the first wants 2 kWh on one phase, the second more than it can get.
static const struct car_session two[] = {
    {HOUR_MS, 3 * HOUR_MS, 2000 * CAR_WH_UJ, 16000, {true, false, false}},
    {4 * HOUR_MS, 5 * HOUR_MS, 90000 * CAR_WH_UJ, 16000, {true, true, true}},
};

Test(car, comes_fills_and_leaves)
{
    struct car_socket socket = {.sessions = two, .count = COUNT(two)};
    int64_t energy_uj[CAR_PHASES] = {0}, p_mw[CAR_PHASES];
    cr_expect_null(car_here(&socket));
    cr_expect_eq(car_next_ms(&socket, 16000), HOUR_MS, "it comes");

    car_step(&socket, HOUR_MS, 16000, energy_uj);
    cr_expect_eq(car_here(&socket), &two[0]);
    cr_expect_eq(sum(energy_uj), 0, "nothing before it came");
    // 2000 Wh at 3680 W last 1956.52.. s; the last millisecond is not a whole one.
    cr_expect_eq(car_next_ms(&socket, 16000), HOUR_MS + 1956522, "it is full");

    car_step(&socket, HOUR_MS + 1956522, 16000, energy_uj);
    cr_expect_eq(sum(energy_uj), 2000 * CAR_WH_UJ, "exactly what it wanted: %jd",
                 (intmax_t)sum(energy_uj));
    cr_expect_eq(car_draw(&socket, 16000, p_mw), 0, "full");
    cr_expect_eq(car_here(&socket), &two[0], "but still here");
    cr_expect_eq(car_next_ms(&socket, 16000), 3 * HOUR_MS, "until it leaves");

    car_step(&socket, 9 * (int64_t)HOUR_MS, 16000, energy_uj);
    cr_expect_eq(sum(energy_uj), 2000 * CAR_WH_UJ + 11040 * CAR_WH_UJ,
                 "the second leaves after an hour, not full");
    cr_expect_eq(car_next_ms(&socket, 16000), INT64_MAX, "nobody comes any more");
}

Test(car, takes_the_same_in_many_small_steps_as_in_one)
{
    struct car_socket once = {.sessions = two, .count = COUNT(two)}, often = once;
    int64_t in_one_uj[CAR_PHASES] = {0}, in_many_uj[CAR_PHASES] = {0};
    car_step(&once, 6 * HOUR_MS, 7391, in_one_uj);
    for (int64_t at_ms = 0; at_ms < 6 * HOUR_MS; at_ms += 1237)
        car_step(&often, at_ms, 7391, in_many_uj);
    car_step(&often, 6 * HOUR_MS, 7391, in_many_uj);
    for (int i = 0; i < CAR_PHASES; i++)
        cr_expect_eq(in_one_uj[i], in_many_uj[i], "L%d: %jd and %jd", i + 1, (intmax_t)in_one_uj[i],
                     (intmax_t)in_many_uj[i]);
    cr_expect_gt(sum(in_one_uj), 0);
}

Test(car, paused_goes_on_where_it_stopped)
{
    struct car_socket socket = {.sessions = two, .count = 1};
    int64_t energy_uj[CAR_PHASES] = {0};
    car_step(&socket, HOUR_MS + 900000, 16000, energy_uj);
    car_step(&socket, HOUR_MS + 1800000, 0, energy_uj);
    cr_expect_eq(sum(energy_uj), 920 * CAR_WH_UJ, "a quarter of an hour, then paused");
    car_step(&socket, 3 * HOUR_MS, 16000, energy_uj);
    cr_expect_eq(sum(energy_uj), 2000 * CAR_WH_UJ, "full in the end");
}

Test(car, waits_while_the_place_is_taken)
{
    const struct car_session crowd[] = {
        {0, HOUR_MS, 90000 * CAR_WH_UJ, 16000, {true, false, false}},
        {1, HOUR_MS / 2, 90000 * CAR_WH_UJ, 16000, {false, true, false}},
        {2, 2 * HOUR_MS, 90000 * CAR_WH_UJ, 16000, {false, false, true}},
    };
    struct car_socket socket = {.sessions = crowd, .count = COUNT(crowd)};
    int64_t energy_uj[CAR_PHASES] = {0};
    car_step(&socket, 3 * HOUR_MS, 16000, energy_uj);
    cr_expect_eq(energy_uj[0], 3680 * CAR_WH_UJ, "the first stays its hour");
    cr_expect_eq(energy_uj[1], 0, "the second gave up");
    cr_expect_eq(energy_uj[2], 3680 * CAR_WH_UJ, "the third had the second hour");
}

Test(car, never_goes_back_in_time)
{
    struct car_socket socket = {.sessions = two, .count = 1};
    int64_t energy_uj[CAR_PHASES] = {0};
    car_step(&socket, 2 * HOUR_MS, 16000, energy_uj);
    int64_t before_uj = sum(energy_uj);
    car_step(&socket, HOUR_MS, 16000, energy_uj);
    cr_expect_eq(sum(energy_uj), before_uj);
    cr_expect_eq(socket.at_ms, 2 * HOUR_MS);
}
