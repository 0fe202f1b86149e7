// SPDX-License-Identifier: Apache-2.0

#include "services/planner/demand.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define NONE FACTS_UNKNOWN

enum { FULL_W = 3680 };

struct seen {
    int32_t drawn_w[4][PHASES]; // the last quarter, the one before, ...
    int32_t limit_w;
    enum demand_kind kind;
    unsigned phases;
    int32_t level_w;
    char why[56];
};

ParameterizedTestParameters(demand, is_judged_by_what_was_drawn)
{
    static struct seen cases[] = {
        {{{3600, 3600, 3600}, {3600, 3600, 3600}}, FULL_W, DEMAND_SEEN, 7, FULL_W, "at its limit"},
        {{{1300, 1300, 1300}, {1300, 1300, 1300}},
         1380,
         DEMAND_SEEN,
         7,
         FULL_W,
         "held by a lower limit"},
        {{{2000, 20, 0}, {2000, 0, 0}},
         FULL_W,
         DEMAND_SEEN,
         1,
         2500,
         "one phase, 2 kW: a little more"},
        {{{0, 500, 500}, {0, 500, 500}}, FULL_W, DEMAND_SEEN, 6, 1380, "trickle: 6 A at least"},
        {{{3000, 3000, 3000}, {3000, 3000, 3000}},
         FULL_W,
         DEMAND_SEEN,
         7,
         3650,
         "never above capacity"},
        {{{3300, 3300, 3300}, {3300, 3300, 3300}},
         FULL_W,
         DEMAND_SEEN,
         7,
         FULL_W,
         "close to capacity"},
        {{{900, 900, 900}, {0, 0, 0}}, FULL_W, DEMAND_SEEN, 7, FULL_W, "came in mid-quarter"},
        {{{900, 900, 900}, {NONE, NONE, NONE}},
         FULL_W,
         DEMAND_SEEN,
         7,
         FULL_W,
         "nothing known of before"},
        {{{0, 0, 0}, {3600, 3600, 3600}}, FULL_W, DEMAND_IDLE, 0, 0, "left"},
        {{{80, 80, 80}, {0, 0, 0}}, FULL_W, DEMAND_IDLE, 0, 0, "standby of the charger"},
        {{{0, 0, 0}, {0, 0, 0}}, 1379, DEMAND_PAUSED, 7, FULL_W, "paused: would not show"},
        {{{0, 0, 0}, {0, 0, 0}}, 1380, DEMAND_IDLE, 0, 0, "at 6 A it would show"},
        {{{NONE, NONE, NONE}, {3600, 0, 0}, {3600, 0, 0}},
         FULL_W,
         DEMAND_SEEN,
         1,
         FULL_W,
         "a report lost"},
        {{{NONE, NONE, NONE}, {NONE, NONE, NONE}, {0, 0, 0}},
         FULL_W,
         DEMAND_IDLE,
         0,
         0,
         "two lost"},
        {{{NONE, NONE, NONE}, {NONE, NONE, NONE}, {NONE, NONE, NONE}, {9, 9, 9}},
         FULL_W,
         DEMAND_UNHEARD,
         7,
         FULL_W,
         "three lost: full demand"},
    };
    return cr_make_param_array(struct seen, cases, COUNT(cases));
}

ParameterizedTest(struct seen *c, demand, is_judged_by_what_was_drawn)
{
    struct facts_connection connection = {.phase_count = 3};
    for (int at = 0; at < FACTS_QUARTERS; at++)
        for (int own = 0; own < PHASES; own++)
            connection.loads[at].drawn_w[own] = at < 4 ? c->drawn_w[at][own] : NONE;
    struct demand demand = demand_of(&connection, 0, FULL_W, c->limit_w);
    cr_expect_eq(demand.kind, c->kind, "%s: %d", c->why, demand.kind);
    cr_expect_eq(demand.phases, c->phases, "%s: %x", c->why, demand.phases);
    cr_expect_eq(demand.level_w, c->level_w, "%s: %d", c->why, demand.level_w);
}

Test(demand, looks_only_at_phases_that_the_connection_has)
{
    struct facts_connection connection = {.phase_count = 1};
    for (int at = 0; at < FACTS_QUARTERS; at++)
        for (int own = 0; own < PHASES; own++)
            connection.loads[at].drawn_w[own] = own ? 3000 : NONE;
    struct demand demand = demand_of(&connection, 0, FULL_W, FULL_W);
    cr_expect_eq(demand.kind, DEMAND_UNHEARD);
    cr_expect_eq(demand.phases, 1);
}

Test(demand, counts_a_report_that_is_as_old_as_the_loads_it_goes_with)
{
    enum { LATE = 4 };
    for (int newest = 0; newest < FACTS_QUARTERS; newest++) {
        struct facts_connection connection = {.phase_count = 3};
        for (int at = 0; at < FACTS_QUARTERS; at++)
            for (int own = 0; own < PHASES; own++)
                connection.loads[at].drawn_w[own] = at < newest ? NONE : FULL_W;
        bool counts = newest <= LATE + 2;
        cr_expect_eq(demand_report(&connection, LATE), counts ? newest : -1, "%d", newest);
        cr_expect_eq(demand_of(&connection, LATE, FULL_W, FULL_W).kind,
                     counts ? DEMAND_SEEN : DEMAND_UNHEARD, "%d", newest);
        cr_expect_eq(demand_of(&connection, FACTS_FRESH - 1, FULL_W, FULL_W).kind, DEMAND_SEEN,
                     "%d: as old as can be", newest);
    }
}

Test(demand, reserves_little_for_a_car_that_may_come)
{
    cr_expect_eq(demand_reserve(0, FULL_W), 0);
    cr_expect_eq(demand_reserve(0.9, FULL_W), 8); // 0.9 / 96 x 0.8 x 0.6 x 0.5 x 3680
    cr_expect_eq(demand_reserve(9, 1380), 31);
}

struct stay {
    int32_t drawn_w[FACTS_QUARTERS]; // on each of three phases; the last quarter first
    int paused;                      // quarter in which it was held at 0; -1: none
    int charging;
    char why[48];
};

ParameterizedTestParameters(demand, knows_how_long_a_car_has_been_charging)
{
    static struct stay cases[] = {
        {{3600}, -1, 1, "came in the last quarter"},
        {{3600, 3600, 3600, 3600}, -1, 4, "for an hour"},
        {{1400, 0, 3600, 3600}, -1, 1, "another car before"},
        {{1400, 0, 3600, 3600}, 1, 4, "but a pause is no end"},
        {{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, -1, 0, "standby"},
        {{900, 900, 900, 900, 900, 900, 900, 900, 900, 900}, -1, 10, "no further back"},
        {{NONE, 900, 900, 0}, -1, 2, "as far as is known"},
    };
    return cr_make_param_array(struct stay, cases, COUNT(cases));
}

ParameterizedTest(struct stay *c, demand, knows_how_long_a_car_has_been_charging)
{
    struct facts_connection connection = {.phase_count = 3};
    for (int at = 0; at < FACTS_QUARTERS; at++) {
        for (int own = 0; own < PHASES; own++)
            connection.loads[at].drawn_w[own] = c->drawn_w[at];
        connection.loads[at].limit_w = at == c->paused ? 0 : NONE;
    }
    struct demand demand = demand_of(&connection, 0, FULL_W, FULL_W);
    cr_expect_eq(demand.charging, c->charging, "%s: %d", c->why, demand.charging);
}

struct weight {
    int charging, hour;
    double weight;
    char why[48];
};

ParameterizedTestParameters(demand, weighs_by_when_a_car_came)
{
    static struct weight cases[] = {
        {1, 19, 1, "in the evening: stays the night"},
        {8, 19, 1, "at five: likewise"},
        {9, 19, 5, "before five: leaves soon"},
        {0, 12, 2.5, "at noon"},
        {4, 13, 3.75, "an hour ago"},
        {8, 14, 5, "two hours ago"},
        {10, 15, 5, "longer: no more than that"},
        {8, 1, 1, "before midnight"},
        {0, 3, 1, "at night"},
        {0, 4, 2.5, "early"},
    };
    return cr_make_param_array(struct weight, cases, COUNT(cases));
}

ParameterizedTest(struct weight *c, demand, weighs_by_when_a_car_came)
{
    double weight = demand_weight(c->charging, c->hour * 4);
    cr_expect_float_eq(weight, c->weight, 1e-9, "%s: %g", c->why, weight);
}

Test(demand, expects_more_in_the_evening_than_at_night)
{
    double evening = demand_expected(0.88, 19 * 4), night = demand_expected(0.88, 6 * 4);
    cr_expect_float_eq(evening, 0.165, 1e-9, "%g", evening);
    cr_expect_float_eq(night, 0.020, 1e-9, "%g", night);
    cr_expect_float_eq(demand_expected(1.76, 19 * 4 + 3), 2 * evening, 1e-9, "by arrivals");
    cr_expect_eq(demand_expected(100, 19 * 4), 1, "never more than all");
    cr_expect_eq(demand_expected(0, 95), 0);
}

// On and off, the last quarter first: 'D' drew, 'P' was paused, '.' no car.
struct turn {
    char past[FACTS_QUARTERS + 1];
    int paused, back;
    char why[48];
};

ParameterizedTestParameters(demand, lets_pauses_go_round)
{
    // In the order in which they pause.
    static struct turn cases[] = {
        {"PDDDD.....", 1, 0, "has paused for a quarter of an hour"},
        {"PPPDD.....", 3, 0, "not yet an hour"},
        {"DDDDDDDDDD", 0, 0, "never had to"},
        {"DDDDPPPP..", 0, 4, "back for an hour"},
        {"PPPPDD....", 4, 0, "has paused for an hour"},
        {"PPPPPPDDD.", 6, 0, "for longer"},
        {"DPPPPD....", 0, 1, "just back"},
    };
    return cr_make_param_array(struct turn, cases, COUNT(cases));
}

static struct demand demand_of_past(const char *past)
{
    struct facts_connection connection = {.phase_count = 1};
    for (int at = 0; at < FACTS_QUARTERS; at++)
        connection.loads[at] =
            (struct facts_load){{past[at] == 'D' ? FULL_W : 0}, past[at] == 'P' ? 0 : NONE};
    return demand_of(&connection, 0, FULL_W, past[0] == 'P' ? 0 : FULL_W);
}

ParameterizedTest(struct turn *c, demand, lets_pauses_go_round)
{
    struct demand demand = demand_of_past(c->past);
    cr_expect_eq(demand.paused, c->paused, "%s: %d", c->why, demand.paused);
    cr_expect_eq(demand.back, c->back, "%s: %d", c->why, demand.back);
}

Test(demand, orders_pauses)
{
    static const char *const past[] = {"PDDDD.....", "DDDDDDDDDD", "PPPPDD....", "PPPPPPDDD.",
                                       "DPPPPD...."};
    uint64_t before = 0;
    for (size_t i = 0; i < COUNT(past); i++) {
        struct demand demand = demand_of_past(past[i]);
        uint64_t first = demand_turn(&demand, 0), last = demand_turn(&demand, UINT32_MAX);
        cr_expect(!i || first > before, "%s pauses before %s", past[i], past[i ? i - 1 : 0]);
        cr_expect_lt(first, last, "the lot decides between equals");
        before = last;
    }
}

// All that is known in detail is a pause: what it had lasted before counts.
Test(demand, follows_a_pause_further_back)
{
    struct facts_connection connection = {.phase_count = 1, .paused_before = 13};
    for (int at = 1; at < FACTS_QUARTERS; at++)
        connection.loads[at] = (struct facts_load){{0}, 0};
    struct demand shorter = demand_of(&connection, 0, FULL_W, 0);
    cr_expect_eq(shorter.paused, FACTS_QUARTERS + 13);
    cr_expect_eq(shorter.charging, FACTS_QUARTERS + 13);
    connection.paused_before = FACTS_PAUSED;
    struct demand longer = demand_of(&connection, 0, FULL_W, 0);
    cr_expect_gt(demand_turn(&longer, 0), demand_turn(&shorter, UINT32_MAX), "it comes back first");

    connection.loads[3].drawn_w[0] = FULL_W;
    cr_expect_eq(demand_of(&connection, 0, FULL_W, 0).paused, 3, "another pause: it drew since");
}

Test(demand, lets_who_is_back_for_an_hour_pause_like_anybody)
{
    struct demand back = demand_of_past("DDDDPPPP.."), never = demand_of_past("DDDDDDDDDD");
    struct demand just = demand_of_past("DDDPPPP...");
    cr_expect_eq(demand_turn(&back, 77), demand_turn(&never, 77));
    cr_expect_gt(demand_turn(&just, 0), demand_turn(&never, UINT32_MAX), "not so a quarter before");
}

// A limit stands for the whole connection: 6 A on each of three phases are 4140 W.
Test(demand, counts_as_paused_below_6_A_on_each_phase)
{
    struct facts_connection connection = {.phase_count = 3};
    for (int at = 0; at < FACTS_QUARTERS; at++)
        connection.loads[at] = (struct facts_load){{at < 2 ? FULL_W : 0}, at < 4 ? 4139 : NONE};
    cr_expect_eq(demand_of(&connection, 0, FULL_W, FULL_W).charging, 4);
    for (int at = 2; at < 4; at++)
        connection.loads[at].limit_w = 4140;
    cr_expect_eq(demand_of(&connection, 0, FULL_W, FULL_W).charging, 2, "it could have charged");
}

Test(demand, is_no_pause_where_the_contract_allows_no_more)
{
    struct facts_connection connection = {.phase_count = 1};
    for (int at = 0; at < FACTS_QUARTERS; at++)
        connection.loads[at] = (struct facts_load){{0}, NONE};
    cr_expect_eq(demand_of(&connection, 0, 1000, 1000).kind, DEMAND_IDLE);
    cr_expect_eq(demand_of(&connection, 0, 1000, 999).kind, DEMAND_PAUSED);
}
