// SPDX-License-Identifier: Apache-2.0

#include "gateway/meter_clock.h"

#include <stdio.h>
#include <stdlib.h>

// A clock before 2020 was never set: meters begin in 2000, computers in 1970.
static const int64_t EARLIEST = 1577836800;

void meter_clock_start(struct meter_clock *clock, const struct meter_clock_rules *rules)
{
    *clock = (struct meter_clock){.rules = *rules, .why = "no telegram has told the time yet"};
}

// The time that the rule takes from a reading; or why there is none.
static const char *candidate(struct meter_clock *clock, const struct meter_clock_reading *reading,
                             int64_t *utc_ns)
{
    enum meter_clock_rule rule = clock->rules.rule;
    bool meter_is_set = reading->has_time && reading->time >= EARLIEST;
    bool system_is_set = reading->system.ns >= EARLIEST * SECONDS_NS;
    bool may_use_system =
        rule == METER_CLOCK_SYSTEM || (rule == METER_CLOCK_AUTO && reading->system_is_synchronised);
    if (meter_is_set && system_is_set)
        clock->difference_s = reading->time - reading->system.ns / SECONDS_NS;

    if (rule == METER_CLOCK_SYSTEM || (!meter_is_set && may_use_system)) {
        *utc_ns = reading->system.ns;
        return system_is_set ? NULL : "the system clock is not set";
    }
    if (!meter_is_set)
        return reading->has_time ? "the meter's clock is not set" : "the telegram tells no time";
    if (may_use_system && system_is_set && llabs(clock->difference_s) > clock->rules.bound_s)
        return "the meter's clock and the system's differ";
    *utc_ns = reading->time * SECONDS_NS;
    return NULL;
}

static void take(struct meter_clock *clock, int64_t offset_ns, struct mono mono)
{
    clock->is_set = true;
    clock->offset_ns = offset_ns;
    clock->agreed = mono;
    clock->has_rival = false;
    clock->why[0] = '\0';
}

// A time that continues ours. Telegrams come late, never early, so the earliest is right; a
// clock that runs slower than ours pulls us back a thousandth at a time, and time never turns.
static void follow(struct meter_clock *clock, int64_t offset_ns, struct mono mono)
{
    int64_t slowed = clock->offset_ns - (mono.ns - clock->agreed.ns) / 1000;
    take(clock, offset_ns > slowed ? offset_ns : slowed, mono);
}

static bool continues(const struct meter_clock *clock, int64_t ours_ns, int64_t offset_ns)
{
    return llabs(offset_ns - ours_ns) <= clock->rules.bound_s * SECONDS_NS;
}

// A time that jumped: believed, which is told, once it has gone on for the hold time.
static bool hear_rival(struct meter_clock *clock, int64_t offset_ns, struct mono mono)
{
    if (!clock->has_rival || !continues(clock, clock->rival_offset_ns, offset_ns)) {
        clock->has_rival = true;
        clock->rival_from = mono;
        clock->rival_offset_ns = offset_ns;
    }
    snprintf(clock->why, sizeof clock->why, "the time jumped by %lld s",
             (long long)((clock->rival_offset_ns - clock->offset_ns) / SECONDS_NS));
    if (mono.ns - clock->rival_from.ns < clock->rules.hold_ns)
        return false;
    take(clock, offset_ns, mono);
    return true;
}

bool meter_clock_read(struct meter_clock *clock, const struct meter_clock_reading *reading)
{
    int64_t utc_ns = 0;
    const char *why = candidate(clock, reading, &utc_ns);
    if (!*clock->why)
        clock->doubted_from = reading->mono;
    if (why) {
        snprintf(clock->why, sizeof clock->why, "%s", why);
        clock->has_rival = false;
        return false;
    }
    int64_t offset_ns = utc_ns - reading->mono.ns;
    if (clock->is_set && !continues(clock, clock->offset_ns, offset_ns))
        return hear_rival(clock, offset_ns, reading->mono);
    bool is_first = !clock->is_set;
    if (is_first)
        take(clock, offset_ns, reading->mono);
    else
        follow(clock, offset_ns, reading->mono);
    return is_first;
}

const char *meter_clock_tell(const struct meter_clock *clock, struct mono mono, struct utc *utc)
{
    bool is_lasting = mono.ns - clock->doubted_from.ns >= clock->rules.hold_ns;
    if (!clock->is_set || (is_lasting && *clock->why))
        return clock->why;
    utc->ns = clock->offset_ns + mono.ns;
    return NULL;
}
