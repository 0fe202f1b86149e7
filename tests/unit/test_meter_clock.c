// SPDX-License-Identifier: Apache-2.0

#include "gateway/meter_clock.h"

#include <criterion/criterion.h>

static const int64_t START = 1768406400; // 2026-01-14 16:00:00 UTC
enum { BOUND_S = 60, HOLD_S = 120 };

static struct meter_clock clock_by(enum meter_clock_rule rule)
{
    struct meter_clock clock;
    const struct meter_clock_rules rules = {rule, BOUND_S, HOLD_S * SECONDS_NS};
    meter_clock_start(&clock, &rules);
    return clock;
}

// A telegram mono_s after the start that shows meter; 0: no time. The system shows system.
static void hear(struct meter_clock *clock, int64_t mono_s, int64_t meter, int64_t system,
                 bool synchronised)
{
    const struct meter_clock_reading reading = {.mono = {mono_s * SECONDS_NS},
                                                .system = {system * SECONDS_NS},
                                                .system_is_synchronised = synchronised,
                                                .has_time = meter != 0,
                                                .time = meter};
    meter_clock_read(clock, &reading);
}

// What it tells mono_s after the start, as seconds after START; -1: not certain.
static int64_t told(const struct meter_clock *clock, int64_t mono_s)
{
    struct utc utc = {-1};
    const char *why = meter_clock_tell(clock, (struct mono){mono_s * SECONDS_NS}, &utc);
    cr_expect(!why || *why, "always a reason");
    return why ? -1 : utc.ns / SECONDS_NS - START;
}

Test(meter_clock, follows_the_rule)
{
    static const struct {
        enum meter_clock_rule rule;
        bool synchronised;
        int64_t meter, system;
        int64_t told;
        const char *why;
    } cases[] = {
        {METER_CLOCK_METER, true, START, START + 9999, 0, "meter: its time, whatever the system"},
        {METER_CLOCK_METER, true, 946684860, START, -1, "meter: in the year 2000 it was never set"},
        {METER_CLOCK_METER, true, 0, START, -1, "meter: no time in the telegram"},
        {METER_CLOCK_SYSTEM, false, START - 9999, START, 0, "system: its time, whatever the meter"},
        {METER_CLOCK_SYSTEM, false, START, 60, -1, "system: 1970 was never set"},
        {METER_CLOCK_AUTO, true, START + 60, START, 60, "auto: the meter's, within the bound"},
        {METER_CLOCK_AUTO, true, START + 61, START, -1, "auto: they differ"},
        {METER_CLOCK_AUTO, true, START - 61, START, -1, "auto: they differ the other way"},
        {METER_CLOCK_AUTO, false, START, START + 9999, 0, "auto: a system that no one sets"},
        {METER_CLOCK_AUTO, true, START, 60, 0, "auto: nor one that says 1970"},
        {METER_CLOCK_AUTO, true, 0, START, 0, "auto: the system's where the meter has none"},
        {METER_CLOCK_AUTO, false, 0, START, -1, "auto: but not when no one sets it"},
        {METER_CLOCK_AUTO, true, 946684860, START, 0, "auto: nor a meter that was never set"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct meter_clock clock = clock_by(cases[i].rule);
        cr_expect_eq(told(&clock, 0), -1, "not before the first telegram");
        hear(&clock, 0, cases[i].meter, cases[i].system, cases[i].synchronised);
        cr_expect_eq(told(&clock, 0), cases[i].told, "%s", cases[i].why);
    }
}

Test(meter_clock, is_carried_on_between_telegrams_and_through_silence)
{
    struct meter_clock clock = clock_by(METER_CLOCK_METER);
    hear(&clock, 0, START, 0, false);
    cr_expect_eq(told(&clock, 7), 7);
    cr_expect_eq(told(&clock, 86400), 86400, "silence is no doubt about the time");
}

Test(meter_clock, never_turns_back_for_a_late_telegram)
{
    struct meter_clock clock = clock_by(METER_CLOCK_METER);
    hear(&clock, 0, START, 0, false);
    hear(&clock, 40, START + 10, 0, false); // sent 30 s ago
    int64_t before = told(&clock, 40);
    cr_expect(before == 39 || before == 40, "%lld", (long long)before);
    hear(&clock, 50, START + 50, 0, false);
    cr_expect_eq(told(&clock, 50), 50, "a telegram in time sets it right");
    for (int s = 51; s < 40000; s++)
        hear(&clock, s, START + s - 5, 0, false);
    cr_expect_eq(told(&clock, 39999), 39994, "a meter that was set back is followed in the end");
}

Test(meter_clock, believes_a_jump_once_it_lasts)
{
    struct meter_clock clock = clock_by(METER_CLOCK_METER);
    hear(&clock, 0, START, 0, false);
    for (int s = 10; s < 10 + HOLD_S; s += 10) {
        hear(&clock, s, START + 3600 + s, 0, false);
        cr_expect_eq(told(&clock, s), s, "the old time goes on at %d s", s);
        cr_expect(strstr(clock.why, "jumped by 3600 s"), "and it is told: %s", clock.why);
    }
    hear(&clock, 10 + HOLD_S, START + 3610 + HOLD_S, 0, false);
    cr_expect_eq(told(&clock, 10 + HOLD_S), 3610 + HOLD_S);
    cr_expect_str_empty(clock.why);
}

Test(meter_clock, forgets_a_jump_that_did_not_last)
{
    struct meter_clock clock = clock_by(METER_CLOCK_METER);
    hear(&clock, 0, START, 0, false);
    hear(&clock, 10, START + 3610, 0, false);
    hear(&clock, 20, START + 20, 0, false);
    cr_expect_eq(told(&clock, 20), 20);
    cr_expect_str_empty(clock.why);
}

Test(meter_clock, is_uncertain_once_nothing_agrees_for_the_hold_time)
{
    struct meter_clock clock = clock_by(METER_CLOCK_METER);
    hear(&clock, 0, START, 0, false);
    for (int s = 1; s <= HOLD_S; s++) {
        hear(&clock, s, START + 1000 * s, 0, false); // at another time each second
        cr_expect_eq(told(&clock, s), s);
    }
    hear(&clock, HOLD_S + 1, START + 1000 * (HOLD_S + 1), 0, false);
    cr_expect_eq(told(&clock, HOLD_S + 1), -1);
    hear(&clock, HOLD_S + 2, START + HOLD_S + 2, 0, false);
    cr_expect_eq(told(&clock, HOLD_S + 2), HOLD_S + 2, "until one agrees again");

    hear(&clock, HOLD_S + 3, 0, 0, false);
    cr_expect_eq(told(&clock, 2 * HOLD_S), 2 * HOLD_S);
    cr_expect_eq(told(&clock, 3 * HOLD_S), -1, "a telegram without time is doubt, too");
}
