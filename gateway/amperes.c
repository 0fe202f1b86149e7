// SPDX-License-Identifier: Apache-2.0

#include "gateway/amperes.h"

#include <assert.h>
#include <stdio.h>

enum { MOST_A = 1000 };
static const int64_t MICRO = 1000000, MILLI = 1000;
static const int64_t LOWEST_MV = 207000; // 230 V less ten per cent: EN 50160

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

enum err amperes_bounds_read(const char *text, struct amperes_bounds *bounds)
{
    double amperes[AMPERES_PHASES];
    char more;
    if (!*text) {
        *bounds = (struct amperes_bounds){{AMPERES_UNBOUND, AMPERES_UNBOUND, AMPERES_UNBOUND}};
        return ERR_NONE;
    }
    if (sscanf(text, "%lf %lf %lf %c", &amperes[0], &amperes[1], &amperes[2], &more)
        != AMPERES_PHASES)
        return ERR_SYNTAX;
    for (int i = 0; i < AMPERES_PHASES; i++)
        if (!(amperes[i] > 0 && amperes[i] <= MOST_A))
            return ERR_SYNTAX;
    for (int i = 0; i < AMPERES_PHASES; i++)
        bounds->ma[i] = (int64_t)(amperes[i] * 1000);
    return ERR_NONE;
}

struct amperes_bounds amperes_rotate(const struct amperes_bounds *bounds,
                                     const char rotation[static AMPERES_PHASES])
{
    struct amperes_bounds own;
    for (int i = 0; i < AMPERES_PHASES; i++)
        own.ma[i] = bounds->ma[rotation[i] - '1'];
    return own;
}

static int64_t least_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t least_bound(const struct amperes_bounds *bounds, int phases)
{
    int64_t ma = AMPERES_UNBOUND;
    for (int i = 0; i < phases; i++)
        ma = least_of(ma, bounds->ma[i]);
    return ma;
}

// The highest number of a scale in amperes within a bound.
static int64_t raw_within(const struct amperes_scale *scale, int64_t ma)
{
    return ma == AMPERES_UNBOUND ? INT64_MAX : ma * MILLI / scale->step_micro;
}

// The number for a phase, of a scale; pauses where it is too little to charge with.
static int64_t fit(const struct amperes_scale *scale, bool hold_least, int64_t raw, bool *paused)
{
    raw = least_of(raw, scale->most);
    *paused = raw < scale->least && !hold_least;
    if (*paused)
        return scale->pause;
    return raw < scale->least ? scale->least : raw;
}

struct amperes_value amperes_from_bounded(const struct amperes_scale *scale,
                                          const struct amperes_connection *connection,
                                          bool hold_least, bool per_phase,
                                          const struct amperes_bounds *bounds, int32_t limit_w)
{
    assert(limit_w >= 0 && scale->step_micro > 0 && scale->most >= scale->least);
    struct amperes_value value = {.paused = true};
    int64_t own_ma = least_bound(bounds, connection->phases), own_w = limit_w;
    if (scale->unit != AMPERES_A && own_ma != AMPERES_UNBOUND)
        own_w = least_of(own_w, own_ma * LOWEST_MV * connection->phases / MICRO);
    int64_t raw = micro_of(scale, connection, own_w) / scale->step_micro;
    const struct amperes_connection one = {1, connection->voltage_mv, connection->rated_w};
    int64_t sum_w = 0;
    bool any_paused = false;
    for (int i = 0; i < AMPERES_PHASES; i++) {
        int64_t ma = per_phase ? bounds->ma[i] : own_ma;
        int64_t bound = scale->unit == AMPERES_A ? raw_within(scale, ma) : INT64_MAX;
        bool paused;
        value.phase[i] = fit(scale, hold_least, least_of(raw, bound), &paused);
        if (i >= connection->phases)
            continue;
        if (!paused)
            sum_w += amperes_to_watts(scale, &one, value.phase[i]);
        if (value.paused || (!paused && value.phase[i] > value.raw))
            value.raw = value.phase[i];
        value.paused &= paused;
        any_paused |= paused;
    }
    // Where a switch pauses, it does so for all phases.
    value.paused |= any_paused && scale->least > 0 && scale->pause == scale->least;
    bool is_even =
        !per_phase || (value.phase[0] == value.phase[1] && value.phase[1] == value.phase[2]);
    if (!value.paused)
        value.watts = is_even ? amperes_to_watts(scale, connection, value.raw) : (int32_t)sum_w;
    return value;
}

struct amperes_value amperes_from_watts(const struct amperes_scale *scale,
                                        const struct amperes_connection *connection,
                                        bool hold_least, int32_t limit_w)
{
    static const struct amperes_bounds none = {{AMPERES_UNBOUND, AMPERES_UNBOUND, AMPERES_UNBOUND}};
    return amperes_from_bounded(scale, connection, hold_least, false, &none, limit_w);
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
