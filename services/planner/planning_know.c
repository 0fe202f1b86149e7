// SPDX-License-Identifier: Apache-2.0

#include "base/clock.h"
#include "base/memory.h"
#include "services/planner/forecast.h"
#include "services/planner/headroom.h"
#include "services/planner/planning.h"
#include "wire/dsmr_time.h"

#include <stdlib.h>

enum { HOUR_S = 3600 };

static int late_of(const struct planning *p, const struct facts_connection *connection)
{
    return forecast_late(&p->facts->feeders[connection->feeder]);
}

// What it was held at when it drew what was last reported of it: a limit that came since says
// nothing of why it drew no more.
static int32_t held_then(const struct planning *p, int i)
{
    const struct facts_connection *connection = &p->facts->connections[i];
    int at = planning_most(demand_report(connection, late_of(p, connection)), 0);
    int32_t reported_w = connection->loads[at].limit_w;
    if (reported_w == FACTS_UNKNOWN)
        return forecast_held(connection, p->quarter, at);
    return planning_least(reported_w / connection->phase_count, p->seats[i].capacity_w);
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
            seat->cap_w = planning_least(seat->cap_w, cap_w);
    }
    seat->is_beneath = p->facts->hand.number || p->facts->feeders[connection->feeder].hand.number;
    if (seat->is_beneath)
        seat->floor_w = 0;
    seat->floor_w = planning_least(seat->floor_w, seat->cap_w);
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
    seat->floor_w = planning_least((connection->floor_w + phases - 1) / phases, seat->capacity_w);
    know_hand(p, i);
    int64_t end = p->quarter + QUARTER_S;
    seat->told_w = horizon_highest(connection->told, phases, seat->capacity_w, p->quarter, end);
    seat->coming_w = connection->coming ? horizon_highest(connection->coming, phases,
                                                          seat->capacity_w, p->quarter, end)
                                        : seat->told_w;
    seat->could_w = planning_most(seat->told_w, seat->coming_w);
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
    struct round_line *line = planning_line(p, place, phase);
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
    const struct round_line *line = planning_line(p, feeder, phase);
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

static void count_in(const struct planning *p, int i)
{
    struct seat *seat = &p->seats[i];
    const struct facts_connection *connection = &p->facts->connections[i];
    for (int which = 0; which < 2; which++) {
        int place = planning_place(p, i, which);
        for (int own = 0; own < connection->phase_count; own++)
            planning_line(p, place, connection->grid_phase[own])->chargers++;
        for (int phase = 0; phase < PHASES; phase++) {
            if (!planning_is_on(seat, phase))
                continue;
            struct round_line *line = planning_line(p, place, phase);
            seat->blind = seat->blind || (line->limited && !line->known);
            if (seat->demand.kind == DEMAND_IDLE)
                line->reserved_w += demand_reserve(p->rules->arrivals, seat->could_w);
        }
    }
}

int32_t planning_careful_level(const struct planning *p, int i)
{
    const struct seat *seat = &p->seats[i];
    int32_t level_w = planning_least(
        planning_least(planning_most(HORIZON_LEAST_W, seat->floor_w), seat->capacity_w),
        seat->cap_w);
    for (int which = 0; which < 2 && seat->blind; which++)
        for (int phase = 0; phase < PHASES; phase++) {
            int place = planning_place(p, i, which);
            const struct round_line *line = planning_line(p, place, phase);
            if (planning_hand(p, place).number && planning_is_on(seat, phase) && !line->known)
                level_w = planning_least(level_w, line->limit_w / line->chargers);
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
            if (planning_hand(p, planning_place(p, i, which)).until > until)
                until = planning_hand(p, planning_place(p, i, which)).until;
        if (!seat->blind || until <= p->quarter)
            continue;
        seat->hold_s = until - p->quarter;
        if (!seat->blocked && !seat->late) // until it can be told, it draws what it asks for
            seat->demand.level_w =
                planning_least(seat->demand.level_w, planning_careful_level(p, i));
    }
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
        if (planning_only_follows(seat))
            seat->expected = demand_expected(p->rules->arrivals, p->slot);
    }
}

void planning_know(struct planning *p)
{
    for (int i = 0; i < p->facts->connection_count; i++)
        know_connection(p, i);
    foresee(p);
    for (int i = 0; i < p->facts->connection_count; i++)
        count_in(p, i);
    be_careful(p);
    find_deaf(p);
}
