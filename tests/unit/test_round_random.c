// SPDX-License-Identifier: Apache-2.0
// What must hold of any round: thousands by lot, of two feeders under a transformer, with plans in
// force and on their way, meters inside their interval, lost messages, limits by hand, chargers
// that nobody hears, and measurements that are late or missing.

#include "base/clock.h"
#include "base/memory.h"
#include "services/planner/demand.h"
#include "services/planner/forecast.h"
#include "services/planner/round.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 20000, FEEDERS = 2, CARS = 14, FULL_W = 3680 };

// 2026-01-14 14:00 UTC, 15:00 local time.
static const int64_t START = 1768399200;

static const struct round_rules rules = {
    .margin = 0.05,
    .arrivals = 0.9,
    .severe_w = 1600,
    .idle_s = 7200,
    .slack_s = 60,
    .careful_from = 16,
    .careful_to = 21,
    .waive = true,
    .horizon = {.hold_s = 3600, .length_s = 10800, .ramp_w = 2300, .gain_w = 460},
};

// What a street may have.
enum {
    LATE = 1,     // old measurements, or none
    HANDS = 2,    // limits by hand
    UNHEARD = 4,  // chargers that report nothing
    PAUSABLE = 8, // floors below 6 A
    FREE = 16,    // no plans from before
};

struct street {
    struct facts facts;
    struct facts_feeder feeders[FEEDERS];
    struct facts_connection connections[CARS];
    struct horizon_plan told[CARS], coming[CARS];
    int64_t quarter, now;
};

// A generator of our own, so that a failing case comes back.
static uint64_t state;

static int random_to(int most)
{
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (int)((state >> 33) % (uint64_t)(most + 1));
}

static bool one_in(int many)
{
    return !random_to(many - 1);
}

static struct facts_hand random_hand(const struct street *s)
{
    return (struct facts_hand){1 + random_to(99), s->quarter + 900 + random_to(20000)};
}

static void add_outlook(struct facts_outlook *outlook, int32_t most_w)
{
    *outlook = (struct facts_outlook){.known = true, .age = 1, .method = "ridge"};
    int32_t margin_w = random_to(1500);
    for (int ahead = 0; ahead < FACTS_AHEAD; ahead++) {
        outlook->base_w[ahead] = random_to(most_w);
        outlook->margin_w[ahead] = margin_w;
    }
}

static void add_feeder(struct street *s, int f, unsigned kind)
{
    struct facts_feeder *feeder = &s->feeders[f];
    *feeder = (struct facts_feeder){.number = f + 1, .limited = !one_in(5)};
    snprintf(feeder->id, sizeof feeder->id, "F%d", f + 1);
    if (kind & HANDS && one_in(5))
        feeder->hand = random_hand(s);
    int newest = kind & LATE ? random_to(FACTS_QUARTERS) : 0;
    bool foreseen = one_in(2);
    for (int phase = 0; phase < PHASES; phase++) {
        feeder->limit_w[phase] = 8000 + random_to(22000);
        for (int at = 0; at < FACTS_QUARTERS; at++)
            feeder->measured_w[at][phase] = at < newest ? FACTS_UNKNOWN : 5000 + random_to(25000);
        if (foreseen)
            add_outlook(&feeder->outlook[phase], 12000);
    }
}

static void add_loads(struct facts_connection *connection, unsigned kind)
{
    static const int32_t levels_w[] = {0, 100, 1000, 1380, 2070, FULL_W, 7000};
    bool heard = !(kind & UNHEARD) || random_to(2);
    int32_t drawn_w = levels_w[random_to(6)];
    unsigned used = 1U + (unsigned)random_to(6);
    int32_t limit_w = one_in(2) ? FACTS_UNKNOWN : random_to(3 * FULL_W);
    for (int at = 0; at < FACTS_QUARTERS; at++) {
        struct facts_load *load = &connection->loads[at];
        load->limit_w = heard ? limit_w : FACTS_UNKNOWN;
        for (int own = 0; own < PHASES; own++)
            load->drawn_w[own] = !heard            ? FACTS_UNKNOWN
                                 : used >> own & 1 ? drawn_w + random_to(60)
                                                   : random_to(60);
    }
}

static void random_plan(struct horizon_plan *plan, int64_t from, int32_t floor_w)
{
    int32_t limit_w = random_to(3 * FULL_W);
    limit_w = limit_w > floor_w ? limit_w : floor_w;
    *plan = (struct horizon_plan){from, from + 7200, 2, {{from, limit_w}, {from + 3600, 3 * 2300}}};
}

static void add_plans(struct street *s, int i)
{
    struct facts_connection *connection = &s->connections[i];
    if (!one_in(3)) {
        random_plan(&s->told[i], s->quarter - QUARTER_S * random_to(6), connection->floor_w);
        connection->told = &s->told[i];
        connection->written = s->told[i].valid_from + random_to(300);
    }
    if (one_in(4)) {
        random_plan(&s->coming[i], s->quarter - QUARTER_S * random_to(2), connection->floor_w);
        connection->coming = &s->coming[i];
    }
}

static void add_caps(struct street *s, int i)
{
    struct facts_connection *connection = &s->connections[i];
    for (connection->cap_count = 0; connection->cap_count < 2 && one_in(5);)
        connection->caps[connection->cap_count++] =
            (struct facts_cap){random_hand(s), random_to(3 * FULL_W)};
    connection->told_by_hand = connection->told && one_in(5);
    connection->coming_by_hand = connection->coming && one_in(5);
}

static void add_connection(struct street *s, int i, unsigned kind)
{
    static const int32_t charger_w[] = {FULL_W, FULL_W, 2300, 7360};
    struct facts_connection *connection = &s->connections[i];
    int phases = one_in(3) ? 1 + random_to(2) : 3;
    *connection = (struct facts_connection){.number = 1000 + i,
                                            .meter = 2000 + i,
                                            .feeder = random_to(FEEDERS - 1),
                                            .phase_count = phases,
                                            .charger_w = charger_w[random_to(3)],
                                            .floor_w = phases * HORIZON_LEAST_W,
                                            .weight = one_in(4) ? 0.5 + random_to(3) : 1,
                                            .interval_s = one_in(3) ? 3600 : 900};
    connection->contract_w = phases * (one_in(4) ? 1000 + random_to(4000) : 5750);
    if (one_in(6))
        connection->floor_w += random_to(2000);
    if (kind & PAUSABLE && !one_in(3))
        connection->floor_w = random_to(phases * HORIZON_LEAST_W);
    int first = random_to(PHASES - 1);
    for (int own = 0; own < PHASES; own++)
        connection->grid_phase[own] = (uint8_t)((own + first) % PHASES);
    add_loads(connection, kind);
    if (!(kind & FREE))
        add_plans(s, i);
    if (kind & HANDS)
        add_caps(s, i);
}

// The lowest bits of the seed say what it may have.
static struct street *random_street(int seed)
{
    unsigned kind = (unsigned)seed;
    state = kind;
    struct street *s = memory_new(1, sizeof *s);
    s->quarter = START + QUARTER_S * random_to(95);
    s->now = s->quarter + random_to(300);
    s->facts = (struct facts){.number = 1,
                              .id = "T1",
                              .limited = !one_in(5),
                              .feeders = s->feeders,
                              .feeder_count = FEEDERS,
                              .connections = s->connections,
                              .connection_count = 1 + random_to(CARS - 1)};
    for (int phase = 0; phase < PHASES; phase++)
        s->facts.limit_w[phase] = 15000 + random_to(35000);
    if (one_in(2))
        for (int phase = 0; phase < PHASES; phase++)
            add_outlook(&s->facts.outlook[phase], 25000);
    if (kind & HANDS && one_in(8))
        s->facts.hand = random_hand(s);
    for (int f = 0; f < FEEDERS; f++)
        add_feeder(s, f, kind);
    for (int i = 0; i < s->facts.connection_count; i++)
        add_connection(s, i, kind);
    return s;
}

static struct round *plan(const struct street *s)
{
    return round_plan(&s->facts, &rules, s->quarter, s->now);
}

static const struct round_share *share_of(const struct round *round, int connection)
{
    for (int i = 0; i < round->share_count; i++)
        if (round->shares[i].connection == connection)
            return &round->shares[i];
    return NULL;
}

static int32_t higher(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static int32_t lower(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t held_by(const struct street *s, int i, const struct horizon_plan *plan)
{
    const struct facts_connection *connection = &s->connections[i];
    return horizon_highest(plan, connection->phase_count, forecast_capacity(connection), s->quarter,
                           s->quarter + QUARTER_S);
}

// W per phase that a connection is held at before the round, as far as is known.
static int32_t held_before(const struct street *s, int i)
{
    const struct facts_connection *connection = &s->connections[i];
    int32_t told_w = held_by(s, i, connection->told);
    return connection->coming ? higher(told_w, held_by(s, i, connection->coming)) : told_w;
}

// A message that would lower it should have arrived a quarter hour ago.
static bool is_late(const struct street *s, int i)
{
    const struct facts_connection *connection = &s->connections[i];
    return connection->coming && connection->coming->valid_from < s->quarter
           && held_by(s, i, connection->coming) <= held_by(s, i, connection->told);
}

// And after it: by what is sent, by what is on its way where that is as good, or as before.
static int32_t held_after(const struct street *s, int i, const struct round_share *share)
{
    struct horizon_plan sent;
    if (share && share->profile) {
        cr_assert(horizon_of_profile(share->profile, &sent));
        return held_by(s, i, &sent);
    }
    if (share && strstr(share->reason, "is on its way") && !is_late(s, i))
        return held_by(s, i, s->connections[i].coming);
    return held_before(s, i);
}

static struct demand demand_then(const struct street *s, int i)
{
    const struct facts_connection *connection = &s->connections[i];
    int32_t capacity_w = forecast_capacity(connection);
    int late = forecast_late(&s->feeders[connection->feeder]);
    int at = higher(demand_report(connection, late), 0);
    int32_t limit_w = connection->loads[at].limit_w;
    limit_w = limit_w == FACTS_UNKNOWN ? forecast_held(connection, s->quarter, at)
                                       : lower(limit_w / connection->phase_count, capacity_w);
    return demand_of(connection, late, capacity_w, limit_w);
}

// What a connection draws, on each of its phases in use, when it is held at level_w.
static int32_t drawn(const struct street *s, int i, int32_t level_w)
{
    struct demand demand = demand_then(s, i);
    if (demand.kind == DEMAND_IDLE
        || (level_w < HORIZON_LEAST_W && level_w < forecast_capacity(&s->connections[i])))
        return 0;
    return lower(level_w, demand.level_w);
}

static bool draws_on(const struct street *s, int i, int place, int phase)
{
    const struct facts_connection *connection = &s->connections[i];
    if (place < FEEDERS && connection->feeder != place)
        return false;
    struct demand demand = demand_then(s, i);
    for (int own = 0; own < connection->phase_count; own++)
        if (demand.phases >> own & 1 && connection->grid_phase[own] == phase)
            return true;
    return false;
}

// W per phase that the rules give a connection, whether it is worth a message or not.
static int32_t shared_out(const struct street *s, int i, const struct round_share *share)
{
    const struct facts_connection *connection = &s->connections[i];
    return share ? share->share_w / connection->phase_count : forecast_capacity(connection);
}

// Was it a phase of a place that bound? "feeder F1 L2", "transformer T1 L3".
static bool read_place(const char *bound_by, int *place, int *phase)
{
    *place = FEEDERS;
    if (sscanf(bound_by, "feeder F%d L%d", place, phase) == 2)
        *place -= 1;
    else if (sscanf(bound_by, "transformer T1 L%d", phase) != 1)
        return false;
    *phase -= 1;
    return true;
}

static bool is_deaf(const struct street *s, int place)
{
    for (int f = 0; f < FEEDERS; f++)
        if ((place == FEEDERS || place == f) && forecast_is_deaf(&s->facts, f))
            return true;
    return false;
}

// Nothing can be sent to it now, or what was sent has not arrived.
static bool is_out_of_reach(const struct street *s, int i)
{
    const struct facts_connection *connection = &s->connections[i];
    bool blocked = connection->written
                   && connection->written + connection->interval_s - rules.slack_s > s->now;
    return blocked || is_late(s, i);
}

static int32_t floor_of(const struct street *s, int i)
{
    const struct facts_connection *connection = &s->connections[i];
    return lower((connection->floor_w + connection->phase_count - 1) / connection->phase_count,
                 forecast_capacity(connection));
}

static void expect_nobody_could_give(const struct street *s, const struct round *round, int seed,
                                     int place, int phase)
{
    const struct round_line *line = &round->lines[place * PHASES + phase];
    for (int i = 0; i < s->facts.connection_count; i++) {
        if (!draws_on(s, i, place, phase) || is_out_of_reach(s, i))
            continue;
        int32_t after_w = held_after(s, i, share_of(round, i));
        int32_t floor_w = floor_of(s, i);
        cr_expect(after_w <= floor_w || !drawn(s, i, after_w),
                  "seed %d: %d holds %d W, floor %d W, where %d W are left and %jd W given", seed,
                  i, after_w, floor_w, line->headroom_w, (intmax_t)line->given_w);
    }
}

// Where most are not heard the fallback decides, which leaves alone what is two amperes too much.
Test(round_random, plans_no_phase_above_its_headroom_while_anybody_there_could_give)
{
    int over = 0;
    for (int seed = 0; seed < ROUNDS; seed++) {
        struct street *s = random_street(seed);
        struct round *round = plan(s);
        for (int place = 0; place <= FEEDERS; place++)
            for (int phase = 0; phase < PHASES; phase++) {
                const struct round_line *line = &round->lines[place * PHASES + phase];
                if (!line->limited || !line->known || is_deaf(s, place)
                    || line->given_w <= (int64_t)line->headroom_w - line->reserved_w)
                    continue;
                over++;
                expect_nobody_could_give(s, round, seed, place, phase);
            }
        round_free(round);
        free(s);
    }
    cr_expect_gt(over, ROUNDS / 10, "%d", over);
}

// By hand it may be.
Test(round_random, holds_nobody_below_its_floor)
{
    for (int seed = 0; seed < ROUNDS; seed++) {
        struct street *s = random_street(seed & ~HANDS);
        struct round *round = plan(s);
        for (int i = 0; i < s->facts.connection_count; i++) {
            const struct round_share *share = share_of(round, i);
            cr_expect_geq(shared_out(s, i, share), lower(floor_of(s, i), held_before(s, i)),
                          "seed %d, %d", seed, i);
            if (share && share->profile)
                cr_expect_geq(held_after(s, i, share), floor_of(s, i), "seed %d, %d", seed, i);
        }
        round_free(round);
        free(s);
    }
}

// What the round says it gives is what the messages let them draw; what is on its way may be less.
Test(round_random, gives_what_it_says)
{
    for (int seed = 0; seed < ROUNDS; seed++) {
        struct street *s = random_street(seed);
        struct round *round = plan(s);
        bool coming = false;
        for (int i = 0; i < s->facts.connection_count; i++)
            coming = coming || s->connections[i].coming;
        for (int place = 0; place <= FEEDERS; place++)
            for (int phase = 0; phase < PHASES; phase++) {
                int64_t sum_w = 0;
                for (int i = 0; i < s->facts.connection_count; i++)
                    if (draws_on(s, i, place, phase))
                        sum_w += drawn(s, i, held_after(s, i, share_of(round, i)));
                const struct round_line *line = &round->lines[place * PHASES + phase];
                if (!is_deaf(s, place))
                    cr_expect(coming ? line->given_w >= sum_w : line->given_w == sum_w,
                              "seed %d, %d L%d: %jd W, not %jd W", seed, place, phase + 1,
                              (intmax_t)line->given_w, (intmax_t)sum_w);
            }
        round_free(round);
        free(s);
    }
}

// Of what binds somebody less than an ampere is left for each; nothing by hand, heard, and known.
Test(round_random, shares_out_what_there_is_but_for_part_of_an_ampere)
{
    int bound = 0;
    for (int seed = 0; seed < ROUNDS; seed++) {
        struct street *s = random_street(seed & ~(LATE | HANDS | UNHEARD));
        struct round *round = plan(s);
        for (int at = 0; at < round->share_count; at++) {
            int place, phase;
            if (!read_place(round->shares[at].bound_by, &place, &phase))
                continue;
            const struct round_line *line = &round->lines[place * PHASES + phase];
            int64_t left_w = (int64_t)line->headroom_w - line->reserved_w;
            int users = 0;
            for (int i = 0; i < s->facts.connection_count; i++)
                if (draws_on(s, i, place, phase)) {
                    left_w -= drawn(s, i, shared_out(s, i, share_of(round, i)));
                    users++;
                }
            cr_expect(left_w >= 0 && left_w < users * HORIZON_AMPERE_W,
                      "seed %d, %s: %jd W left by %d", seed, round->shares[at].bound_by,
                      (intmax_t)left_w, users);
            bound++;
        }
        round_free(round);
        free(s);
    }
    cr_expect_gt(bound, ROUNDS / 10, "%d", bound);
}

static bool pauses(const struct street *s, int i, const struct round_share *share)
{
    int32_t share_w = shared_out(s, i, share);
    return share_w < HORIZON_LEAST_W && share_w < forecast_capacity(&s->connections[i]);
}

// Two connections that differ in nothing but their number.
Test(round_random, starves_nobody_while_an_equal_one_has_more)
{
    int both = 0;
    for (int seed = 0; seed < ROUNDS; seed++) {
        struct street *s = random_street(seed);
        int last = s->facts.connection_count - 1, one = random_to(last);
        s->connections[last] = s->connections[one];
        s->connections[last].number = 1000 + last;
        struct round *round = plan(s);
        const struct round_share *share = share_of(round, one), *same = share_of(round, last);
        if (!pauses(s, one, share) && !pauses(s, last, same)) {
            cr_expect_eq(shared_out(s, one, share), shared_out(s, last, same), "seed %d", seed);
            cr_expect_eq(share && share->profile, same && same->profile, "seed %d", seed);
            both++;
        }
        round_free(round);
        free(s);
    }
    cr_expect_gt(both, ROUNDS / 2, "%d", both);
}

// Nothing told before, everybody heard and above 6 A: a limit that rises, where it is the only one,
// takes nothing from anybody.
Test(round_random, takes_from_nobody_when_the_only_limit_rises)
{
    int gained = 0;
    for (int seed = 0; seed < ROUNDS; seed++) {
        struct street *s = random_street((seed & ~(LATE | HANDS | UNHEARD | PAUSABLE)) | FREE);
        int only = random_to(PHASES - 1);
        bool above = random_to(1);
        s->facts.limited = above;
        s->feeders[0].limited = !above;
        s->feeders[1].limited = false;
        int32_t *limit_w = above ? s->facts.limit_w : s->feeders[0].limit_w;
        for (int phase = 0; phase < PHASES; phase++)
            limit_w[phase] = phase == only ? limit_w[phase] : 1000000;
        struct round *poor = plan(s);
        limit_w[only] += random_to(5000);
        struct round *rich = plan(s);
        for (int i = 0; i < s->facts.connection_count; i++) {
            int32_t before_w = shared_out(s, i, share_of(poor, i));
            int32_t after_w = shared_out(s, i, share_of(rich, i));
            cr_expect_geq(after_w, before_w, "seed %d, %d: %d W, then %d W", seed, i, before_w,
                          after_w);
            gained += after_w > before_w;
        }
        round_free(poor);
        round_free(rich);
        free(s);
    }
    cr_expect_gt(gained, ROUNDS / 10, "%d", gained);
}

static void shuffle(int *row, int count)
{
    for (int i = 0; i < count; i++)
        row[i] = i;
    for (int i = count - 1; i > 0; i--) {
        int with = random_to(i), kept = row[i];
        row[i] = row[with];
        row[with] = kept;
    }
}

static void expect_same(const struct round_share *one, const struct round_share *same, int seed)
{
    cr_assert_eq(!one, !same, "seed %d", seed);
    if (!one)
        return;
    cr_expect_eq(one->share_w, same->share_w, "seed %d", seed);
    cr_expect_eq(one->demand_w, same->demand_w, "seed %d", seed);
    cr_expect_eq(one->decision, same->decision, "seed %d", seed);
    cr_expect_eq(one->priority, same->priority, "seed %d", seed);
    cr_expect_str_eq(one->bound_by, same->bound_by, "seed %d", seed);
    cr_expect_str_eq(one->reason, same->reason, "seed %d", seed);
    cr_assert_eq(!one->profile, !same->profile, "seed %d", seed);
    for (int i = 0; one->profile && i < one->profile->count; i++) {
        const struct profile_period *period = &one->profile->periods[i];
        cr_expect_eq(one->profile->count, same->profile->count, "seed %d", seed);
        cr_expect_eq(period->start, same->profile->periods[i].start, "seed %d", seed);
        cr_expect_eq(period->set.max_power_w, same->profile->periods[i].set.max_power_w, "seed %d",
                     seed);
    }
}

static void expect_same_line(const struct round_line *one, const struct round_line *same, int seed)
{
    cr_expect_eq(one->base_w, same->base_w, "seed %d", seed);
    cr_expect_eq(one->headroom_w, same->headroom_w, "seed %d", seed);
    cr_expect_eq(one->reserved_w, same->reserved_w, "seed %d", seed);
    cr_expect_eq(one->demand_w, same->demand_w, "seed %d", seed);
    cr_expect_eq(one->given_w, same->given_w, "seed %d", seed);
    cr_expect_eq(one->chargers, same->chargers, "seed %d", seed);
}

// Connections and feeders in another order.
Test(round_random, does_not_depend_on_the_order_of_rows)
{
    for (int seed = 0; seed < ROUNDS; seed++) {
        struct street *s = random_street(seed), *shuffled = random_street(seed);
        int row[CARS] = {0}, count = s->facts.connection_count;
        bool turned = random_to(1);
        shuffle(row, count);
        for (int i = 0; i < count; i++) {
            shuffled->connections[i] = s->connections[row[i]];
            shuffled->connections[i].feeder ^= turned;
        }
        for (int f = 0; f < FEEDERS; f++)
            shuffled->feeders[f ^ turned] = s->feeders[f];
        struct round *round = plan(s), *same = plan(shuffled);
        for (int i = 0; i < count; i++)
            expect_same(share_of(round, row[i]), share_of(same, i), seed);
        for (int place = 0; place <= FEEDERS; place++)
            for (int phase = 0; phase < PHASES; phase++) {
                int other = place < FEEDERS ? place ^ turned : place;
                expect_same_line(&round->lines[place * PHASES + phase],
                                 &same->lines[other * PHASES + phase], seed);
            }
        cr_expect_eq(round->congested, same->congested, "seed %d", seed);
        cr_expect_eq(round->sight, same->sight, "seed %d", seed);
        round_free(round);
        round_free(same);
        free(s);
        free(shuffled);
    }
}
