// SPDX-License-Identifier: Apache-2.0

#include "base/memory.h"
#include "services/planner/planning.h"

#include <stdlib.h>

static bool is_forced(const struct planning *p, int i)
{
    for (int which = 0; which < 2; which++)
        for (int phase = 0; phase < PHASES; phase++)
            if (planning_is_on(&p->seats[i], phase)
                && p->forced[planning_place(p, i, which) * PHASES + phase])
                return true;
    return false;
}

// What a car draws under a limit of level_w.
static int32_t drawn_under(const struct seat *seat, int32_t level_w)
{
    if (level_w < HORIZON_LEAST_W && level_w < seat->capacity_w)
        return 0;
    return planning_least(level_w, seat->demand.level_w);
}

static void lift(const struct planning *p, struct seat *seat)
{
    seat->choice = CHOICE_RAISE;
    int32_t reached_w = planning_least(seat->wanted_w, seat->told_w + p->rules->horizon.ramp_w);
    // Above what is on its way, but below what the meter holds: a lower limit all the same.
    seat->final_w =
        seat->wanted_w < seat->told_w ? seat->wanted_w : planning_most(reached_w, seat->could_w);
}

// What a limit by hand asks for goes before all else; an idle connection too has to be told, that
// it begins and that it is over. A meter inside its interval is told when that ends.
static bool choose_by_hand(const struct planning *p, struct seat *seat)
{
    int32_t most_w = planning_least(seat->capacity_w, seat->cap_w);
    if (seat->was_by_hand && seat->demand.kind == DEMAND_IDLE)
        seat->wanted_w = most_w;
    if (seat->hand == HAND_SEND && seat->wanted_w < seat->could_w) {
        seat->choice = CHOICE_LOWER;
        seat->final_w = seat->wanted_w;
    } else if (seat->hand == HAND_SEND) {
        lift(p, seat);
    } else if (seat->was_by_hand && !seat->blocked
               && horizon_is_worth_raising(&p->rules->horizon,
                                           planning_least(seat->told_w, seat->coming_w),
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
    for (int place = 0; place < planning_places(p); place++)
        for (int phase = 0; phase < PHASES; phase++)
            planning_line(p, place, phase)->given_w = 0;
    for (int i = 0; i < p->facts->connection_count; i++)
        for (int which = 0; which < 2; which++)
            for (int phase = 0; phase < PHASES; phase++)
                if (planning_is_on(&p->seats[i], phase) && p->seats[i].demand.kind != DEMAND_IDLE)
                    planning_line(p, planning_place(p, i, which), phase)->given_w +=
                        planning_draw(&p->seats[i], drawn_under(&p->seats[i], p->seats[i].final_w));
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
        for (int place = 0; place < planning_places(p); place++)
            for (int phase = 0; phase < PHASES; phase++) {
                bool *forced = &p->forced[place * PHASES + phase];
                if (p->places[place].limited[phase] && !*forced
                    && planning_line(p, place, phase)->given_w > p->places[place].room_w[phase])
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
                    int place = planning_place(p, p->user_seat[u], which);
                    if (planning_is_on(seat, phase) && p->places[place].full[phase])
                        severe[place * PHASES + phase] = true;
                }
    }
}

static void hold_idle(const struct planning *p)
{
    bool *severe = memory_new((size_t)planning_places(p) * PHASES, sizeof *severe);
    find_severe(p, severe);
    for (int i = 0; i < p->facts->connection_count; i++) {
        struct seat *seat = &p->seats[i];
        if (seat->demand.kind != DEMAND_IDLE)
            continue;
        for (int which = 0; which < 2; which++)
            for (int phase = 0; phase < PHASES; phase++) {
                int place = planning_place(p, i, which);
                if (planning_is_on(seat, phase) && severe[place * PHASES + phase]) {
                    seat->place = place;
                    seat->phase = phase;
                }
            }
        if (seat->place < 0 && !seat->hold_s)
            continue;
        if (!seat->hold_s)
            seat->hold_s = p->rules->idle_s;
        seat->wanted_w = planning_careful_level(p, i);
        if (seat->wanted_w < seat->could_w && !seat->blocked && !seat->late) {
            seat->choice = CHOICE_LOWER;
            seat->final_w = seat->wanted_w;
        }
    }
    free(severe);
}

// Is what is on its way as good as what would be sent?
bool planning_is_coming(const struct planning *p, int i)
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

void planning_choose(struct planning *p)
{
    choose_all(p);
    hold_idle(p);
}
