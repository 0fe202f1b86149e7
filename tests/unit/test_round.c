// SPDX-License-Identifier: Apache-2.0

#include "base/clock.h"
#include "base/memory.h"
#include "services/planner/round.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CARS = 12, FULL_W = 3680, EVENING = 40 };

// 2026-01-14 14:00 UTC, 15:00 local time.
static const int64_t START = 1768399200;

static const struct round_rules rules = {
    .margin = 0.05,
    .arrivals = 0.9,
    .severe_w = 2300,
    .idle_s = 7200,
    .slack_s = 60,
    .careful_from = 16,
    .careful_to = 21,
    .horizon = {.hold_s = 3600, .length_s = 10800, .ramp_w = 2300, .gain_w = 460},
};

// One transformer, two feeders, six connections each, phases in rotation.
struct street {
    struct facts facts;
    struct facts_feeder feeders[2];
    struct facts_connection connections[CARS];
    struct horizon_plan plans[CARS];
};

static void forget(struct facts_connection *connection)
{
    for (int at = 0; at < FACTS_QUARTERS; at++)
        for (int own = 0; own <= PHASES; own++)
            *(own < PHASES ? &connection->loads[at].drawn_w[own] : &connection->loads[at].limit_w) =
                FACTS_UNKNOWN;
}

static struct street *street_new(int32_t feeder_limit_w, int32_t transformer_limit_w)
{
    struct street *s = memory_new(1, sizeof *s);
    s->facts =
        (struct facts){.number = 1,
                       .id = "T1",
                       .limited = transformer_limit_w > 0,
                       .limit_w = {transformer_limit_w, transformer_limit_w, transformer_limit_w},
                       .feeders = s->feeders,
                       .feeder_count = 2,
                       .connections = s->connections,
                       .connection_count = CARS};
    for (int f = 0; f < 2; f++) {
        struct facts_feeder *feeder = &s->feeders[f];
        *feeder = (struct facts_feeder){.number = f + 1, .limited = feeder_limit_w > 0};
        snprintf(feeder->id, sizeof feeder->id, "F%d", f + 1);
        for (int phase = 0; phase < PHASES; phase++) {
            feeder->limit_w[phase] = feeder_limit_w;
            for (int at = 0; at < FACTS_QUARTERS; at++)
                feeder->measured_w[at][phase] = FACTS_UNKNOWN;
        }
    }
    for (int i = 0; i < CARS; i++) {
        struct facts_connection *connection = &s->connections[i];
        *connection = (struct facts_connection){.number = i + 1,
                                                .meter = i + 101,
                                                .feeder = i / 6,
                                                .phase_count = 3,
                                                .contract_w = 3 * FULL_W,
                                                .floor_w = 3 * HORIZON_LEAST_W,
                                                .charger_w = FULL_W,
                                                .weight = 1,
                                                .interval_s = 900};
        for (int own = 0; own < PHASES; own++)
            connection->grid_phase[own] = (uint8_t)((own + i) % PHASES);
        forget(connection);
    }
    return s;
}

static void measure(struct street *s, int f, int at, int32_t w)
{
    for (int phase = 0; phase < PHASES; phase++)
        s->feeders[f].measured_w[at][phase] = w;
}

// What connection i drew on its L1, L2, L3 in the last quarter, and the same before.
static void draw(struct street *s, int i, int32_t l1_w, int32_t l2_w, int32_t l3_w)
{
    for (int at = 0; at < 2; at++) {
        s->connections[i].loads[at].drawn_w[0] = l1_w;
        s->connections[i].loads[at].drawn_w[1] = l2_w;
        s->connections[i].loads[at].drawn_w[2] = l3_w;
    }
}

static void tell(struct street *s, int i, int64_t from, int64_t to, int32_t limit_w)
{
    s->plans[i] = (struct horizon_plan){from, to, 1, {{from, limit_w}}};
    s->connections[i].told = &s->plans[i];
}

// What was said of a connection; where nothing was, one with connection -1.
static const struct round_share *share_of(const struct round *round, int connection)
{
    for (int i = 0; i < round->share_count; i++)
        if (round->shares[i].connection == connection)
            return &round->shares[i];
    static const struct round_share none = {.connection = -1};
    return &none;
}

static int sent(const struct round *round)
{
    int count = 0;
    for (int i = 0; i < round->share_count; i++)
        count += round->shares[i].decision == ROUND_SEND;
    return count;
}

Test(round, leaves_alone_what_fits)
{
    struct street *s = street_new(40000, 80000);
    for (int f = 0; f < 2; f++)
        measure(s, f, 0, 6000 + 2 * FULL_W);
    for (int i = 0; i < CARS; i++)
        draw(s, i, i % 6 < 2 ? FULL_W : 0, i % 6 < 2 ? FULL_W : 0, i % 6 < 2 ? FULL_W : 0);
    struct round *round = round_plan(&s->facts, &rules, START, START + 20);
    cr_expect(!round->congested);
    cr_expect_eq(round->share_count, 0);
    const struct round_line *line = &round->lines[0];
    cr_expect_eq(line->controlled_w, 2 * FULL_W);
    cr_expect_eq(line->base_w, 6000);
    cr_expect_eq(line->margin_w, 2000);
    cr_expect_eq(line->headroom_w, 32000);
    cr_expect_eq(line->demand_w, 2 * FULL_W);
    cr_expect_eq(line->given_w, 2 * FULL_W);
    cr_expect_eq(line->chargers, 6);
    cr_expect_gt(line->reserved_w, 0, "idle ones may get a car");
    cr_expect_eq(round->lines[2 * PHASES].base_w, 12000, "the transformer carries both");
    round_free(round);
    free(s);
}

Test(round, follows_the_loads_where_chargers_are_not_heard)
{
    struct street *s = street_new(20000, 0);
    measure(s, 0, 0, 19500);
    measure(s, 1, 0, 18500);
    struct round *round = round_plan(&s->facts, &rules, START, START + 20);
    cr_expect_eq(sent(round), 6, "feeder 1 only");
    const struct round_share *share = share_of(round, 2);
    cr_assert(share);
    cr_expect_str_eq(share->bound_by, "no meters");
    cr_expect_eq(share->share_w, 3 * 2760, "what 11 of 100 cars leave for each: %d",
                 share->share_w);
    cr_expect(strstr(share->reason, "1978 W left, they are expected to draw 2478 W"), "%s",
              share->reason);
    round_free(round);

    // Half of them are heard: those share what the others may leave.
    for (int i = 0; i < 3; i++)
        draw(s, i, FULL_W, FULL_W, FULL_W);
    round = round_plan(&s->facts, &rules, START, START + 20);
    cr_expect_str_neq(share_of(round, 4)->bound_by, "no meters");
    round_free(round);
    free(s);
}

Test(round, shares_what_is_left_and_says_why)
{
    struct street *s = street_new(20000, 0);
    measure(s, 0, 0, 6000 + 6 * FULL_W);
    measure(s, 1, 0, 6000);
    for (int i = 0; i < CARS; i++)
        draw(s, i, i < 6 ? FULL_W : 0, i < 6 ? FULL_W : 0, i < 6 ? FULL_W : 0);
    struct round *round = round_plan(&s->facts, &rules, START, START + 20);
    cr_expect(round->congested);
    // 20000 - 1000 - 6000 = 13000 W for six: 2166 W, in whole amperes 2070.
    for (int i = 0; i < 6; i++) {
        const struct round_share *share = share_of(round, i);
        cr_expect_geq(share->connection, 0);
        cr_expect_eq(share->decision, ROUND_SEND);
        cr_expect_eq(share->share_w, 3 * 2070, "%d", share->share_w);
        cr_expect_str_eq(share->bound_by, "feeder F1 L1");
        cr_expect(strstr(share->reason, "13000 W left"), "%s", share->reason);
        cr_expect_eq(share->profile->valid_from, START);
        cr_expect_eq(share->profile->periods[0].set.max_power_w, 3 * 2070);
    }
    cr_expect_eq(share_of(round, 6)->connection, -1, "the other feeder has room");
    cr_expect_eq(round->lines[0].given_w, 6 * 2070);
    round_free(round);
    free(s);
}

// All that is known is an hour and a quarter old: what chargers drew too.
Test(round, shares_what_is_left_when_all_of_it_comes_late)
{
    enum { LATE = 5 };
    struct street *s = street_new(20000, 0);
    for (int f = 0; f < 2; f++)
        measure(s, f, LATE, f ? 6000 : 6000 + 6 * FULL_W);
    for (int i = 0; i < CARS; i++)
        for (int at = LATE; at < LATE + 2; at++)
            for (int own = 0; own < PHASES; own++)
                s->connections[i].loads[at].drawn_w[own] = i < 6 ? FULL_W : 0;
    struct round *round = round_plan(&s->facts, &rules, START, START + 20);
    cr_expect_eq(round->sight, FACTS_SIGHT_LATE);
    cr_expect_eq(round->deaf, 0, "their reports are no later than the loads");
    cr_expect_eq(round->lines[0].controlled_w, 6 * FULL_W);
    cr_expect_eq(round->lines[0].demand_w, 6 * FULL_W);
    cr_expect_eq(sent(round), 6, "feeder 1 only: %d", sent(round));
    cr_expect_leq(round->lines[0].given_w, round->lines[0].headroom_w);
    round_free(round);
    free(s);
}

// What is foreseen of a feeder: a peak in the third hour.
static void foresee_peak(struct facts_feeder *feeder)
{
    for (int phase = 0; phase < PHASES; phase++) {
        struct facts_outlook *outlook = &feeder->outlook[phase];
        *outlook = (struct facts_outlook){.known = true, .age = 1, .method = "ridge"};
        for (int ahead = 0; ahead < FACTS_AHEAD; ahead++) {
            int hour = ahead / 4;
            outlook->base_w[ahead] = hour == 2 ? 14000 : hour >= 4 ? 1000 : 6000;
            outlook->margin_w[ahead] = 1000;
        }
    }
}

Test(round, leaves_to_those_not_heard_what_they_may_draw)
{
    struct street *s = street_new(0, 30000);
    measure(s, 0, 0, 6000 + 6 * FULL_W);
    measure(s, 1, 0, 6000);
    for (int i = 0; i < 6; i++) {
        draw(s, i, FULL_W, FULL_W, FULL_W);
        tell(s, 6 + i, START - 900, START + 3600, 3 * HORIZON_LEAST_W);
    }
    struct round *round = round_plan(&s->facts, &rules, START, START + 20);
    cr_expect_eq(round->lines[2 * PHASES].headroom_w, 17430, "%d",
                 round->lines[2 * PHASES].headroom_w);
    // Six at 1380 W, of each W 11 in 100: (17430 - 930) / 6 = 2750 W.
    for (int i = 0; i < 6; i++)
        cr_expect_eq(share_of(round, i)->share_w, 3 * 2530, "%d", share_of(round, i)->share_w);
    round_free(round);
    free(s);
}

// 13000 W for six, of which one counts more.
struct weight_case {
    double weight;
    int quarters; // that it has been charging; the others: two
    int32_t share_w, others_w;
    char why[48];
};

ParameterizedTestParameters(round, shares_by_weight)
{
    static struct weight_case cases[] = {
        {1, 2, 2070, 2070, "alike"},
        {1.5, 2, 2990, 1840, "by the weight of its connection"},
        {1, FACTS_QUARTERS, 2990, 1840, "here for long, so soon to leave: 5, not 3.125"},
    };
    return cr_make_param_array(struct weight_case, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest(struct weight_case *c, round, shares_by_weight)
{
    struct street *s = street_new(20000, 0);
    measure(s, 0, 0, 6000 + 6 * FULL_W);
    measure(s, 1, 0, 6000);
    for (int i = 0; i < CARS; i++)
        draw(s, i, i < 6 ? FULL_W : 0, i < 6 ? FULL_W : 0, i < 6 ? FULL_W : 0);
    s->connections[0].weight = c->weight;
    for (int at = 0; at < c->quarters; at++)
        s->connections[0].loads[at] = s->connections[0].loads[0];
    struct round *round = round_plan(&s->facts, &rules, START, START + 20);
    cr_expect_eq(share_of(round, 0)->share_w, 3 * c->share_w, "%s: %d", c->why,
                 share_of(round, 0)->share_w);
    for (int i = 1; i < 6; i++)
        cr_expect_eq(share_of(round, i)->share_w, 3 * c->others_w, "%s: %d", c->why,
                     share_of(round, i)->share_w);
    round_free(round);
    free(s);
}

// What lacks half an ampere to all that a charger can draw is rounded up, where there is room for
// it.
struct round_up_case {
    int32_t left_w, charger_w, share_w,
        other_w; // two cars; the other could draw 7360 W, or as much
    char why[48];
};

ParameterizedTestParameters(round, rounds_up_only_what_fits)
{
    static struct round_up_case cases[] = {
        {7359, FULL_W, 3450, 3450, "one watt short of all"},
        {7360, FULL_W, FULL_W, FULL_W, "all"},
        {7130, 2 * FULL_W, FULL_W, 3450, "what the other lost is enough, to the watt"},
        {7200, 2 * FULL_W, FULL_W, 3450, "more than enough"},
    };
    return cr_make_param_array(struct round_up_case, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest(struct round_up_case *c, round, rounds_up_only_what_fits)
{
    struct street *s = street_new(20000, 0);
    struct round_rules given = rules;
    given.arrivals = 0;
    measure(s, 0, 0, 19000 - c->left_w + 2 * 3000);
    measure(s, 1, 0, 6000);
    for (int i = 0; i < CARS; i++)
        draw(s, i, i < 2 ? 3000 : 0, i < 2 ? 3000 : 0, i < 2 ? 3000 : 0);
    for (int i = 0; i < 2; i++) {
        s->connections[i].contract_w = 3 * 2 * FULL_W;
        s->connections[i].loads[1] =
            (struct facts_load){.limit_w = FACTS_UNKNOWN}; // they just came
    }
    s->connections[1].charger_w = c->charger_w;
    struct round *round = round_plan(&s->facts, &given, START, START + 20);
    cr_expect_eq(round->lines[0].headroom_w, c->left_w);
    int32_t share_w = share_of(round, 0)->connection < 0 ? 3 * FULL_W : share_of(round, 0)->share_w;
    int32_t other_w = share_of(round, 1)->connection < 0 ? 3 * FULL_W : share_of(round, 1)->share_w;
    cr_expect_eq(share_w, 3 * c->share_w, "%s: %d", c->why, share_w);
    cr_expect_eq(other_w, 3 * c->other_w, "%s: %d", c->why, other_w);
    cr_expect_leq(round->lines[0].given_w, c->left_w, "%s", c->why);
    round_free(round);
    free(s);
}

Test(round, tells_of_the_hours_ahead_as_they_are_foreseen)
{
    struct street *s = street_new(20000, 0);
    measure(s, 0, 0, 6000 + 6 * FULL_W);
    measure(s, 1, 0, 6000);
    for (int i = 0; i < CARS; i++)
        draw(s, i, i < 6 ? FULL_W : 0, i < 6 ? FULL_W : 0, i < 6 ? FULL_W : 0);
    s->feeders[0].outlook[0].known = false;
    struct round *round = round_plan(&s->facts, &rules, START, START + 20);
    const struct profile *even = share_of(round, 0)->profile;
    cr_expect_eq(profile_at(even, START + 3600).max_power_w, 3 * 2530, "an even rise");
    cr_expect_eq(even->valid_to - START, 3 * 3600);
    round_free(round);

    struct round_rules given = rules;
    given.horizon.length_s = 8 * 3600;
    foresee_peak(&s->feeders[0]);
    foresee_peak(&s->feeders[1]);
    round = round_plan(&s->facts, &given, START, START + 20);
    const struct profile *profile = share_of(round, 0)->profile;
    int32_t hours_w[3];
    for (int hour = 0; hour < 3; hour++)
        hours_w[hour] = profile_at(profile, START + hour * 3600 + 1800).max_power_w / 3;
    cr_expect_eq(hours_w[0], 2070, "%d", hours_w[0]);
    cr_expect(hours_w[1] > 2070 && hours_w[1] < FULL_W, "some leave: %d", hours_w[1]);
    cr_expect(hours_w[2] < hours_w[1], "the peak: %d", hours_w[2]);
    cr_expect_eq(profile->valid_to - START, 3 * 3600, "then enough for all: %jd s",
                 (intmax_t)(profile->valid_to - START));
    round_free(round);
    free(s);
}

// One quarter late: what it drew under an old limit, and the one that came since.
Test(round, judges_a_car_by_the_limit_that_held_it_then)
{
    struct street *s = street_new(20000, 0);
    measure(s, 0, 1, 6000);
    measure(s, 1, 1, 6000);
    draw(s, 0, 1380, 1380, 1380);
    s->connections[0].loads[2] = s->connections[0].loads[1];
    forget(&s->connections[1]);
    s->connections[0].loads[0] =
        (struct facts_load){{FACTS_UNKNOWN, FACTS_UNKNOWN, FACTS_UNKNOWN}, FACTS_UNKNOWN};
    s->connections[0].loads[1].limit_w = 3 * 1380;
    tell(s, 0, START - QUARTER_S, START + 3600, 3 * 3450);
    struct round *round = round_plan(&s->facts, &rules, START, START + 20);
    cr_expect_eq(share_of(round, 0)->demand_w, 3 * FULL_W, "%d", share_of(round, 0)->demand_w);
    round_free(round);
    free(s);
}

Test(round, holds_newcomers_low_where_others_are)
{
    struct street *s = street_new(20000, 0);
    measure(s, 0, 0, 6000 + 5 * FULL_W);
    measure(s, 1, 0, 6000);
    for (int i = 0; i < CARS; i++)
        draw(s, i, i < 5 ? FULL_W : 0, i < 5 ? FULL_W : 0, i < 5 ? FULL_W : 0);
    struct round_rules strict = rules;
    strict.severe_w = 2700;
    struct round *round = round_plan(&s->facts, &strict, START, START + 20);
    const struct round_share *idle = share_of(round, 5);
    cr_expect_geq(idle->connection, 0);
    cr_expect_eq(idle->decision, ROUND_SEND);
    cr_expect_eq(idle->share_w, 3 * HORIZON_LEAST_W);
    cr_expect_str_eq(idle->bound_by, "idle");
    cr_expect_eq(share_of(round, 6)->connection, -1, "no car at the other feeder is held back");
    round_free(round);

    s->connections[5].written = START - 60;
    round = round_plan(&s->facts, &strict, START, START + 20);
    cr_expect_null(share_of(round, 5)->profile, "not within its interval");
    round_free(round);
    free(s);
}

Test(round, keeps_something_for_cars_that_may_come)
{
    struct street *s = street_new(20000, 0);
    measure(s, 0, 0, 6000 + 5 * FULL_W);
    measure(s, 1, 0, 6000);
    for (int i = 0; i < CARS; i++)
        draw(s, i, i < 5 ? FULL_W : 0, i < 5 ? FULL_W : 0, i < 5 ? FULL_W : 0);
    struct round_rules busy = rules;
    busy.arrivals = 192; // 2 in a quarter hour x 0.8 x 0.6 x 0.5 x 3680 = 1766 W
    struct round *round = round_plan(&s->facts, &busy, START, START + 20);
    cr_expect_eq(round->lines[0].reserved_w, 1766);
    cr_expect_eq(share_of(round, 0)->share_w, 3 * 2070); // (13000 - 1766) / 5 = 2246
    round_free(round);
    free(s);
}

Test(round, sends_nothing_when_the_plans_in_force_fit)
{
    struct street *s = street_new(20000, 0);
    measure(s, 0, 0, 6000 + 6 * 2070);
    measure(s, 1, 0, 6000);
    for (int i = 0; i < CARS; i++)
        draw(s, i, i < 6 ? 2070 : 0, i < 6 ? 2070 : 0, i < 6 ? 2070 : 0);
    for (int i = 0; i < 6; i++)
        tell(s, i, START - 900, START + 3600, 3 * 2070);
    struct round *round = round_plan(&s->facts, &rules, START, START + 20);
    cr_expect_eq(sent(round), 0);
    const struct round_share *share = share_of(round, 0);
    cr_expect_geq(share->connection, 0, "a limit that holds is explained each round");
    cr_expect_eq(share->decision, ROUND_KEEP);
    cr_expect(strstr(share->reason, "keeps 2070 W"), "%s", share->reason);
    round_free(round);
    free(s);
}

Test(round, lets_one_hold_more_than_its_share_while_all_fits)
{
    struct street *s = street_new(20000, 0);
    measure(s, 0, 0, 6000 + 3450 + 5 * 1910);
    measure(s, 1, 0, 6000);
    for (int i = 0; i < CARS; i++) {
        int32_t drawn_w = i == 0 ? 3450 : i < 6 ? 1910 : 0;
        draw(s, i, drawn_w, drawn_w, drawn_w);
        if (i < 6)
            tell(s, i, START - 900, START + 3600, 3 * drawn_w);
    }
    struct round *round = round_plan(&s->facts, &rules, START, START + 20);
    cr_expect_eq(round->lines[0].given_w, round->lines[0].headroom_w, "to the watt");
    cr_expect_eq(sent(round), 0, "2070 W each would be fair, but nobody gains 2 A by it");
    round_free(round);

    // With less for the others one of them gains enough; then the first must give way.
    for (int i = 1; i < 6; i++)
        tell(s, i, START - 900, START + 3600, 3 * 1610);
    round = round_plan(&s->facts, &rules, START, START + 20);
    cr_expect_eq(sent(round), 6);
    cr_expect_leq(round->lines[0].given_w, 13000);
    round_free(round);
    free(s);
}

// What those not heard are expected to draw is in what is given, so it is not taken off what is
// left as well.
Test(round, counts_those_not_heard_once)
{
    struct street *s = street_new(20000, 26650);
    measure(s, 0, 0, 6000 + 3450 + 5 * 1840);
    measure(s, 1, 0, 6000);
    for (int i = 0; i < 6; i++) {
        int32_t drawn_w = i == 0 ? 3450 : 1840;
        draw(s, i, drawn_w, drawn_w, drawn_w);
        tell(s, i, START - 900, START + 3600, 3 * drawn_w);
        tell(s, 6 + i, START - 900, START + 3600, 3 * HORIZON_LEAST_W);
    }
    struct round *round = round_plan(&s->facts, &rules, START, START + 20);
    const struct round_line *above = &round->lines[2 * PHASES];
    cr_expect_eq(above->given_w, 12650 + 6 * 155, "%jd W", (intmax_t)above->given_w);
    cr_expect_leq(above->given_w, above->headroom_w);
    cr_expect_gt(above->given_w, above->headroom_w - 6 * 155);
    cr_expect_eq(sent(round), 0, "all fits");
    round_free(round);
    free(s);
}

Test(round, raises_nobody_who_would_not_use_it)
{
    struct street *s = street_new(40000, 0);
    measure(s, 0, 0, 6000);
    measure(s, 1, 0, 6000);
    for (int i = 0; i < CARS; i++)
        draw(s, i, i < 2 ? 700 : 0, 0, 0);
    tell(s, 0, START - 900, START + 3600, 3 * HORIZON_LEAST_W);
    struct round *round = round_plan(&s->facts, &rules, START, START + 20);
    cr_expect_eq(sent(round), 0);
    round_free(round);
    draw(s, 0, HORIZON_LEAST_W, 0, 0);
    round = round_plan(&s->facts, &rules, START, START + 20);
    cr_expect_eq(share_of(round, 0)->decision, ROUND_SEND, "this one is held back");
    cr_expect_eq(share_of(round, 0)->share_w, 3 * FULL_W);
    round_free(round);
    free(s);
}

Test(round, counts_a_meter_inside_its_interval_at_what_it_was_told)
{
    struct street *s = street_new(20000, 0);
    measure(s, 0, 0, 6000 + 6 * FULL_W);
    measure(s, 1, 0, 6000);
    for (int i = 0; i < CARS; i++)
        draw(s, i, i < 6 ? FULL_W : 0, i < 6 ? FULL_W : 0, i < 6 ? FULL_W : 0);
    s->connections[0].interval_s = 3600;
    s->connections[0].written = START - 600;
    struct round *round = round_plan(&s->facts, &rules, START, START + 20);
    const struct round_share *blocked = share_of(round, 0);
    cr_expect_eq(blocked->decision, ROUND_FREE);
    cr_expect_str_eq(blocked->bound_by, "interval");
    // 13000 - 3680 = 9320 W for five: 1864 W, 8 A.
    cr_expect_eq(share_of(round, 1)->share_w, 3 * 1840);
    cr_expect_leq(round->lines[0].given_w, 13000);
    round_free(round);
    free(s);
}

Test(round, does_not_send_again_what_is_on_its_way)
{
    struct street *s = street_new(20000, 0);
    measure(s, 0, 0, 6000 + 6 * FULL_W);
    measure(s, 1, 0, 6000);
    for (int i = 0; i < CARS; i++)
        draw(s, i, i < 6 ? FULL_W : 0, i < 6 ? FULL_W : 0, i < 6 ? FULL_W : 0);
    struct horizon_plan coming = {START, START + 7200, 1, {{START, 3 * 2070}}};
    s->connections[0].coming = &coming;
    struct round *round = round_plan(&s->facts, &rules, START, START + 60);
    cr_expect_eq(share_of(round, 0)->decision, ROUND_KEEP);
    cr_expect(share_of(round, 0)->keeps_coming);
    cr_expect_eq(share_of(round, 1)->decision, ROUND_SEND);
    round_free(round);

    // A quarter hour later it is late: the others make room for what the meter still holds.
    round = round_plan(&s->facts, &rules, START + 900, START + 920);
    cr_expect_str_eq(share_of(round, 0)->bound_by, "delivery");
    cr_expect_eq(share_of(round, 1)->share_w, 3 * 1840);
    round_free(round);
    tell(s, 0, START - 900, START + 7200, 3 * 2070);
    round = round_plan(&s->facts, &rules, START + 900, START + 920);
    cr_expect_str_eq(share_of(round, 0)->bound_by, "delivery", "also where it changes nothing now");
    round_free(round);
    free(s);
}

Test(round, lets_more_come_than_a_share_while_all_fits)
{
    struct street *s = street_new(20000, 0);
    measure(s, 0, 0, 6000 + 1380 + 5 * 1840);
    measure(s, 1, 0, 6000);
    for (int i = 0; i < CARS; i++) {
        int32_t drawn_w = i == 0 ? 1380 : i < 6 ? 1840 : 0;
        draw(s, i, drawn_w, drawn_w, drawn_w);
        if (i < 6)
            tell(s, i, START - 900, START + 3600, 3 * drawn_w);
    }
    struct horizon_plan coming = {START, START + 7200, 1, {{START, 3 * 2530}}};
    s->connections[0].coming = &coming;
    struct round *round = round_plan(&s->facts, &rules, START, START + 60);
    cr_expect_eq(share_of(round, 0)->share_w, 3 * 2070);
    cr_expect_eq(sent(round), 0, "and no message for what is less");
    cr_expect_eq(round->lines[0].given_w, 2530 + 5 * 1840);
    round_free(round);
    free(s);
}

Test(round, never_goes_below_a_floor_and_says_when_floors_are_too_much)
{
    struct street *s = street_new(12000, 0);
    measure(s, 0, 0, 6000 + 6 * FULL_W);
    measure(s, 1, 0, 6000);
    for (int i = 0; i < CARS; i++)
        draw(s, i, i < 6 ? FULL_W : 0, i < 6 ? FULL_W : 0, i < 6 ? FULL_W : 0);
    s->connections[5].floor_w = 4141;
    struct round *round = round_plan(&s->facts, &rules, START, START + 20);
    cr_expect_geq(share_of(round, 5)->share_w, 4141);
    for (int i = 0; i < 5; i++) {
        const struct round_share *share = share_of(round, i);
        cr_expect_eq(share->share_w, 3 * HORIZON_LEAST_W);
        cr_expect_str_eq(share->bound_by, "floor");
        cr_expect(strstr(share->reason, "less than the floors need"), "%s", share->reason);
    }
    round_free(round);
    free(s);
}

Test(round, pauses_in_turns_where_no_floor_forbids_it)
{
    struct street *s = street_new(12000, 0);
    measure(s, 0, 0, 6000 + 6 * FULL_W);
    measure(s, 1, 0, 6000);
    for (int i = 0; i < CARS; i++) {
        draw(s, i, i < 6 ? FULL_W : 0, i < 6 ? FULL_W : 0, i < 6 ? FULL_W : 0);
        s->connections[i].floor_w = 900; // too little to charge with
    }
    int paused_ever = 0;
    for (int hour = 0; hour < 8; hour++) {
        struct round *round =
            round_plan(&s->facts, &rules, START + hour * 3600, START + hour * 3600 + 20);
        int paused = 0;
        for (int i = 0; i < 6; i++)
            if (share_of(round, i)->share_w == 900) {
                paused++;
                paused_ever |= 1 << i;
            } else {
                cr_expect_geq(share_of(round, i)->share_w, 3 * HORIZON_LEAST_W);
            }
        // 12000 - 600 - 6000 = 5400 W: three at 6 A, not four.
        cr_expect_eq(paused, 3);
        cr_expect_eq(round->lines[0].given_w, 3 * 1610, "who is paused draws nothing");
        round_free(round);
    }
    cr_expect_eq(paused_ever, 63, "in eight hours all had their turn: %x", paused_ever);
    free(s);
}

Test(round, is_careful_but_not_blind_without_data)
{
    struct street *s = street_new(20000, 0);
    measure(s, 0, FACTS_FRESH, 6000); // two hours and a quarter old
    measure(s, 1, 3, 6000);
    for (int i = 0; i < CARS; i++)
        draw(s, i, 0, 0, 0);
    int64_t evening = START + 2 * 3600; // 17:00 local
    struct round *round = round_plan(&s->facts, &rules, evening, evening + 20);
    cr_expect(round_is_blind(round));
    cr_expect(!round->lines[0].known);
    cr_expect_eq(round->lines[PHASES].margin_w, 2000, "an hour old: twice the margin");
    const struct round_share *share = share_of(round, 0);
    cr_expect_geq(share->connection, 0);
    cr_expect_eq(share->decision, ROUND_SEND);
    cr_expect_str_eq(share->bound_by, "no data");
    cr_expect_eq(share->share_w, 3 * HORIZON_LEAST_W);
    cr_expect_geq(share->profile->valid_to, evening + 4 * 3600, "until 21:00 local at least");
    cr_expect_eq(share_of(round, 6)->connection, -1);
    round_free(round);

    int64_t night = START + 9 * 3600; // midnight
    draw(s, 0, FULL_W, FULL_W, FULL_W);
    round = round_plan(&s->facts, &rules, night, night + 20);
    cr_expect(round_is_blind(round));
    cr_expect_eq(sent(round), 0, "not limited outside the busy hours");
    round_free(round);
    free(s);
}

static void limit_by_hand(struct street *s, int i, int32_t limit_w, int64_t until)
{
    struct facts_connection *connection = &s->connections[i];
    connection->caps[connection->cap_count++] = (struct facts_cap){{7, until}, limit_w};
}

struct hand_case {
    int32_t cap_w, told_w, share_w; // whole connection; told 0: nothing
    bool told_by_hand, blocked, waive;
    enum round_decision decision;
    int priority;
    char bound_by[16], why[56];
};

ParameterizedTestParameters(round, obeys_a_limit_by_hand)
{
    enum { NO_CAP = -1, ALL = 3 * FULL_W };
    static struct hand_case cases[] = {
        {3000, 0, 3000, false, false, true, ROUND_SEND, 0, "by hand", "below the floor, at once"},
        {3000, 0, 3000, false, true, true, ROUND_SEND, 0, "by hand", "inside the interval: waived"},
        {3000, 0, 3000, false, true, false, ROUND_SEND, 1, "by hand", "not waived: p3 holds it"},
        {3000, 3000, 3000, true, false, true, ROUND_KEEP, 1, "by hand", "it knows"},
        {3000, 3000, 3000, false, false, true, ROUND_KEEP, 1, "by hand", "from a plan, it fits"},
        {6000, 3000, 6000, true, false, true, ROUND_SEND, 1, "by hand", "a higher one: raised"},
        {0, 0, 0, false, false, true, ROUND_SEND, 0, "by hand", "none at all"},
        {ALL, 0, ALL, false, false, true, ROUND_FREE, 5, "", "no lower than the contract"},
        {NO_CAP, 3000, ALL, true, true, true, ROUND_SEND, 0, "contract", "released"},
        {NO_CAP, 3000, 3000, true, true, false, ROUND_KEEP, 1, "interval", "released, must wait"},
    };
    return cr_make_param_array(struct hand_case, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest(struct hand_case *c, round, obeys_a_limit_by_hand)
{
    for (int idle = 0; idle < 2; idle++) {
        struct street *s = street_new(200000, 0);
        struct round_rules given = rules;
        int64_t until = START + 86400;
        given.waive = c->waive;
        measure(s, 0, 0, 30000);
        measure(s, 1, 0, 6000);
        for (int i = 0; i < CARS; i++)
            draw(s, i, 0, 0, 0);
        if (!idle)
            draw(s, 2, FULL_W, FULL_W, FULL_W);
        if (c->cap_w >= 0)
            limit_by_hand(s, 2, c->cap_w, until);
        if (c->told_w)
            tell(s, 2, START - 900, until, c->told_w);
        s->connections[2].told_by_hand = c->told_by_hand;
        s->connections[2].written = c->blocked ? START : 0;
        struct round *round = round_plan(&s->facts, &given, START, START + 20);
        const struct round_share *share = share_of(round, 2);
        if (c->decision == ROUND_FREE) {
            cr_expect_eq(share->connection, -1, "%s", c->why);
        } else {
            cr_assert_geq(share->connection, 0, "%s, %d", c->why, idle);
            cr_expect_eq(share->share_w, c->share_w, "%s, %d: %d", c->why, idle, share->share_w);
            cr_expect_eq(share->decision, c->decision, "%s, %d", c->why, idle);
            cr_expect_eq(share->priority, c->priority, "%s, %d: %d", c->why, idle, share->priority);
            if (!idle)
                cr_expect_str_eq(share->bound_by, c->bound_by, "%s", c->why);
        }
        if (c->decision == ROUND_SEND && c->cap_w >= 0) {
            struct horizon_plan plan = {0};
            cr_assert(horizon_of_profile(share->profile, &plan));
            cr_expect(horizon_keeps(&plan, c->cap_w, START, until), "%s", c->why);
        }
        cr_expect_eq(sent(round), c->decision == ROUND_SEND, "nobody else: %s", c->why);
        round_free(round);
        free(s);
    }
}

// Who is held below 6 A by hand draws nothing, so all is there for the others.
Test(round, leaves_to_others_what_a_hand_takes)
{
    struct street *s = street_new(20000, 0);
    measure(s, 0, 0, 6000 + 6 * FULL_W);
    measure(s, 1, 0, 6000);
    for (int i = 0; i < CARS; i++)
        draw(s, i, i < 6 ? FULL_W : 0, i < 6 ? FULL_W : 0, i < 6 ? FULL_W : 0);
    limit_by_hand(s, 2, 3000, START + 86400);
    struct round *round = round_plan(&s->facts, &rules, START, START + 20);
    cr_expect_eq(share_of(round, 2)->share_w, 3000);
    cr_expect_eq(share_of(round, 0)->share_w, 3 * 2530, "13000 W for five: %d",
                 share_of(round, 0)->share_w);
    round_free(round);
    free(s);
}

// A place limited by hand: what is shared out there is less, and floors do not hold.
Test(round, shares_what_a_hand_leaves_of_a_place)
{
    struct street *s = street_new(20000, 0);
    measure(s, 0, 0, 6000 + 6 * FULL_W);
    measure(s, 1, 0, 6000);
    for (int i = 0; i < CARS; i++)
        draw(s, i, i < 6 ? FULL_W : 0, i < 6 ? FULL_W : 0, i < 6 ? FULL_W : 0);
    for (int phase = 0; phase < PHASES; phase++)
        s->feeders[0].limit_w[phase] = 10000;
    s->feeders[0].hand = (struct facts_hand){3, START + 86400};
    struct round *round = round_plan(&s->facts, &rules, START, START + 20);
    // 10000 - 500 - 6000 = 3500 W: two at 6 A; four pause, though all have a floor.
    cr_expect_leq(round->lines[0].given_w, 3500);
    int paused = 0;
    for (int i = 0; i < 6; i++) {
        paused += share_of(round, i)->share_w == 0;
        cr_expect_eq(share_of(round, i)->priority, 1);
    }
    cr_expect_eq(paused, 4);
    round_free(round);
    free(s);
}

// One that was told to pause may now have more, but less than its meter still holds.
Test(round, counts_what_corrects_a_pause_that_has_not_arrived)
{
    struct street *s = street_new(20000, 0);
    measure(s, 0, 0, 6000 + 2 * FULL_W);
    measure(s, 1, 0, 6000);
    for (int i = 0; i < CARS; i++)
        draw(s, i, i < 2 ? FULL_W : 0, i < 2 ? FULL_W : 0, i < 2 ? FULL_W : 0);
    for (int phase = 0; phase < PHASES; phase++)
        s->feeders[0].limit_w[phase] = 12000;
    s->feeders[0].hand = (struct facts_hand){3, START + 86400};
    struct horizon_plan coming = {START, START + 86400, 1, {{START, 0}}};
    s->connections[0].coming = &coming;
    s->connections[0].coming_by_hand = true;
    struct round *round = round_plan(&s->facts, &rules, START, START + 60);
    const struct round_share *share = share_of(round, 0);
    cr_expect_eq(share->decision, ROUND_SEND);
    cr_expect_lt(share->share_w, 3 * FULL_W);
    cr_expect_leq(round->lines[0].given_w, round->lines[0].headroom_w, "%jd of %d",
                  (intmax_t)round->lines[0].given_w, round->lines[0].headroom_w);
    char action[64];
    snprintf(action, sizeof action, "from %d to %d W per phase", FULL_W, share->share_w / 3);
    cr_expect(strstr(share->reason, action), "%s", share->reason);
    round_free(round);
    free(s);
}

// A level that goes to all is not given up after the usual time, only to be told again.
Test(round, a_level_of_those_not_heard_stands_twice_as_long)
{
    struct street *s = street_new(10000, 0);
    measure(s, 0, 0, 6000 + 6 * FULL_W);
    measure(s, 1, 0, 0);
    struct round *round = round_plan(&s->facts, &rules, START, START + 20);
    const struct profile *profile = share_of(round, 0)->profile;
    cr_assert_not_null(profile);
    cr_assert_gt(profile->count, 1);
    cr_expect_eq(profile->periods[1].start - START, 2 * (int64_t)rules.horizon.hold_s);
    round_free(round);
    free(s);
}

// The same where nobody hears what they draw: all at once, not by and by.
Test(round, a_hand_holds_at_once_for_those_not_heard)
{
    for (int by_hand = 0; by_hand < 2; by_hand++)
        for (int above = 0; above < 2; above++) {
            struct street *s = street_new(above ? 0 : 10000, above ? 10000 : 0);
            struct facts_hand hand = {by_hand ? 3 : 0, START + 86400};
            measure(s, 0, 0, 6000 + 6 * FULL_W);
            measure(s, 1, 0, 0);
            *(above ? &s->facts.hand : &s->feeders[0].hand) = hand;
            struct round *round = round_plan(&s->facts, &rules, START, START + 20);
            const struct round_line *line = &round->lines[above ? 2 * PHASES : 0];
            cr_expect_eq(line->given_w <= line->headroom_w, by_hand, "%jd W of %d W",
                         (intmax_t)line->given_w, line->headroom_w);
            int paused = 0;
            for (int i = 0; i < 6; i++) {
                const struct round_share *share = share_of(round, i);
                cr_expect_eq(share->decision, ROUND_SEND);
                paused += share->share_w == 0;
            }
            cr_expect_eq(paused > 0, by_hand, "%d pause", paused);
            round_free(round);
            free(s);
        }
}

struct sight_case {
    int measured_at, outlook_age; // quarters before; -1: not
    enum facts_sight saw, sight;
    char why[48];
};

ParameterizedTestParameters(round, says_how_well_it_sees)
{
    static struct sight_case cases[] = {
        {0, 1, FACTS_SIGHT_LOST, FACTS_SIGHT_FRESH, "all there"},
        {0, -1, FACTS_SIGHT_FRESH, FACTS_SIGHT_FRESH, "nothing learnt"},
        {1, 2, FACTS_SIGHT_FRESH, FACTS_SIGHT_LATE, "a quarter late"},
        {7, 8, FACTS_SIGHT_FRESH, FACTS_SIGHT_LATE, "two hours"},
        {-1, 9, FACTS_SIGHT_FRESH, FACTS_SIGHT_BLIND, "more"},
        {-1, 96, FACTS_SIGHT_FRESH, FACTS_SIGHT_BLIND, "a day"},
        {-1, 97, FACTS_SIGHT_FRESH, FACTS_SIGHT_LOST, "more"},
        {-1, INT_MAX, FACTS_SIGHT_FRESH, FACTS_SIGHT_LOST, "never"},
        {-1, -1, FACTS_SIGHT_FRESH, FACTS_SIGHT_BLIND, "just started"},
        {-1, -1, FACTS_SIGHT_LOST, FACTS_SIGHT_LOST, "just started, was lost"},
    };
    return cr_make_param_array(struct sight_case, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest(struct sight_case *c, round, says_how_well_it_sees)
{
    for (int limited = 0; limited < 2; limited++) {
        struct street *s = street_new(limited ? 20000 : 0, 0);
        measure(s, 0, 0, 6000);
        if (c->measured_at >= 0)
            measure(s, 1, c->measured_at, 6000);
        s->facts.saw = c->saw;
        for (int phase = 0; phase < PHASES; phase++)
            s->feeders[1].outlook[phase] =
                (struct facts_outlook){.known = c->outlook_age >= 0 && c->outlook_age <= 96,
                                       .age = c->outlook_age < 0 ? 0 : c->outlook_age,
                                       .method = "profile"};
        struct round *round = round_plan(&s->facts, &rules, START, START + 20);
        cr_expect_eq(round->sight, limited ? c->sight : FACTS_SIGHT_FRESH, "%s: %s", c->why,
                     round_sight_name(round->sight));
        cr_expect_eq(round_is_blind(round), limited && c->sight >= FACTS_SIGHT_BLIND);
        cr_expect_eq(round->deaf, 2, "nobody heard at two feeders");
        round_free(round);
        free(s);
    }
}

// The demo's street in small: cars come home, the base load peaks, the plant obeys.
struct plant {
    struct street *s;
    double left_wh[CARS];
    int32_t drawn_w[CARS]; // per phase
};

static const int arrival[CARS] = {4, 6, 8, 9, 10, 10, 11, 12, 14, 15, 17, 20}; // quarters
static const double energy_wh = 24000;

static double base_at(int quarter)
{
    double hours = quarter / 4.0 - 3.5; // peak at 18:30
    return 7000 + 5000 * exp(-hours * hours / 4);
}

// Let the cars charge through quarter q under the plans; returns the energy above the limit.
static double live(struct plant *plant, int q, double limit_w, bool control)
{
    int64_t start = START + q * QUARTER_S;
    double over_wh = 0;
    for (int f = 0; f < 2; f++) {
        double load_w = base_at(q);
        for (int i = f * 6; i < f * 6 + 6; i++) {
            struct facts_connection *c = &plant->s->connections[i];
            int32_t level_w =
                horizon_highest(control ? c->told : NULL, 3, FULL_W, start, start + 1);
            if (level_w < HORIZON_LEAST_W || q < arrival[i] || plant->left_wh[i] <= 0)
                level_w = 0;
            plant->drawn_w[i] = level_w;
            plant->left_wh[i] -= 3 * level_w / 4.0;
            load_w += level_w;
        }
        measure(plant->s, f, 0, (int32_t)load_w);
        over_wh += load_w > limit_w ? 3 * (load_w - limit_w) / 4 : 0;
    }
    for (int i = 0; i < CARS; i++) {
        struct facts_connection *c = &plant->s->connections[i];
        memmove(&c->loads[1], &c->loads[0], sizeof c->loads - sizeof c->loads[0]);
        for (int own = 0; own < PHASES; own++)
            c->loads[0].drawn_w[own] = plant->drawn_w[i];
        c->loads[0].limit_w = FACTS_UNKNOWN;
    }
    return over_wh;
}

static double evening(double limit_w, bool control, int *messages, double *late_wh, int interval_s)
{
    struct plant plant = {.s = street_new((int32_t)limit_w, 0)};
    for (int i = 0; i < CARS; i++) {
        plant.left_wh[i] = energy_wh;
        plant.s->connections[i].interval_s = interval_s;
    }
    double over_wh = 0;
    *messages = 0;
    for (int q = 0; q < EVENING; q++) {
        over_wh += live(&plant, q, limit_w, control);
        int64_t next = START + (q + 1) * QUARTER_S;
        struct round *round = round_plan(&plant.s->facts, &rules, next, next + 20);
        for (int r = 0; control && r < round->share_count; r++) {
            const struct round_share *share = &round->shares[r];
            cr_expect_geq(share->share_w, 3 * HORIZON_LEAST_W, "below the floor");
            if (share->decision != ROUND_SEND)
                continue;
            struct facts_connection *c = &plant.s->connections[share->connection];
            cr_expect(horizon_of_profile(share->profile, &plant.s->plans[share->connection]));
            c->told = &plant.s->plans[share->connection];
            c->written = next + 30;
            ++*messages;
        }
        round_free(round);
    }
    *late_wh = 0;
    for (int i = 0; i < CARS; i++)
        *late_wh += plant.left_wh[i] > 0 ? plant.left_wh[i] : 0;
    free(plant.s);
    return over_wh;
}

Test(round, keeps_an_evening_below_its_limit)
{
    int none;
    double short_wh;
    double without_wh = evening(25000, false, &none, &short_wh, 0);
    cr_assert_gt(without_wh, 40000, "the street is too small to test anything: %.0f", without_wh);
    for (int interval_s = 0; interval_s <= 3600; interval_s += 900) {
        int messages;
        double with_wh = evening(25000, true, &messages, &short_wh, interval_s);
        cr_expect_lt(with_wh, 0.3 * without_wh, "interval %d: %.0f Wh over", interval_s, with_wh);
        cr_expect_leq(messages, 5 * CARS, "interval %d: %d messages", interval_s, messages);
        cr_expect_eq(short_wh, 0, "interval %d: %.0f Wh short", interval_s, short_wh);
    }
}
