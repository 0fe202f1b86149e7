// SPDX-License-Identifier: Apache-2.0

#include "base/rfc3339.h"
#include "services/planner/planning.h"

#include <stdio.h>

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
        seat->place >= 0 ? planning_line(p, seat->place, seat->phase) : &nowhere;
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

void planning_explain(const struct planning *p, int i, bool comes, struct round_share *share)
{
    name_bound(p, i, share);
    explain(p, i, comes, share);
}
