// SPDX-License-Identifier: Apache-2.0

#include "services/planner/tail.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { FULL_W = 3680, EVENING = 18 * 4, NIGHT = 2 * 4 };

struct room {
    int hour, at; // a peak in this quarter ahead
    int64_t room_w;
    char why[48];
};

ParameterizedTestParameters(tail, leaves_what_the_worst_quarter_of_an_hour_does)
{
    static struct room cases[] = {
        {1, 3, 6000, "a peak before it"}, {1, 4, -3000, "in its first quarter"},
        {1, 7, -3000, "in its last"},     {1, 8, 6000, "after it"},
        {7, 31, -3000, "the last hour"},
    };
    return cr_make_param_array(struct room, cases, COUNT(cases));
}

ParameterizedTest(struct room *c, tail, leaves_what_the_worst_quarter_of_an_hour_does)
{
    struct facts_outlook outlook = {.known = true};
    for (int ahead = 0; ahead < FACTS_AHEAD; ahead++) {
        outlook.base_w[ahead] = ahead == c->at ? 12000 : 3500;
        outlook.margin_w[ahead] = ahead == c->at ? 1000 : 500;
    }
    cr_expect_eq(tail_room(&outlook, 10000, c->hour), c->room_w, "%s", c->why);
}

struct cars {
    int now, connections, slot, hour;
    double least, most;
    char why[48];
};

ParameterizedTestParameters(tail, expects_some_to_leave_and_others_to_come)
{
    static struct cars cases[] = {
        {10, 40, EVENING, 1, 6, 9, "more than usual: some leave"},
        {10, 40, EVENING, 7, 1, 2, "until there are as many as usual"},
        {0, 40, NIGHT, 7, 1, 2, "none at night, more in the morning"},
        {0, 400, EVENING - 16, 4, 15, 26, "few by day, many in the evening"},
        {10, 0, EVENING, 7, 1, 1, "never less than one"},
    };
    return cr_make_param_array(struct cars, cases, COUNT(cases));
}

ParameterizedTest(struct cars *c, tail, expects_some_to_leave_and_others_to_come)
{
    double cars = tail_cars(c->now, c->connections, 0.9, c->slot, c->hour);
    cr_expect(cars >= c->least && cars <= c->most, "%s: %g", c->why, cars);
}

Test(tail, shares_as_the_quarter_at_hand_but_without_pauses)
{
    struct sharing_place places[2] = {{.limited = {true}, .room_w = {6000}}};
    const struct sharing_user users[] = {
        {.phases = 1, .demand_w = FULL_W, .least_w = 1380, .weight = 1},
        {.phases = 1, .demand_w = FULL_W, .least_w = 1380, .weight = 2},
        {.phases = 1, .demand_w = FULL_W, .weight = 1, .fixed = true, .level_w = 100},
        {.phases = 2, .demand_w = FULL_W, .least_w = 1380, .weight = 1},
    };
    int32_t level_w[COUNT(users)];
    tail_share(places, 1, users, COUNT(users), level_w);
    cr_expect_eq(level_w[0], 1500);
    cr_expect_eq(level_w[1], 3000, "by weight");
    cr_expect_eq(level_w[2], 1500, "who could not be told can by then");
    cr_expect_geq(level_w[3], FULL_W, "not on that phase");
    places[0].room_w[0] = 2000;
    tail_share(places, 1, users, COUNT(users), level_w);
    cr_expect_eq(level_w[0], 1380);
    cr_expect_eq(level_w[1], 1380);
}
