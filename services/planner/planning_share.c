// SPDX-License-Identifier: Apache-2.0

#include "base/memory.h"
#include "services/planner/fallback.h"
#include "services/planner/planning.h"

#include <stdlib.h>

enum { HOUR_S = 3600 };

static void count_demand(const struct planning *p)
{
    for (int i = 0; i < p->facts->connection_count; i++)
        for (int which = 0; which < 2; which++)
            for (int phase = 0; phase < PHASES; phase++) {
                const struct seat *seat = &p->seats[i];
                if (planning_is_on(seat, phase) && seat->demand.kind != DEMAND_IDLE)
                    planning_line(p, planning_place(p, i, which), phase)->demand_w +=
                        planning_draw(seat, seat->demand.level_w);
            }
}

// What there is for those that are not heard, and what they are expected to draw of their limits.
struct unheard {
    double room_w, expected;
};

static struct unheard *find_unheard(const struct planning *p)
{
    struct unheard *all = memory_new((size_t)planning_places(p) * PHASES, sizeof *all);
    for (int l = 0; l < planning_places(p) * PHASES; l++)
        all[l].room_w = p->round->lines[l].headroom_w - p->round->lines[l].reserved_w;
    for (int i = 0; i < p->facts->connection_count; i++) {
        const struct seat *seat = &p->seats[i];
        for (int which = 0; which < 2; which++)
            for (int phase = 0; phase < PHASES; phase++) {
                struct unheard *here = &all[planning_place(p, i, which) * PHASES + phase];
                if (!planning_is_on(seat, phase))
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
            int place = planning_place(p, i, which);
            const struct round_line *line = planning_line(p, place, phase);
            const struct unheard *here = &all[place * PHASES + phase];
            if (!planning_is_on(seat, phase) || !line->limited || !line->known
                || here->expected <= 0
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
        seat->wanted_w = planning_least(seat->capacity_w, seat->cap_w);
        if (!planning_only_follows(seat))
            continue; // its share will be all that limits it
        struct unheard fullest = fullest_of(p, i, all, seat);
        int32_t level_w =
            fallback_level(fullest.room_w, fullest.expected, seat->could_w,
                           planning_most(HORIZON_LEAST_W, seat->floor_w), seat->capacity_w);
        seat->wanted_w = horizon_round(planning_least(level_w, seat->capacity_w), seat->floor_w,
                                       seat->capacity_w);
        seat->wanted_w = planning_least(seat->wanted_w, seat->cap_w);
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
            if (planning_is_on(seat, phase))
                p->places[planning_place(p, i, which)].room_w[phase] -=
                    planning_draw(seat, planning_least(seat->wanted_w, seat->demand.level_w));
    p->round->congested = p->round->congested || seat->wanted_w < seat->capacity_w;
}

static void share_out(struct planning *p)
{
    for (int place = 0; place < planning_places(p); place++)
        for (int phase = 0; phase < PHASES; phase++) {
            const struct round_line *line = planning_line(p, place, phase);
            p->places[place].limited[phase] = line->limited && line->known;
            p->places[place].room_w[phase] = (int64_t)line->headroom_w - line->reserved_w;
        }
    for (int i = 0; i < p->facts->connection_count; i++) {
        const struct seat *seat = &p->seats[i];
        if (planning_only_follows(seat))
            leave_room(p, i);
        if (seat->demand.kind == DEMAND_IDLE || planning_only_follows(seat))
            continue;
        int32_t least_w = planning_least(HORIZON_LEAST_W, seat->capacity_w);
        bool paused = seat->cap_w < least_w && !seat->blocked && !seat->late;
        p->user_seat[p->user_count] = i;
        p->users[p->user_count++] = (struct sharing_user){
            .feeder = p->facts->connections[i].feeder,
            .phases = seat->grid_phases,
            .demand_w = paused || seat->blocked || seat->late
                            ? seat->demand.level_w
                            : planning_least(seat->demand.level_w, seat->cap_w),
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
        int32_t share_w = horizon_round(
            planning_least(planning_most(user->level_w, seat->floor_w), seat->capacity_w),
            seat->floor_w, seat->capacity_w);
        seat->wanted_w = seat->deaf ? planning_least(seat->wanted_w, share_w) : share_w;
        if (seat->hold_s)
            seat->wanted_w =
                planning_least(seat->wanted_w, planning_careful_level(p, p->user_seat[u]));
    }
    for (int i = 0; i < p->facts->connection_count; i++)
        p->seats[i].wanted_w = planning_least(p->seats[i].wanted_w, p->seats[i].cap_w);
    for (int place = 0; place < planning_places(p); place++)
        for (int phase = 0; phase < PHASES; phase++)
            p->round->congested =
                p->round->congested || p->places[place].full[phase] || p->places[place].over[phase];
}

void planning_share(struct planning *p)
{
    count_demand(p);
    follow_loads(p);
    share_out(p);
}
