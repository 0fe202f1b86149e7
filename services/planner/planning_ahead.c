// SPDX-License-Identifier: Apache-2.0

#include "base/memory.h"
#include "services/planner/planning.h"
#include "services/planner/tail.h"

#include <stdlib.h>

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
    for (int place = 0; place < planning_places(p); place++)
        for (int phase = 0; phase < PHASES; phase++) {
            const struct round_line *line = planning_line(p, place, phase);
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
            int place = planning_place(p, i, which);
            if (planning_is_on(&p->seats[i], phase) && planning_line(p, place, phase)->limited
                && !outlook_of(p, place, phase)->known)
                return false;
        }
    return true;
}

void planning_look_ahead(const struct planning *p)
{
    for (int i = 0; i < p->facts->connection_count; i++)
        horizon_rise(p->seats[i].wanted_w, p->seats[i].capacity_w, p->seats[i].tail_w);
    if (!p->round->congested)
        return;
    struct sharing_place *places = memory_new((size_t)planning_places(p), sizeof *places);
    int32_t *level_w = memory_new((size_t)p->user_count + 1, sizeof *level_w);
    int *drawing = memory_new((size_t)planning_places(p) * PHASES, sizeof *drawing);
    for (int u = 0; u < p->user_count; u++)
        for (int which = 0; which < 2; which++)
            for (int phase = 0; phase < PHASES; phase++)
                if (planning_is_on(&p->seats[p->user_seat[u]], phase))
                    drawing[planning_place(p, p->user_seat[u], which) * PHASES + phase]++;
    for (int hour = 1; hour <= HORIZON_TAIL; hour++) {
        find_room(p, hour, drawing, places);
        tail_share(places, p->facts->feeder_count, p->users, p->user_count, level_w);
        for (int u = 0; u < p->user_count; u++) {
            struct seat *seat = &p->seats[p->user_seat[u]];
            if (can_look(p, p->user_seat[u]))
                seat->tail_w[hour - 1] = horizon_round(planning_least(level_w[u], seat->capacity_w),
                                                       seat->floor_w, seat->capacity_w);
        }
    }
    free(places);
    free(level_w);
    free(drawing);
}
