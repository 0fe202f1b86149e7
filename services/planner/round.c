// SPDX-License-Identifier: Apache-2.0

#include "services/planner/round.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/rfc3339.h"
#include "services/planner/calendar.h"
#include "services/planner/demand.h"
#include "services/planner/fallback.h"
#include "services/planner/forecast.h"
#include "services/planner/headroom.h"
#include "services/planner/sharing.h"
#include "services/planner/tail.h"
#include "wire/dsmr_time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOUR_S = 3600 };

// What a limit set by hand asks of a round.
enum hand {
    HAND_NONE,
    HAND_HELD,    // what the meter holds keeps it, or it is on its way
    HAND_SEND,    // it has to be told
    HAND_RELEASE, // it was, and holds no more
};

enum choice {
    CHOICE_KEEP,  // what it holds is good enough, or nothing can be done
    CHOICE_RAISE, // a message that gives more
    CHOICE_LOWER, // a message that gives less
};

// What is found out about one connection on the way; all W per phase of the connection.
struct seat {
    int32_t capacity_w, floor_w;
    int32_t cap_w;    // by hand; INT32_MAX: none, or above the capacity
    enum hand hand;   //
    bool is_beneath;  // a feeder or transformer limited by hand
    bool was_by_hand; // what it holds, or what is on its way
    bool waived;      // a message may go out within its meter's interval
    int32_t told_w;   // holds for the quarter decided about, as far as is known
    int32_t could_w;  // the same, or what is on its way where that is more
    int32_t coming_w; // what is on its way allows; told_w where nothing is
    struct demand demand;
    unsigned grid_phases; // on which it draws, or, idle, may draw
    int32_t wanted_w;     // the rules' limit for it
    int32_t final_w;      // what it will hold after this round
    enum sharing_bound bound;
    int place, phase; // where a place bound it
    bool blocked, late, blind;
    bool deaf;       // nobody hears what it and most others of its feeder draw
    double expected; // W that it draws, for each W that its limit lets a car there draw
    enum choice choice;
    int64_t hold_s;               // of the profile, where not the usual
    int32_t tail_w[HORIZON_TAIL]; // of the profile: what the hours ahead leave
};

struct planning {
    const struct facts *facts;
    const struct round_rules *rules;
    int64_t quarter, now;
    int slot; // of the quarter, in the local day
    struct round *round;
    struct seat *seats;
    struct sharing_place *places;
    bool *forced; // place x phase: the plans in force are too much there
    struct sharing_user *users;
    int *user_seat;
    bool *deaf; // by feeder: most of its connections are not heard
    int user_count;
};

static int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t most(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static int place_count(const struct planning *p)
{
    return p->facts->feeder_count + 1;
}

static struct round_line *line_of(const struct planning *p, int place, int phase)
{
    return &p->round->lines[place * PHASES + phase];
}

static int late_of(const struct planning *p, const struct facts_connection *connection)
{
    return forecast_late(&p->facts->feeders[connection->feeder]);
}

// What it was held at when it drew what was last reported of it: a limit that came since says
// nothing of why it drew no more.
static int32_t held_then(const struct planning *p, int i)
{
    const struct facts_connection *connection = &p->facts->connections[i];
    int at = most(demand_report(connection, late_of(p, connection)), 0);
    int32_t reported_w = connection->loads[at].limit_w;
    if (reported_w == FACTS_UNKNOWN)
        return forecast_held(connection, p->quarter, at);
    return least(reported_w / connection->phase_count, p->seats[i].capacity_w);
}

static bool keeps_caps(const struct facts_connection *connection, const struct horizon_plan *plan,
                       int64_t quarter, int32_t capacity_w)
{
    for (int i = 0; i < connection->cap_count; i++) {
        const struct facts_cap *cap = &connection->caps[i];
        if (cap->limit_w / connection->phase_count < capacity_w
            && !horizon_keeps(plan, cap->limit_w, quarter, cap->hand.until))
            return false;
    }
    return true;
}

static void know_hand(struct planning *p, int i)
{
    const struct facts_connection *connection = &p->facts->connections[i];
    struct seat *seat = &p->seats[i];
    seat->cap_w = INT32_MAX;
    for (int c = 0; c < connection->cap_count; c++) {
        int32_t cap_w = connection->caps[c].limit_w / connection->phase_count;
        if (cap_w < seat->capacity_w)
            seat->cap_w = least(seat->cap_w, cap_w);
    }
    seat->is_beneath = p->facts->hand.number || p->facts->feeders[connection->feeder].hand.number;
    if (seat->is_beneath)
        seat->floor_w = 0;
    seat->floor_w = least(seat->floor_w, seat->cap_w);
    seat->was_by_hand = connection->told_by_hand || connection->coming_by_hand;
    const struct horizon_plan *last = connection->coming ? connection->coming : connection->told;
    if (seat->cap_w < INT32_MAX)
        seat->hand =
            keeps_caps(connection, last, p->quarter, seat->capacity_w) ? HAND_HELD : HAND_SEND;
    else if (seat->was_by_hand && !seat->is_beneath)
        seat->hand = HAND_RELEASE;
}

static void know_connection(struct planning *p, int i)
{
    const struct facts_connection *connection = &p->facts->connections[i];
    struct seat *seat = &p->seats[i];
    int phases = connection->phase_count;
    seat->capacity_w = forecast_capacity(connection);
    seat->floor_w = least((connection->floor_w + phases - 1) / phases, seat->capacity_w);
    know_hand(p, i);
    int64_t end = p->quarter + QUARTER_S;
    seat->told_w = horizon_highest(connection->told, phases, seat->capacity_w, p->quarter, end);
    seat->coming_w = connection->coming ? horizon_highest(connection->coming, phases,
                                                          seat->capacity_w, p->quarter, end)
                                        : seat->told_w;
    seat->could_w = most(seat->told_w, seat->coming_w);
    seat->demand = demand_of(connection, late_of(p, connection), seat->capacity_w, held_then(p, i));
    bool idle = seat->demand.kind == DEMAND_IDLE;
    for (int own = 0; own < phases; own++)
        if (idle || seat->demand.phases >> own & 1)
            seat->grid_phases |= 1U << connection->grid_phase[own];
    seat->waived = p->rules->waive && (seat->is_beneath || seat->hand > HAND_HELD);
    seat->blocked = connection->written && !seat->waived
                    && connection->written + connection->interval_s - p->rules->slack_s > p->now;
    // A message that should have arrived a quarter hour ago and that would lower the limit:
    // count on what the meter holds until it has arrived.
    seat->late = connection->coming && connection->coming->valid_from < p->quarter
                 && seat->coming_w <= seat->told_w && seat->hand != HAND_RELEASE;
    seat->wanted_w = seat->final_w = seat->could_w;
    seat->expected = 1;
    seat->place = seat->phase = -1;
}

static int64_t controlled(const struct planning *p, int feeder, int phase, int at)
{
    int64_t sum_w = 0;
    double expected =
        forecast_is_guessed(p->facts, feeder) ? demand_expected(p->rules->arrivals, p->slot) : 1;
    for (int i = 0; i < p->facts->connection_count; i++) {
        const struct facts_connection *connection = &p->facts->connections[i];
        if (connection->feeder != feeder)
            continue;
        for (int own = 0; own < connection->phase_count; own++)
            if (connection->grid_phase[own] == phase)
                sum_w += (int64_t)forecast_drawn(
                    connection, own, at,
                    (int32_t)(expected * forecast_held(connection, p->quarter, at)));
    }
    return sum_w;
}

static void draw_line(const struct planning *p, int place, int phase, struct forecast forecast)
{
    bool is_feeder = place < p->facts->feeder_count;
    bool limited = is_feeder ? p->facts->feeders[place].limited : p->facts->limited;
    const struct facts_outlook *outlook =
        is_feeder ? &p->facts->feeders[place].outlook[phase] : &p->facts->outlook[phase];
    struct round_line *line = line_of(p, place, phase);
    *line = (struct round_line){
        .limited = limited,
        .known = forecast.known || outlook->known,
        .measured = forecast.known,
        .measured_at = p->quarter - (int64_t)QUARTER_S * forecast.age,
        .measured_w = forecast.measured_w,
        .controlled_w = forecast.controlled_w,
        .base_w = forecast.base_w,
        .p90_w = FACTS_UNKNOWN,
        .p95_w = FACTS_UNKNOWN,
        .method = forecast.known ? "last" : "none",
    };
    if (outlook->known && !forecast.certain) {
        line->base_w = outlook->base_w[0];
        line->p90_w = outlook->p90_w[0];
        line->p95_w = outlook->p95_w[0];
        line->method = outlook->method;
    }
    if (!limited)
        return;
    line->limit_w = is_feeder ? p->facts->feeders[place].limit_w[phase] : p->facts->limit_w[phase];
    if (!line->known)
        return;
    if (forecast.certain)
        line->margin_w = 0;
    else if (outlook->known)
        line->margin_w = outlook->margin_w[0];
    else
        line->margin_w = headroom_margin(line->limit_w, p->rules->margin, forecast.age);
    line->headroom_w = headroom_left(line->limit_w, line->base_w, line->margin_w);
}

// How well a phase of a feeder is seen. Before anything was learnt of one without measurements it
// is not known how long they have been missing.
static enum facts_sight sight_of(const struct planning *p, int feeder, int phase)
{
    const struct round_line *line = line_of(p, feeder, phase);
    int age = p->facts->feeders[feeder].outlook[phase].age;
    if (line->measured)
        age = (int)((p->quarter - line->measured_at) / QUARTER_S);
    if (!age)
        return p->facts->saw > FACTS_SIGHT_BLIND ? p->facts->saw : FACTS_SIGHT_BLIND;
    return age == 1                ? FACTS_SIGHT_FRESH
           : age <= FACTS_FRESH    ? FACTS_SIGHT_LATE
           : age <= FACTS_FORESEEN ? FACTS_SIGHT_BLIND
                                   : FACTS_SIGHT_LOST;
}

// Where neither a feeder nor its transformer has a limit it does not matter.
static void find_sight(const struct planning *p)
{
    for (int feeder = 0; feeder < p->facts->feeder_count; feeder++)
        for (int phase = 0; phase < PHASES; phase++) {
            enum facts_sight sight = sight_of(p, feeder, phase);
            if ((p->facts->limited || p->facts->feeders[feeder].limited) && sight > p->round->sight)
                p->round->sight = sight;
        }
}

static void foresee(const struct planning *p)
{
    int feeders = p->facts->feeder_count;
    struct forecast *forecasts = memory_new((size_t)feeders * PHASES + 1, sizeof *forecasts);
    for (int feeder = 0; feeder < feeders; feeder++)
        for (int phase = 0; phase < PHASES; phase++) {
            const struct facts_feeder *facts = &p->facts->feeders[feeder];
            int at = forecast_newest(facts, phase);
            struct forecast *forecast = &forecasts[feeder * PHASES + phase];
            *forecast =
                forecast_carry(facts, phase, at, at < 0 ? 0 : controlled(p, feeder, phase, at));
            if (facts->certain)
                *forecast = forecast_certain(facts, phase);
            draw_line(p, feeder, phase, *forecast);
        }
    for (int phase = 0; phase < PHASES; phase++)
        draw_line(p, feeders, phase, forecast_sum(forecasts + phase, feeders, PHASES));
    find_sight(p);
    free(forecasts);
}

static bool is_careful_hour(const struct planning *p, int64_t utc, int64_t *ends)
{
    int64_t local = utc + (dsmr_time_is_summer(utc) ? 2 : 1) * HOUR_S;
    int64_t midnight = local - local % (24 * HOUR_S);
    *ends = utc + midnight + (int64_t)p->rules->careful_to * HOUR_S - local;
    return local >= midnight + (int64_t)p->rules->careful_from * HOUR_S && utc < *ends;
}

static bool is_on(const struct seat *seat, int phase)
{
    return seat->grid_phases >> phase & 1;
}

// The two places of a connection: its feeder and the transformer.
static int place_of(const struct planning *p, int i, int which)
{
    return which ? p->facts->feeder_count : p->facts->connections[i].feeder;
}

static void count_in(const struct planning *p, int i)
{
    struct seat *seat = &p->seats[i];
    const struct facts_connection *connection = &p->facts->connections[i];
    for (int which = 0; which < 2; which++) {
        int place = place_of(p, i, which);
        for (int own = 0; own < connection->phase_count; own++)
            line_of(p, place, connection->grid_phase[own])->chargers++;
        for (int phase = 0; phase < PHASES; phase++) {
            if (!is_on(seat, phase))
                continue;
            struct round_line *line = line_of(p, place, phase);
            seat->blind = seat->blind || (line->limited && !line->known);
            if (seat->demand.kind == DEMAND_IDLE)
                line->reserved_w += demand_reserve(p->rules->arrivals, seat->could_w);
        }
    }
}

static struct facts_hand hand_of(const struct planning *p, int place)
{
    return place < p->facts->feeder_count ? p->facts->feeders[place].hand : p->facts->hand;
}

static int32_t careful_level(const struct planning *p, int i)
{
    const struct seat *seat = &p->seats[i];
    int32_t level_w =
        least(least(most(HORIZON_LEAST_W, seat->floor_w), seat->capacity_w), seat->cap_w);
    for (int which = 0; which < 2 && seat->blind; which++)
        for (int phase = 0; phase < PHASES; phase++) {
            int place = place_of(p, i, which);
            const struct round_line *line = line_of(p, place, phase);
            if (hand_of(p, place).number && is_on(seat, phase) && !line->known)
                level_w = least(level_w, line->limit_w / line->chargers);
        }
    return level_w;
}

// Blind in a busy hour, or at a place limited by hand: a fixed limit, whether a car is there or
// not.
static void be_careful(struct planning *p)
{
    int64_t ends;
    bool busy = is_careful_hour(p, p->quarter, &ends);
    for (int i = 0; i < p->facts->connection_count; i++) {
        struct seat *seat = &p->seats[i];
        int64_t until = busy ? ends : 0;
        for (int which = 0; which < 2; which++)
            if (hand_of(p, place_of(p, i, which)).until > until)
                until = hand_of(p, place_of(p, i, which)).until;
        if (!seat->blind || until <= p->quarter)
            continue;
        seat->hold_s = until - p->quarter;
        seat->demand.level_w = least(seat->demand.level_w, careful_level(p, i));
    }
}

// Nobody hears what it draws, and no limit by hand holds above it. Where one does it has to hold at
// once, so all it may draw is counted, and its share is the most that it gets.
static bool only_follows(const struct seat *seat)
{
    return seat->deaf && !seat->is_beneath;
}

static void find_deaf(struct planning *p)
{
    for (int feeder = 0; feeder < p->facts->feeder_count; feeder++)
        p->round->deaf += p->deaf[feeder];
    for (int i = 0; i < p->facts->connection_count; i++) {
        struct seat *seat = &p->seats[i];
        // Who is held carefully already, blind in a busy hour, stays so.
        seat->deaf = seat->demand.kind == DEMAND_UNHEARD && !seat->hold_s
                     && p->deaf[p->facts->connections[i].feeder];
        if (only_follows(seat))
            seat->expected = demand_expected(p->rules->arrivals, p->slot);
    }
}

static int64_t expected_draw(const struct seat *seat, int32_t level_w)
{
    return (int64_t)(seat->expected * level_w);
}

static void count_demand(const struct planning *p)
{
    for (int i = 0; i < p->facts->connection_count; i++)
        for (int which = 0; which < 2; which++)
            for (int phase = 0; phase < PHASES; phase++) {
                const struct seat *seat = &p->seats[i];
                if (is_on(seat, phase) && seat->demand.kind != DEMAND_IDLE)
                    line_of(p, place_of(p, i, which), phase)->demand_w +=
                        expected_draw(seat, seat->demand.level_w);
            }
}

// What there is for those that are not heard, and what they are expected to draw of their limits.
struct unheard {
    double room_w, expected;
};

static struct unheard *find_unheard(const struct planning *p)
{
    struct unheard *all = memory_new((size_t)place_count(p) * PHASES, sizeof *all);
    for (int l = 0; l < place_count(p) * PHASES; l++)
        all[l].room_w = p->round->lines[l].headroom_w - p->round->lines[l].reserved_w;
    for (int i = 0; i < p->facts->connection_count; i++) {
        const struct seat *seat = &p->seats[i];
        for (int which = 0; which < 2; which++)
            for (int phase = 0; phase < PHASES; phase++) {
                struct unheard *here = &all[place_of(p, i, which) * PHASES + phase];
                if (!is_on(seat, phase))
                    continue;
                if (seat->deaf)
                    here->expected += seat->expected;
                else if (seat->demand.kind != DEMAND_IDLE)
                    here->room_w -= seat->demand.level_w;
            }
    }
    return all;
}

// The phase that a connection may draw on which has least for each; which one it is goes into the
// seat. None: all there is.
static struct unheard fullest_of(const struct planning *p, int i, const struct unheard *all,
                                 struct seat *seat)
{
    struct unheard fullest = {INT32_MAX, 1};
    for (int which = 0; which < 2; which++)
        for (int phase = 0; phase < PHASES; phase++) {
            int place = place_of(p, i, which);
            const struct round_line *line = line_of(p, place, phase);
            const struct unheard *here = &all[place * PHASES + phase];
            if (!is_on(seat, phase) || !line->limited || !line->known || here->expected <= 0
                || here->room_w / here->expected >= fullest.room_w / fullest.expected)
                continue;
            fullest = *here;
            seat->place = place;
            seat->phase = phase;
        }
    return fullest;
}

// Where most connections of a feeder are not heard, what is left cannot be told from what they
// draw; all of them get one level, by what they are expected to draw.
static void follow_loads(const struct planning *p)
{
    struct unheard *all = find_unheard(p);
    for (int i = 0; i < p->facts->connection_count; i++) {
        struct seat *seat = &p->seats[i];
        if (!seat->deaf)
            continue;
        seat->bound = SHARING_FIXED;
        if (seat->blocked || seat->late)
            continue;
        seat->wanted_w = least(seat->capacity_w, seat->cap_w);
        if (!only_follows(seat))
            continue; // its share will be all that limits it
        struct unheard fullest = fullest_of(p, i, all, seat);
        int32_t level_w = fallback_level(fullest.room_w, fullest.expected, seat->could_w,
                                         most(HORIZON_LEAST_W, seat->floor_w), seat->capacity_w);
        seat->wanted_w =
            horizon_round(least(level_w, seat->capacity_w), seat->floor_w, seat->capacity_w);
        seat->wanted_w = least(seat->wanted_w, seat->cap_w);
    }
    free(all);
}

// A number that orders the connections differently each hour.
static uint32_t lot_of(int number, int64_t quarter)
{
    uint64_t mixed = (uint64_t)number * 0x9E3779B97F4A7C15U ^ (uint64_t)(quarter / HOUR_S);
    mixed = (mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9U;
    return (uint32_t)(mixed >> 32);
}

// What a connection that is not heard is expected to draw is not there for the others.
static void leave_room(struct planning *p, int i)
{
    const struct seat *seat = &p->seats[i];
    for (int which = 0; which < 2; which++)
        for (int phase = 0; phase < PHASES; phase++)
            if (is_on(seat, phase))
                p->places[place_of(p, i, which)].room_w[phase] -=
                    expected_draw(seat, least(seat->wanted_w, seat->demand.level_w));
    p->round->congested = p->round->congested || seat->wanted_w < seat->capacity_w;
}

static void share_out(struct planning *p)
{
    for (int place = 0; place < place_count(p); place++)
        for (int phase = 0; phase < PHASES; phase++) {
            const struct round_line *line = line_of(p, place, phase);
            p->places[place].limited[phase] = line->limited && line->known;
            p->places[place].room_w[phase] = (int64_t)line->headroom_w - line->reserved_w;
        }
    for (int i = 0; i < p->facts->connection_count; i++) {
        const struct seat *seat = &p->seats[i];
        if (only_follows(seat))
            leave_room(p, i);
        if (seat->demand.kind == DEMAND_IDLE || only_follows(seat))
            continue;
        int32_t least_w = least(HORIZON_LEAST_W, seat->capacity_w);
        bool paused = seat->cap_w < least_w && !seat->blocked && !seat->late;
        p->user_seat[p->user_count] = i;
        p->users[p->user_count++] = (struct sharing_user){
            .feeder = p->facts->connections[i].feeder,
            .phases = seat->grid_phases,
            .demand_w = paused || seat->blocked || seat->late
                            ? seat->demand.level_w
                            : least(seat->demand.level_w, seat->cap_w),
            .floor_w = seat->floor_w,
            .least_w = least_w,
            .weight =
                p->facts->connections[i].weight * demand_weight(seat->demand.charging, p->slot),
            .turn = demand_turn(&seat->demand, lot_of(p->facts->connections[i].number, p->quarter)),
            .fixed = seat->blocked || seat->late || paused,
            .level_w = paused ? seat->cap_w : seat->could_w,
        };
    }
    sharing_fill(p->places, p->facts->feeder_count, p->users, p->user_count);
    for (int u = 0; u < p->user_count; u++) {
        const struct sharing_user *user = &p->users[u];
        struct seat *seat = &p->seats[p->user_seat[u]];
        seat->bound = user->bound;
        if (seat->deaf && user->bound == SHARING_FREE)
            continue;
        seat->place = user->place;
        seat->phase = user->phase;
        if (user->bound == SHARING_FIXED)
            continue;
        int32_t share_w = horizon_round(least(most(user->level_w, seat->floor_w), seat->capacity_w),
                                        seat->floor_w, seat->capacity_w);
        seat->wanted_w = seat->deaf ? least(seat->wanted_w, share_w) : share_w;
        if (seat->hold_s)
            seat->wanted_w = least(seat->wanted_w, careful_level(p, p->user_seat[u]));
    }
    for (int i = 0; i < p->facts->connection_count; i++)
        p->seats[i].wanted_w = least(p->seats[i].wanted_w, p->seats[i].cap_w);
    for (int place = 0; place < place_count(p); place++)
        for (int phase = 0; phase < PHASES; phase++)
            p->round->congested =
                p->round->congested || p->places[place].full[phase] || p->places[place].over[phase];
}

static bool is_forced(const struct planning *p, int i)
{
    for (int which = 0; which < 2; which++)
        for (int phase = 0; phase < PHASES; phase++)
            if (is_on(&p->seats[i], phase) && p->forced[place_of(p, i, which) * PHASES + phase])
                return true;
    return false;
}

// What a car draws under a limit of level_w.
static int32_t drawn_under(const struct seat *seat, int32_t level_w)
{
    if (level_w < HORIZON_LEAST_W && level_w < seat->capacity_w)
        return 0;
    return least(level_w, seat->demand.level_w);
}

static void lift(const struct planning *p, struct seat *seat)
{
    seat->choice = CHOICE_RAISE;
    int32_t reached_w = least(seat->wanted_w, seat->told_w + p->rules->horizon.ramp_w);
    // Above what is on its way, but below what the meter holds: a lower limit all the same.
    seat->final_w = seat->wanted_w < seat->told_w ? seat->wanted_w : most(reached_w, seat->could_w);
}

// What a limit by hand asks for goes before all else; an idle connection too has to be told, that
// it begins and that it is over. A meter inside its interval is told when that ends.
static bool choose_by_hand(const struct planning *p, struct seat *seat)
{
    int32_t most_w = least(seat->capacity_w, seat->cap_w);
    if (seat->was_by_hand && seat->demand.kind == DEMAND_IDLE)
        seat->wanted_w = most_w;
    if (seat->hand == HAND_SEND && seat->wanted_w < seat->could_w) {
        seat->choice = CHOICE_LOWER;
        seat->final_w = seat->wanted_w;
    } else if (seat->hand == HAND_SEND) {
        lift(p, seat);
    } else if (seat->was_by_hand && !seat->blocked
               && horizon_is_worth_raising(&p->rules->horizon, least(seat->told_w, seat->coming_w),
                                           seat->wanted_w, most_w)) {
        lift(p, seat);
    } else {
        return false;
    }
    return true;
}

static void choose(const struct planning *p, int i)
{
    struct seat *seat = &p->seats[i];
    const struct horizon_rules *horizon = &p->rules->horizon;
    seat->choice = CHOICE_KEEP;
    seat->final_w = seat->could_w;
    if (choose_by_hand(p, seat))
        return;
    if (seat->demand.kind == DEMAND_IDLE || seat->blocked || seat->late)
        return;
    if (seat->wanted_w < seat->could_w && (seat->hold_s || seat->deaf || is_forced(p, i))) {
        seat->choice = CHOICE_LOWER;
        seat->final_w = seat->wanted_w;
    } else if (seat->demand.level_w > seat->told_w
               && horizon_is_worth_raising(horizon, seat->told_w, seat->wanted_w,
                                           seat->capacity_w)) {
        lift(p, seat);
    }
}

static void sum_up(const struct planning *p)
{
    for (int place = 0; place < place_count(p); place++)
        for (int phase = 0; phase < PHASES; phase++)
            line_of(p, place, phase)->given_w = 0;
    for (int i = 0; i < p->facts->connection_count; i++)
        for (int which = 0; which < 2; which++)
            for (int phase = 0; phase < PHASES; phase++)
                if (is_on(&p->seats[i], phase) && p->seats[i].demand.kind != DEMAND_IDLE)
                    line_of(p, place_of(p, i, which), phase)->given_w +=
                        expected_draw(&p->seats[i], drawn_under(&p->seats[i], p->seats[i].final_w));
}

// Decide who gets a message. As few as possible: who holds more than its share keeps it while
// the whole fits; where it does not, or would not after raising others, all on that phase go
// to their shares. A phase once found too full stays so, hence this ends.
static void choose_all(const struct planning *p)
{
    bool again = true;
    while (again) {
        again = false;
        for (int i = 0; i < p->facts->connection_count; i++)
            choose(p, i);
        sum_up(p);
        for (int place = 0; place < place_count(p); place++)
            for (int phase = 0; phase < PHASES; phase++) {
                bool *forced = &p->forced[place * PHASES + phase];
                if (p->places[place].limited[phase] && !*forced
                    && line_of(p, place, phase)->given_w > p->places[place].room_w[phase])
                    again = *forced = true;
            }
    }
}

// Is some car on this phase of this place held so low that newcomers must start low too?
static void find_severe(const struct planning *p, bool *severe)
{
    for (int u = 0; u < p->user_count; u++) {
        const struct seat *seat = &p->seats[p->user_seat[u]];
        bool held = seat->bound == SHARING_PLACE || seat->bound == SHARING_FLOOR
                    || seat->bound == SHARING_PAUSE;
        if (held && seat->final_w < p->rules->severe_w && seat->final_w < seat->capacity_w)
            for (int which = 0; which < 2; which++)
                for (int phase = 0; phase < PHASES; phase++) {
                    int place = place_of(p, p->user_seat[u], which);
                    if (is_on(seat, phase) && p->places[place].full[phase])
                        severe[place * PHASES + phase] = true;
                }
    }
}

static void hold_idle(const struct planning *p)
{
    bool *severe = memory_new((size_t)place_count(p) * PHASES, sizeof *severe);
    find_severe(p, severe);
    for (int i = 0; i < p->facts->connection_count; i++) {
        struct seat *seat = &p->seats[i];
        if (seat->demand.kind != DEMAND_IDLE)
            continue;
        for (int which = 0; which < 2; which++)
            for (int phase = 0; phase < PHASES; phase++) {
                int place = place_of(p, i, which);
                if (is_on(seat, phase) && severe[place * PHASES + phase]) {
                    seat->place = place;
                    seat->phase = phase;
                }
            }
        if (seat->place < 0 && !seat->hold_s)
            continue;
        if (!seat->hold_s)
            seat->hold_s = p->rules->idle_s;
        seat->wanted_w = careful_level(p, i);
        if (seat->wanted_w < seat->could_w && !seat->blocked && !seat->late) {
            seat->choice = CHOICE_LOWER;
            seat->final_w = seat->wanted_w;
        }
    }
    free(severe);
}

// Is what is on its way as good as what would be sent?
static bool is_coming(const struct planning *p, int i)
{
    const struct seat *seat = &p->seats[i];
    if (!p->facts->connections[i].coming || seat->hand > HAND_HELD)
        return false;
    if (seat->choice == CHOICE_LOWER)
        return seat->coming_w <= seat->wanted_w;
    return seat->coming_w > seat->told_w && seat->coming_w <= seat->final_w
           && !horizon_is_worth_raising(&p->rules->horizon, seat->coming_w, seat->final_w,
                                        seat->capacity_w);
}

static const char *place_name(const struct planning *p, const struct seat *seat, char *text,
                              size_t size)
{
    bool is_feeder = seat->place < p->facts->feeder_count;
    snprintf(text, size, "%s %s L%d", is_feeder ? "feeder" : "transformer",
             is_feeder ? p->facts->feeders[seat->place].id : p->facts->id, seat->phase + 1);
    return text;
}

// Is it a limit by hand that binds, and nothing lower?
static bool is_capped(const struct seat *seat)
{
    return seat->wanted_w == seat->cap_w;
}

// The limit by hand that binds.
static const struct facts_cap *lowest_cap(const struct facts_connection *connection)
{
    const struct facts_cap *lowest = &connection->caps[0];
    for (int i = 1; i < connection->cap_count; i++)
        if (connection->caps[i].limit_w < lowest->limit_w)
            lowest = &connection->caps[i];
    return lowest;
}

static void explain_cap(const struct facts_connection *connection, char *text, size_t size)
{
    const struct facts_cap *cap = lowest_cap(connection);
    char until[RFC3339_LEN + 1];
    rfc3339_format(cap->hand.until, until);
    snprintf(text, size, "limited by hand (number %d) to %d W until %s", cap->hand.number,
             cap->limit_w, until);
}

static void name_bound(const struct planning *p, int i, struct round_share *share)
{
    const struct seat *seat = &p->seats[i];
    char place[96] = "";
    if (seat->place >= 0)
        place_name(p, seat, place, sizeof place);
    const char *name = seat->demand.level_w < seat->capacity_w ? "demand" : "contract";
    if (seat->bound == SHARING_PLACE)
        name = place;
    else if (seat->bound == SHARING_FLOOR)
        name = "floor";
    else if (seat->bound == SHARING_PAUSE)
        name = "pause";
    else if (seat->deaf && !seat->blocked && !seat->late)
        name = "no meters";
    else if (seat->bound == SHARING_FIXED)
        name = seat->late ? "delivery" : "interval";
    if (seat->demand.kind == DEMAND_IDLE)
        name = "idle";
    if (seat->blind && seat->hold_s)
        name = "no data";
    if (is_capped(seat))
        name = "by hand";
    snprintf(share->bound_by, sizeof share->bound_by, "%s", name);
}

// Why there is the limit that there is: what the rules found.
static void explain_bound(const struct planning *p, int i, char *text, size_t size)
{
    const struct seat *seat = &p->seats[i];
    char place[96] = "";
    if (seat->place >= 0)
        place_name(p, seat, place, sizeof place);
    const struct round_line nowhere = {0};
    const struct round_line *line =
        seat->place >= 0 ? line_of(p, seat->place, seat->phase) : &nowhere;
    if (is_capped(seat))
        explain_cap(&p->facts->connections[i], text, size);
    else if (seat->blind && seat->hold_s)
        snprintf(text, size, "no measurement of the last two hours %s: careful limit",
                 seat->is_beneath ? "where a limit was set by hand" : "in a busy hour");
    else if (seat->demand.kind == DEMAND_IDLE && seat->place >= 0)
        snprintf(text, size, "no car, but others at %s are held below %d W: a newcomer starts low",
                 place, p->rules->severe_w);
    else if (seat->bound == SHARING_FLOOR)
        snprintf(text, size, "%s has %d W left%s, cars want %jd W: held at its floor", place,
                 line->headroom_w,
                 p->places[seat->place].over[seat->phase] ? ", less than the floors need" : "",
                 (intmax_t)line->demand_w);
    else if (seat->bound == SHARING_PLACE)
        snprintf(text, size,
                 "%s has %d W left, cars want %jd W: shared by how long each has been charging",
                 place, line->headroom_w, (intmax_t)line->demand_w);
    else if (seat->bound == SHARING_PAUSE)
        snprintf(text, size, "less than 6 A left for each: its turn to pause");
    else if (seat->deaf && !seat->blocked && !seat->late)
        snprintf(text, size,
                 "nobody hears what chargers draw here: %s has %d W left, they are expected to"
                 " draw %jd W",
                 seat->place < 0 ? "none" : place, line->headroom_w, (intmax_t)line->demand_w);
    else if (seat->late)
        snprintf(text, size, "its last message has not arrived: counted at what it holds");
    else if (seat->bound == SHARING_FIXED)
        snprintf(text, size,
                 "its meter took a message less than %d s ago: counted at what it holds",
                 p->facts->connections[i].interval_s);
    else
        snprintf(text, size, "there is room for what it asks");
}

static void explain(const struct planning *p, int i, bool comes, struct round_share *share)
{
    const struct seat *seat = &p->seats[i];
    char bound[200], action[80];
    explain_bound(p, i, bound, sizeof bound);
    if (comes)
        snprintf(action, sizeof action, "%d W per phase is on its way", seat->coming_w);
    else if (seat->choice != CHOICE_KEEP)
        snprintf(action, sizeof action, "from %d to %d W per phase", seat->told_w, seat->final_w);
    else if (seat->could_w == seat->capacity_w)
        snprintf(action, sizeof action, "not limited");
    else if (seat->wanted_w > seat->could_w)
        snprintf(action, sizeof action, "keeps %d W per phase, %d more is not worth a message",
                 seat->could_w, seat->wanted_w - seat->could_w);
    else
        snprintf(action, sizeof action, "keeps %d W per phase, which fits", seat->could_w);
    snprintf(share->reason, sizeof share->reason, "%s; %s", bound, action);
}

// By hand first; then relief; then who waits for more; newcomers that may never come last.
static int priority_of(const struct seat *seat)
{
    if (seat->hand != HAND_NONE || seat->is_beneath)
        return seat->waived ? 0 : ROUND_BY_HAND;
    if (seat->demand.kind == DEMAND_IDLE)
        return 7;
    return seat->choice == CHOICE_LOWER ? 3 : 5;
}

static const struct facts_outlook *outlook_of(const struct planning *p, int place, int phase)
{
    return place < p->facts->feeder_count ? &p->facts->feeders[place].outlook[phase]
                                          : &p->facts->outlook[phase];
}

// Of an hour ahead, what every place has for each car there now: a place without an outlook has
// none to share.
static void find_room(const struct planning *p, int hour, const int *drawing,
                      struct sharing_place *places)
{
    for (int place = 0; place < place_count(p); place++)
        for (int phase = 0; phase < PHASES; phase++) {
            const struct round_line *line = line_of(p, place, phase);
            int now = drawing[place * PHASES + phase];
            places[place].limited[phase] = line->limited && outlook_of(p, place, phase)->known;
            if (!places[place].limited[phase] || !now)
                continue;
            double cars = tail_cars(now, line->chargers, p->rules->arrivals, p->slot, hour);
            double room_w = (double)tail_room(outlook_of(p, place, phase), line->limit_w, hour);
            places[place].room_w[phase] = (int64_t)(room_w * (room_w > 0 ? now / cars : 1));
        }
}

// Can it be told what the hours ahead leave it?
static bool can_look(const struct planning *p, int i)
{
    for (int which = 0; which < 2; which++)
        for (int phase = 0; phase < PHASES; phase++) {
            int place = place_of(p, i, which);
            if (is_on(&p->seats[i], phase) && line_of(p, place, phase)->limited
                && !outlook_of(p, place, phase)->known)
                return false;
        }
    return true;
}

static void find_tails(const struct planning *p)
{
    for (int i = 0; i < p->facts->connection_count; i++)
        horizon_rise(p->seats[i].wanted_w, p->seats[i].capacity_w, p->seats[i].tail_w);
    if (!p->round->congested)
        return;
    struct sharing_place *places = memory_new((size_t)place_count(p), sizeof *places);
    int32_t *level_w = memory_new((size_t)p->user_count + 1, sizeof *level_w);
    int *drawing = memory_new((size_t)place_count(p) * PHASES, sizeof *drawing);
    for (int u = 0; u < p->user_count; u++)
        for (int which = 0; which < 2; which++)
            for (int phase = 0; phase < PHASES; phase++)
                if (is_on(&p->seats[p->user_seat[u]], phase))
                    drawing[place_of(p, p->user_seat[u], which) * PHASES + phase]++;
    for (int hour = 1; hour <= HORIZON_TAIL; hour++) {
        find_room(p, hour, drawing, places);
        tail_share(places, p->facts->feeder_count, p->users, p->user_count, level_w);
        for (int u = 0; u < p->user_count; u++) {
            struct seat *seat = &p->seats[p->user_seat[u]];
            if (can_look(p, p->user_seat[u]))
                seat->tail_w[hour - 1] = horizon_round(least(level_w[u], seat->capacity_w),
                                                       seat->floor_w, seat->capacity_w);
        }
    }
    free(places);
    free(level_w);
    free(drawing);
}

// How long a level stands; 0: as usual. Where nobody hears what is drawn a level goes to all, so
// each time that it ends too early costs a message to each: it stands twice as long.
static int64_t stands_s(const struct planning *p, const struct seat *seat)
{
    if (seat->hold_s || !only_follows(seat))
        return seat->hold_s;
    return 2 * (int64_t)p->rules->horizon.hold_s;
}

static struct profile *make_profile(const struct planning *p, int i)
{
    const struct seat *seat = &p->seats[i];
    struct profile *profile = memory_new(1, sizeof *profile);
    const struct facts_connection *connection = &p->facts->connections[i];
    horizon_profile(&p->rules->horizon, connection->phase_count,
                    seat->choice == CHOICE_RAISE ? seat->told_w : seat->wanted_w, seat->wanted_w,
                    seat->tail_w, seat->capacity_w, p->quarter, stands_s(p, seat), profile);
    for (int c = 0; c < connection->cap_count; c++)
        horizon_cap(&p->rules->horizon, connection->phase_count, connection->caps[c].limit_w,
                    seat->capacity_w, connection->caps[c].hand.until, profile);
    return profile;
}

static bool is_worth_a_row(const struct seat *seat)
{
    return seat->choice != CHOICE_KEEP || seat->could_w < seat->capacity_w
           || seat->told_w < seat->capacity_w || seat->bound != SHARING_FREE
           || seat->hand != HAND_NONE;
}

static void write_shares(const struct planning *p)
{
    for (int i = 0; i < p->facts->connection_count; i++) {
        struct seat *seat = &p->seats[i];
        if (!is_worth_a_row(seat))
            continue;
        int phases = p->facts->connections[i].phase_count;
        struct round_share *share = &p->round->shares[p->round->share_count++];
        bool comes = is_coming(p, i);
        *share = (struct round_share){
            .connection = i,
            .demand_w = seat->demand.level_w * phases,
            .share_w = seat->wanted_w * phases,
            .decision = seat->could_w < seat->capacity_w ? ROUND_KEEP : ROUND_FREE,
            .priority = priority_of(seat),
            .keeps_coming = p->facts->connections[i].coming,
        };
        name_bound(p, i, share);
        explain(p, i, comes && (seat->choice != CHOICE_KEEP || seat->late), share);
        if (seat->choice == CHOICE_KEEP)
            continue;
        share->decision = comes ? ROUND_KEEP : ROUND_SEND;
        if (!comes)
            share->profile = make_profile(p, i);
    }
}

struct round *round_plan(const struct facts *facts, const struct round_rules *rules,
                         int64_t quarter, int64_t now)
{
    size_t places = (size_t)facts->feeder_count + 1;
    size_t seats = (size_t)facts->connection_count + 1;
    struct round *round = memory_new(1, sizeof *round);
    round->lines = memory_new(places * PHASES, sizeof *round->lines);
    round->shares = memory_new(seats, sizeof *round->shares);
    struct planning p = {
        .facts = facts,
        .rules = rules,
        .quarter = quarter,
        .now = now,
        .slot = calendar_at(quarter).slot,
        .round = round,
        .seats = memory_new(seats, sizeof *p.seats),
        .places = memory_new(places, sizeof *p.places),
        .forced = memory_new(places * PHASES, sizeof *p.forced),
        .users = memory_new(seats, sizeof *p.users),
        .user_seat = memory_new(seats, sizeof *p.user_seat),
        .deaf = memory_new(places, sizeof *p.deaf),
    };
    for (int feeder = 0; feeder < facts->feeder_count; feeder++)
        p.deaf[feeder] = forecast_is_deaf(facts, feeder);
    for (int i = 0; i < facts->connection_count; i++)
        know_connection(&p, i);
    foresee(&p);
    for (int i = 0; i < facts->connection_count; i++)
        count_in(&p, i);
    be_careful(&p);
    find_deaf(&p);
    count_demand(&p);
    follow_loads(&p);
    share_out(&p);
    choose_all(&p);
    hold_idle(&p);
    find_tails(&p);
    write_shares(&p);
    free(p.seats);
    free(p.places);
    free(p.forced);
    free(p.users);
    free(p.user_seat);
    free(p.deaf);
    return round;
}

void round_free(struct round *round)
{
    if (!round)
        return;
    for (int i = 0; i < round->share_count; i++)
        free(round->shares[i].profile);
    free(round->shares);
    free(round->lines);
    free(round);
}

const char *round_sight_name(enum facts_sight sight)
{
    static const char *const names[] = {[FACTS_SIGHT_FRESH] = "fresh",
                                        [FACTS_SIGHT_LATE] = "late",
                                        [FACTS_SIGHT_BLIND] = "blind",
                                        [FACTS_SIGHT_LOST] = "lost"};
    return names[sight];
}

const char *round_decision_name(enum round_decision decision)
{
    static const char *const names[] = {
        [ROUND_SEND] = "send", [ROUND_KEEP] = "keep", [ROUND_FREE] = "free"};
    return names[decision];
}
