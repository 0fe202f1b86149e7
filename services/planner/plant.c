// SPDX-License-Identifier: Apache-2.0

#include "services/planner/plant.h"
#include "base/clock.h"

#include <math.h>

static const double HOUR = 3600, NEARLY_WH = 1e-6;

struct plant_socket plant_socket(const struct replay_case *given, int charger)
{
    const struct case_charger *made = &given->chargers[charger];
    return (struct plant_socket){
        .charger = made,
        .sessions = made->count ? given->sessions + made->first : given->sessions,
    };
}

// The step of the plan that holds at `at`; -1: none.
static int step_at(const struct horizon_plan *plan, int64_t at)
{
    if (at < plan->valid_from || at >= plan->valid_to)
        return -1;
    int step = plan->count - 1;
    while (step >= 0 && plan->steps[step].start > at)
        step--;
    return step;
}

int32_t plant_limit(const struct plant_socket *socket, int64_t at)
{
    int step = socket->holds ? step_at(&socket->plan, at) : -1;
    return step < 0 ? FACTS_UNKNOWN : socket->plan.steps[step].limit_w;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

// When what the plan allows may change next after `at`.
static int64_t plan_changes(const struct plant_socket *socket, int64_t at)
{
    int64_t next = INT64_MAX;
    const struct horizon_plan *plan = &socket->plan;
    if (!socket->holds)
        return next;
    for (int i = plan->count - 1; i >= 0 && plan->steps[i].start > at; i--)
        next = plan->steps[i].start;
    if (plan->valid_from > at)
        next = sooner(next, plan->valid_from);
    if (plan->valid_to > at)
        next = sooner(next, plan->valid_to);
    return next;
}

static double current_a(const struct plant_socket *socket, const struct case_session *session,
                        int64_t at)
{
    const struct case_charger *charger = socket->charger;
    double a = fmin(session->max_a, charger->max_a);
    int32_t limit_w = plant_limit(socket, at);
    if (limit_w != FACTS_UNKNOWN)
        a = fmin(a, (double)limit_w / HORIZON_AMPERE_W / charger->phase_count);
    return a * HORIZON_AMPERE_W < HORIZON_LEAST_W ? 0 : a;
}

// What a car draws until the next message arrives does not end its wait; a quarter hour does.
static void count_wait(struct plant_socket *socket, bool draws, int64_t lasting_s)
{
    socket->charging_s = draws ? socket->charging_s + lasting_s : 0;
    if (socket->charging_s >= QUARTER_S)
        socket->waiting_s = 0;
    else if (!draws)
        socket->waiting_s += lasting_s;
}

// Draw a while under one limit; returns when it ended: at `to`, or when full.
static int64_t draw(struct plant_socket *socket, const struct case_session *session, int64_t from,
                    int64_t to, double energy_wh[PHASES], struct plant_result *result)
{
    const struct case_charger *charger = socket->charger;
    int phases = __builtin_popcount(session->grid_phases);
    double left_wh = session->energy_wh - socket->taken_wh;
    double phase_w = current_a(socket, session, from) * HORIZON_AMPERE_W;
    count_wait(socket, phase_w > 0, to - from);
    if (socket->waiting_s > result->waited_s)
        result->waited_s = socket->waiting_s;
    double wanted_wh = phase_w * phases * (double)(to - from) / HOUR;
    double drawn_wh = fmin(wanted_wh, left_wh);
    int64_t end = to;
    if (wanted_wh >= left_wh && wanted_wh > 0)
        end = from + (int64_t)ceil(left_wh / (phase_w * phases) * HOUR);
    socket->taken_wh += drawn_wh;
    for (int own = 0; own < charger->phase_count; own++)
        if (session->grid_phases >> charger->grid_phase[own] & 1)
            energy_wh[own] += drawn_wh / phases;
    result->delivered_wh += drawn_wh;
    if (!result->full_at && session->energy_wh - socket->taken_wh <= NEARLY_WH)
        result->full_at = end;
    return end < to ? end : to;
}

void plant_live(struct plant_socket *socket, int64_t from, int64_t to, double energy_wh[PHASES],
                struct plant_result *results)
{
    while (from < to && socket->next < socket->charger->count) {
        const struct case_session *session = &socket->sessions[socket->next];
        if (session->departure <= from) {
            socket->next++;
            socket->taken_wh = 0;
            socket->waiting_s = socket->charging_s = 0;
            continue;
        }
        if (session->arrival > from) {
            from = sooner(session->arrival, to);
            continue;
        }
        int64_t until = sooner(sooner(session->departure, to), plan_changes(socket, from));
        if (session->energy_wh - socket->taken_wh <= NEARLY_WH)
            from = sooner(session->departure, to);
        else
            from = draw(socket, session, from, until, energy_wh,
                        &results[socket->charger->first + socket->next]);
    }
}

void plant_fill_gaps(const struct replay_case *given, int32_t *out)
{
    int stride = given->feeder_count * PHASES;
    for (int column = 0; column < stride; column++) {
        int before = -1;
        for (int q = 0; q <= given->quarters; q++) {
            bool end = q == given->quarters;
            int32_t w = end ? 0 : given->load_w[(int64_t)q * stride + column];
            if (!end && w == FACTS_UNKNOWN)
                continue;
            for (int gap = before + 1; gap < q; gap++) {
                double share = before < 0 ? 1 : end ? 0 : (double)(gap - before) / (q - before);
                double low = before < 0 ? 0 : out[(int64_t)before * stride + column];
                out[(int64_t)gap * stride + column] = (int32_t)lround(low + (w - low) * share);
            }
            if (!end)
                out[(int64_t)q * stride + column] = w;
            before = q;
        }
    }
}

double plant_lot(uint64_t seed, uint64_t what, uint64_t when, uint64_t who)
{
    uint64_t mixed = seed;
    const uint64_t words[] = {what, when, who};
    for (int i = 0; i < 3; i++) {
        // The finaliser of splitmix64.
        mixed += 0x9E3779B97F4A7C15U + words[i];
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9U;
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBU;
        mixed ^= mixed >> 31;
    }
    return (double)(mixed >> 11) / (double)(UINT64_C(1) << 53);
}
