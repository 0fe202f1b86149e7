// SPDX-License-Identifier: Apache-2.0

#include "gateway/amperes.h"

#include <assert.h>
#include <stdio.h>

static const int64_t MICRO = 1000000, MILLI = 1000;

static int64_t divide_up(int64_t dividend, int64_t divisor)
{
    return (dividend + divisor - 1) / divisor;
}

// Watts in millionths of the scale's unit, rounded down.
static int64_t micro_of(const struct amperes_scale *scale,
                        const struct amperes_connection *connection, int64_t watts)
{
    if (scale->unit == AMPERES_A)
        return watts * MICRO * MILLI / (connection->phases * connection->voltage_mv);
    if (scale->unit == AMPERES_PERCENT)
        return watts * 100 * MICRO / connection->rated_w;
    return watts * MICRO;
}

int32_t amperes_to_watts(const struct amperes_scale *scale,
                         const struct amperes_connection *connection, int64_t raw)
{
    int64_t micro = raw * scale->step_micro;
    if (scale->unit == AMPERES_A)
        return (int32_t)divide_up(micro * connection->phases * connection->voltage_mv,
                                  MICRO * MILLI);
    if (scale->unit == AMPERES_PERCENT)
        return (int32_t)divide_up(micro * connection->rated_w, 100 * MICRO);
    return (int32_t)divide_up(micro, MICRO);
}

struct amperes_value amperes_from_watts(const struct amperes_scale *scale,
                                        const struct amperes_connection *connection,
                                        bool hold_least, int32_t limit_w)
{
    assert(limit_w >= 0 && scale->step_micro > 0 && scale->most >= scale->least);
    struct amperes_value value = {0};
    value.raw = micro_of(scale, connection, limit_w) / scale->step_micro;
    if (value.raw > scale->most)
        value.raw = scale->most;
    value.paused = value.raw < scale->least && !hold_least;
    if (value.paused)
        value.raw = scale->pause;
    else if (value.raw < scale->least)
        value.raw = scale->least;
    value.watts = value.paused ? 0 : amperes_to_watts(scale, connection, value.raw);
    return value;
}

void amperes_describe(const struct amperes_scale *scale, int64_t raw, char *text, size_t room)
{
    static const char *const units[] = {"A", "W", "%"};
    const char *unit = units[scale->unit];
    int64_t whole = scale->step_micro / MICRO, part = scale->step_micro % MICRO;
    if (whole == 1 && part == 0) {
        snprintf(text, room, "%lld %s", (long long)raw, unit);
        return;
    }
    char decimals[8] = "";
    if (part) {
        int len = snprintf(decimals, sizeof decimals, ".%06lld", (long long)part);
        while (decimals[len - 1] == '0')
            decimals[--len] = '\0';
    }
    snprintf(text, room, "%lld x %lld%s %s", (long long)raw, (long long)whole, decimals, unit);
}
