// SPDX-License-Identifier: Apache-2.0
// Figures: closed-loop trials on 41 British and 2 Dutch low-voltage transformers.

#include "services/planner/demand.h"

#include <math.h>

enum {
    DRAWS_W = 80,      // a phase with more is in use
    ALLOWANCE_W = 200, // above what was drawn
    STAND_IN = 2,      // quarters that a report may be older than what its feeder tells
    QUARTERS_A_DAY = 96,
    PAUSE = 4,    // quarters of a pause, and of charging before the next
    OLD_HAND = 8, // quarters after which a car that came by day counts most
    DAY_FROM = 4 * 4,
    DAY_TO = 17 * 4, // slots in which such a car comes
};
static const double GROWTH = 1.15;                      // of what was drawn
static const double CLOSE = 0.9;                        // of the limit: the limit is what holds it
static const double BY_DAY = 2.5;                       // weight of a car that has just come by day
static const double ARRIVALS = 0.88, THREATENING = 2.5; // of the sessions; more than usual
static const double USES_PHASE = 0.6;  // how many of its phases an average car uses
static const double AT_ONCE = 0.8;     // of arrivals that start to charge at once
static const double MID_QUARTER = 0.5; // an arrival falls on average in the middle

int demand_report(const struct facts_connection *connection, int late)
{
    for (int at = 0; at <= late + STAND_IN && at < FACTS_QUARTERS; at++)
        for (int own = 0; own < connection->phase_count; own++)
            if (connection->loads[at].drawn_w[own] != FACTS_UNKNOWN)
                return at;
    return -1;
}

static int32_t most_drawn(const struct facts_connection *connection, int at, unsigned *phases)
{
    int32_t most_w = 0;
    for (int own = 0; own < connection->phase_count; own++) {
        int32_t drawn_w = connection->loads[at].drawn_w[own];
        if (drawn_w > DRAWS_W)
            *phases |= 1U << own;
        if (drawn_w > most_w)
            most_w = drawn_w;
    }
    return most_w;
}

static int32_t wanted(const struct facts_connection *connection, int at, int32_t most_w,
                      int32_t capacity_w, int32_t limit_w)
{
    unsigned before = 0;
    if (at + 1 < FACTS_QUARTERS)
        most_drawn(connection, at + 1, &before);
    bool came = !before;
    int32_t held_w = limit_w < capacity_w ? limit_w : capacity_w;
    if (came || most_w >= CLOSE * held_w)
        return capacity_w;
    int32_t wanted_w = (int32_t)lround(GROWTH * most_w) + ALLOWANCE_W;
    if (wanted_w < HORIZON_LEAST_W)
        wanted_w = HORIZON_LEAST_W;
    return wanted_w < capacity_w ? wanted_w : capacity_w;
}

static bool draws(const struct facts_load *load, int phase_count)
{
    for (int own = 0; own < phase_count; own++)
        if (load->drawn_w[own] > DRAWS_W)
            return true;
    return false;
}

bool demand_is_pause(const struct facts_load *load, int phase_count)
{
    return load->limit_w != FACTS_UNKNOWN && load->limit_w < HORIZON_LEAST_W * phase_count
           && !draws(load, phase_count);
}

// The quarters in which it drew, or had to pause, from `at` backwards without a break.
static void look_back(const struct facts_connection *connection, int at, struct demand *demand)
{
    for (; at < FACTS_QUARTERS; at++) {
        const struct facts_load *load = &connection->loads[at];
        bool paused = demand_is_pause(load, connection->phase_count);
        if (!paused && !draws(load, connection->phase_count))
            return;
        if (paused && demand->paused == demand->charging)
            demand->paused++;
        else if (paused && !demand->paused && !demand->back)
            demand->back = demand->charging;
        demand->charging++;
    }
    if (demand->paused == demand->charging)
        demand->paused = demand->charging += connection->paused_before;
}

double demand_usual(double arrivals, int slot)
{
    static const double by_hour[] = {
        .037, .028, .021, .016, .012, .010, .008, .013, .027, .043, .042, .042,
        .044, .043, .040, .044, .047, .053, .064, .066, .060, .053, .050, .046,
    };
    return by_hour[slot * 24 / QUARTERS_A_DAY] * arrivals / ARRIVALS;
}

double demand_expected(double arrivals, int slot)
{
    return fmin(THREATENING * demand_usual(arrivals, slot), 1);
}

uint64_t demand_turn(const struct demand *demand, uint32_t by_lot)
{
    enum { STAYS_PAUSED, MAY_PAUSE, WAITED, JUST_BACK } order = MAY_PAUSE;
    if (demand->paused)
        order = demand->paused < PAUSE ? STAYS_PAUSED : WAITED;
    else if (demand->back && demand->back < PAUSE)
        order = JUST_BACK;
    uint64_t waited = order == WAITED ? (uint64_t)demand->paused : 0;
    return (uint64_t)order << 40 | waited << 32 | by_lot;
}

double demand_weight(int charging, int slot)
{
    int came = (slot - charging + QUARTERS_A_DAY) % QUARTERS_A_DAY;
    if (came < DAY_FROM || came >= DAY_TO)
        return 1;
    return BY_DAY * (1 + fmin(charging, OLD_HAND) / OLD_HAND);
}

struct demand demand_of(const struct facts_connection *connection, int late, int32_t capacity_w,
                        int32_t limit_w)
{
    unsigned all = (1U << connection->phase_count) - 1;
    int at = demand_report(connection, late);
    if (at < 0)
        return (struct demand){.kind = DEMAND_UNHEARD, .phases = all, .level_w = capacity_w};
    unsigned phases = 0;
    int32_t most_w = most_drawn(connection, at, &phases);
    struct demand demand = {.kind = DEMAND_IDLE};
    if (phases)
        demand = (struct demand){.kind = DEMAND_SEEN,
                                 .phases = phases,
                                 .level_w = wanted(connection, at, most_w, capacity_w, limit_w)};
    else if (limit_w < HORIZON_LEAST_W && limit_w < capacity_w)
        demand = (struct demand){.kind = DEMAND_PAUSED, .phases = all, .level_w = capacity_w};
    if (demand.kind != DEMAND_IDLE)
        look_back(connection, at, &demand);
    return demand;
}

int32_t demand_reserve(double arrivals, int32_t start_w)
{
    return (int32_t)lround(arrivals / QUARTERS_A_DAY * AT_ONCE * USES_PHASE * MID_QUARTER
                           * start_w);
}
