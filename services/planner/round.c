// SPDX-License-Identifier: Apache-2.0

#include "services/planner/round.h"
#include "base/memory.h"
#include "services/planner/calendar.h"
#include "services/planner/forecast.h"
#include "services/planner/planning.h"

#include <stdlib.h>

// By hand first; then relief; then who waits for more; newcomers that may never come last.
static int priority_of(const struct seat *seat)
{
    if (seat->hand != HAND_NONE || seat->is_beneath)
        return seat->waived ? 0 : ROUND_BY_HAND;
    if (seat->demand.kind == DEMAND_IDLE)
        return 7;
    return seat->choice == CHOICE_LOWER ? 3 : 5;
}

// How long a level stands; 0: as usual. Where nobody hears what is drawn a level goes to all, so
// each time that it ends too early costs a message to each: it stands twice as long.
static int64_t stands_s(const struct planning *p, const struct seat *seat)
{
    if (seat->hold_s || !planning_only_follows(seat))
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
        bool comes = planning_is_coming(p, i);
        *share = (struct round_share){
            .connection = i,
            .demand_w = seat->demand.level_w * phases,
            .share_w = seat->wanted_w * phases,
            .decision = seat->could_w < seat->capacity_w ? ROUND_KEEP : ROUND_FREE,
            .priority = priority_of(seat),
            .keeps_coming = p->facts->connections[i].coming,
        };
        planning_explain(p, i, comes && (seat->choice != CHOICE_KEEP || seat->late), share);
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
    planning_know(&p);
    planning_share(&p);
    planning_choose(&p);
    planning_look_ahead(&p);
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
