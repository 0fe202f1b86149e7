// SPDX-License-Identifier: Apache-2.0

#include "services/planner/forecast.h"
#include "base/clock.h"
#include "services/planner/demand.h"

enum { STAND_IN = 2 }; // quarters that a load may be older than the one it stands in for

int forecast_newest(const struct facts_feeder *feeder, int phase)
{
    for (int at = 0; at < FACTS_FRESH; at++)
        if (feeder->measured_w[at][phase] != FACTS_UNKNOWN)
            return at;
    return -1;
}

int forecast_late(const struct facts_feeder *feeder)
{
    int late = -1;
    for (int phase = 0; phase < PHASES; phase++) {
        int at = forecast_newest(feeder, phase);
        if (at >= 0 && (late < 0 || at < late))
            late = at;
    }
    return late < 0 ? 0 : late;
}

static int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

int32_t forecast_capacity(const struct facts_connection *connection)
{
    int32_t sayable_w = profile_ranges[PROFILE_MAX_POWER].max;
    return least(least(connection->contract_w, sayable_w) / connection->phase_count,
                 connection->charger_w);
}

int32_t forecast_held(const struct facts_connection *connection, int64_t quarter, int at)
{
    int64_t start = quarter - (int64_t)QUARTER_S * (at + 1);
    return horizon_highest(connection->told, connection->phase_count, forecast_capacity(connection),
                           start, start + QUARTER_S);
}

int32_t forecast_heard(const struct facts_connection *connection, int own, int at)
{
    for (int i = at; i <= at + STAND_IN && i < FACTS_QUARTERS; i++)
        if (connection->loads[i].drawn_w[own] != FACTS_UNKNOWN)
            return connection->loads[i].drawn_w[own];
    return FACTS_UNKNOWN;
}

bool forecast_is_deaf(const struct facts *facts, int feeder)
{
    int all = 0, unheard = 0, late = forecast_late(&facts->feeders[feeder]);
    for (int i = 0; i < facts->connection_count; i++) {
        const struct facts_connection *connection = &facts->connections[i];
        if (connection->feeder != feeder)
            continue;
        all++;
        unheard += demand_report(connection, late) < 0;
    }
    return 2 * unheard > all;
}

bool forecast_is_guessed(const struct facts *facts, int feeder)
{
    return !facts->hand.number && !facts->feeders[feeder].hand.number
           && forecast_is_deaf(facts, feeder);
}

int32_t forecast_drawn(const struct facts_connection *connection, int own, int at, int32_t limit_w)
{
    int32_t heard_w = forecast_heard(connection, own, at);
    return heard_w == FACTS_UNKNOWN ? limit_w : heard_w;
}

static int32_t clamp(int64_t w)
{
    return (int32_t)(w > INT32_MAX ? INT32_MAX : w < -INT32_MAX ? -INT32_MAX : w);
}

struct forecast forecast_carry(const struct facts_feeder *feeder, int phase, int at,
                               int64_t controlled_w)
{
    if (at < 0)
        return (struct forecast){.known = false};
    int64_t measured_w = feeder->measured_w[at][phase];
    int64_t base_w = measured_w - controlled_w;
    return (struct forecast){
        .known = true,
        .age = at + 1,
        .measured_w = clamp(measured_w),
        .controlled_w = clamp(controlled_w),
        .base_w = clamp(base_w > 0 ? base_w : 0),
    };
}

struct forecast forecast_certain(const struct facts_feeder *feeder, int phase)
{
    return (struct forecast){
        .known = true, .certain = true, .age = 1, .base_w = feeder->certain_w[phase]};
}

struct forecast forecast_sum(const struct forecast *feeders, int count, int stride)
{
    int64_t measured_w = 0, controlled_w = 0, base_w = 0;
    int age = 1;
    bool certain = count > 0;
    for (int i = 0; i < count; i++) {
        const struct forecast *feeder = &feeders[i * stride];
        if (!feeder->known)
            return (struct forecast){.known = false};
        measured_w += feeder->measured_w;
        controlled_w += feeder->controlled_w;
        base_w += feeder->base_w;
        certain = certain && feeder->certain;
        if (feeder->age > age)
            age = feeder->age;
    }
    return (struct forecast){.known = true,
                             .age = age,
                             .measured_w = clamp(measured_w),
                             .controlled_w = clamp(controlled_w),
                             .base_w = clamp(base_w),
                             .certain = certain};
}
