// SPDX-License-Identifier: Apache-2.0

#include "base/clock.h"
#include "services/planner/horizon.h"
#include "wire/seal.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { FULL_W = 3680 };

static const int64_t START = 1768406400; // 2026-01-14 16:00 UTC
static const struct horizon_rules rules = {
    .hold_s = 3600, .length_s = 10800, .ramp_w = 2300, .gain_w = 460};

static int32_t level_at(const struct horizon_plan *plan, int64_t after_s)
{
    return horizon_highest(plan, 3, FULL_W, START + after_s, START + after_s + 1);
}

struct highest {
    int from, to; // minutes after the start
    int32_t level_w;
    char why[48];
};

ParameterizedTestParameters(horizon, finds_the_highest_level_of_a_time)
{
    static struct highest cases[] = {
        {0, 15, 2070, "first step"},
        {15, 30, 2070, "goes on"},
        {45, 75, 2760, "two steps: the higher"},
        {60, 75, 2760, "second step"},
        {120, 135, FULL_W, "never above the capacity"},
        {-15, 0, FULL_W, "not valid yet"},
        {-15, 15, FULL_W, "not valid for the whole"},
        {165, 180, FULL_W, "last"},
        {175, 190, FULL_W, "ends within"},
        {200, 215, FULL_W, "over"},
    };
    return cr_make_param_array(struct highest, cases, COUNT(cases));
}

ParameterizedTest(struct highest *c, horizon, finds_the_highest_level_of_a_time)
{
    const struct horizon_plan plan = {
        START, START + 10800, 3, {{START, 6210}, {START + 3600, 8280}, {START + 7200, 30000}}};
    int32_t level_w = horizon_highest(&plan, 3, FULL_W, START + c->from * 60, START + c->to * 60);
    cr_expect_eq(level_w, c->level_w, "%s: %d", c->why, level_w);
    cr_expect_eq(horizon_highest(NULL, 3, FULL_W, START, START + 1), FULL_W, "no plan");
}

struct rounding {
    int32_t level_w, floor_w, capacity_w, rounded_w;
    char why[48];
};

ParameterizedTestParameters(horizon, rounds_to_whole_amperes)
{
    static struct rounding cases[] = {
        {2166, 0, FULL_W, 2070, "down"},
        {2070, 0, FULL_W, 2070, "whole already"},
        {1500, 1450, FULL_W, 1450, "not below the floor"},
        {3565, 0, FULL_W, FULL_W, "half an ampere short is all"},
        {3564, 0, FULL_W, 3450, "more is not"},
        {5000, 0, FULL_W, FULL_W, "not above the capacity"},
        {100, 0, FULL_W, 0, "nothing"},
        {3300, 0, 3333, 3333, "a contract that is no whole ampere"},
    };
    return cr_make_param_array(struct rounding, cases, COUNT(cases));
}

ParameterizedTest(struct rounding *c, horizon, rounds_to_whole_amperes)
{
    int32_t rounded_w = horizon_round(c->level_w, c->floor_w, c->capacity_w);
    cr_expect_eq(rounded_w, c->rounded_w, "%s: %d", c->why, rounded_w);
}

struct worth {
    int32_t told_w, level_w;
    bool worth;
    char why[48];
};

ParameterizedTestParameters(horizon, raises_only_when_it_is_worth_a_message)
{
    static struct worth cases[] = {
        {2070, 2530, true, "2 A"},          {2070, 2300, false, "1 A"},
        {1150, 1380, true, "ends a pause"}, {920, 1150, false, "still a pause"},
        {3300, FULL_W, true, "frees"},      {3450, FULL_W, false, "1 A short of free"},
        {2070, 2070, false, "the same"},    {2300, 2070, false, "lower is no raise"},
    };
    return cr_make_param_array(struct worth, cases, COUNT(cases));
}

ParameterizedTest(struct worth *c, horizon, raises_only_when_it_is_worth_a_message)
{
    cr_expect_eq(horizon_is_worth_raising(&rules, c->told_w, c->level_w, FULL_W), c->worth, "%s",
                 c->why);
}

// With an even rise after the hold.
static struct profile risen(const struct horizon_rules *given, int32_t told_w, int32_t level_w,
                            int32_t capacity_w, int64_t hold_s)
{
    struct profile profile;
    int32_t tail_w[HORIZON_TAIL];
    horizon_rise(level_w, capacity_w, tail_w);
    horizon_profile(given, 3, told_w, level_w, tail_w, capacity_w, START, hold_s, &profile);
    return profile;
}

static struct horizon_plan made(const struct horizon_rules *given, int32_t told_w, int32_t level_w,
                                int32_t capacity_w, int64_t hold_s)
{
    struct profile profile = risen(given, told_w, level_w, capacity_w, hold_s);
    char reason[PROFILE_REASON] = "";
    cr_assert_eq(profile_check(&profile, reason), ERR_NONE, "%s", reason);
    struct horizon_plan plan;
    cr_assert(horizon_of_profile(&profile, &plan));
    return plan;
}

struct hours {
    int32_t level_w, tail_w[HORIZON_TAIL];
    int hold_s, length_s;
    int32_t seen_w[9]; // half past each hour
    int ends;          // minutes after the start
    char why[56];
};

ParameterizedTestParameters(horizon, follows_the_hours_ahead_after_the_hold)
{
    enum { F = FULL_W };
    static struct hours cases[] = {
        {1840,
         {1610, 2070, 3220, F, F, F, F},
         0,
         28800,
         {1840, 1610, 2070, 3220, F, F, F, F, F},
         240,
         "ends where the rest is free"},
        {1840,
         {F, F, 1610, F, F, F, F},
         0,
         28800,
         {1840, F, F, 1610, F, F, F, F, F},
         240,
         "free until a peak ahead"},
        {1840,
         {1610, 1610, 1610, 1610, 1610, 1610, 1610},
         0,
         28800,
         {1840, 1610, 1610, 1610, 1610, 1610, 1610, 1610, F},
         480,
         "eight hours at most"},
        {1840,
         {1610, 1610, 1610, 1610, 1610, 1610, 1610},
         0,
         10800,
         {1840, 1610, 1610, F, F, F, F, F, F},
         180,
         "or as long as it shall be"},
        {1840,
         {230, -500, 1610, F, F, F, F},
         0,
         28800,
         {1840, 1380, 1380, 1610, F, F, F, F, F},
         240,
         "nobody is foreseen to pause"},
        {0,
         {0, 0, F, F, F, F, F},
         0,
         28800,
         {0, 1380, 1380, F, F, F, F, F, F},
         180,
         "and a pause ends with the hold"},
        {1840,
         {1610, 2070, 1610, F, F, F, F},
         9000,
         28800,
         {1840, 1840, 2070, 1610, F, F, F, F, F},
         240,
         "a longer hold covers its hours"},
        {1840,
         {1610, 2070, 1610, F, F, F, F},
         36000,
         28800,
         {1840, 1840, 1840, 1840, 1840, 1840, 1840, 1840, 1840},
         600,
         "or all of them"},
        {1840,
         {F, F, F, F, F, F, F},
         0,
         28800,
         {1840, F, F, F, F, F, F, F, F},
         60,
         "nothing ahead"},
    };
    return cr_make_param_array(struct hours, cases, COUNT(cases));
}

ParameterizedTest(struct hours *c, horizon, follows_the_hours_ahead_after_the_hold)
{
    struct horizon_rules given = rules;
    given.length_s = c->length_s;
    struct profile profile;
    horizon_profile(&given, 3, c->level_w, c->level_w, c->tail_w, FULL_W, START, c->hold_s,
                    &profile);
    char reason[PROFILE_REASON] = "";
    cr_assert_eq(profile_check(&profile, reason), ERR_NONE, "%s", reason);
    struct horizon_plan plan;
    cr_assert(horizon_of_profile(&profile, &plan));
    cr_expect_eq(plan.valid_to - START, c->ends * 60, "%s: %jd min", c->why,
                 (intmax_t)(plan.valid_to - START) / 60);
    for (int hour = 0; hour < 9; hour++) {
        int32_t level_w = level_at(&plan, hour * 3600 + 1800);
        cr_expect_eq(level_w, c->seen_w[hour], "%s: hour %d: %d", c->why, hour, level_w);
    }
}

Test(horizon, rises_evenly_where_nothing_is_foreseen)
{
    struct horizon_plan plan = made(&rules, 1380, 1380, FULL_W, 0);
    cr_expect_eq(plan.valid_from, START);
    cr_expect_eq(plan.valid_to, START + 10800);
    const int32_t hours_w[] = {1380, 2070, 2760, FULL_W};
    for (int hour = 0; hour < 4; hour++)
        cr_expect_eq(level_at(&plan, hour * 3600), hours_w[hour], "hour %d: %d", hour,
                     level_at(&plan, hour * 3600));
}

Test(horizon, ends_a_pause_with_the_hold)
{
    struct horizon_plan plan = made(&rules, 0, 0, FULL_W, 0);
    cr_expect_eq(level_at(&plan, 3599), 0);
    cr_expect_eq(level_at(&plan, 3600), 1380);
}

Test(horizon, rises_along_the_ramp)
{
    struct horizon_plan plan = made(&rules, 0, FULL_W, FULL_W, 0);
    cr_expect_eq(level_at(&plan, 0), 2300);
    cr_expect_eq(level_at(&plan, 900), FULL_W);
    cr_expect_eq(plan.valid_to, START + 1800);
    plan = made(&rules, 1380, FULL_W, FULL_W, 0);
    cr_expect_eq(level_at(&plan, 0), FULL_W);
    cr_expect_eq(plan.valid_to, START + 900);
}

Test(horizon, holds_as_long_as_it_is_told)
{
    struct horizon_plan plan = made(&rules, 1380, 1380, FULL_W, 4 * 3600);
    cr_expect_eq(level_at(&plan, 4 * 3600 - 1), 1380);
    cr_expect_geq(plan.valid_to, START + 4 * 3600);
}

Test(horizon, always_fits_a_message_and_never_jumps)
{
    for (int32_t capacity_w = 1380; capacity_w <= 14490; capacity_w += 437)
        for (int32_t level_w = 0; level_w <= capacity_w; level_w += 230)
            for (int hours = 2; hours <= 8; hours += 3) {
                struct horizon_rules given = rules;
                given.length_s = hours * 3600;
                struct profile profile = risen(&given, level_w / 2, level_w, capacity_w, 0);
                struct profile written;
                char text[LONG_MESSAGE_MAX + 1];
                cr_assert_eq(
                    long_message_write(&profile, LONG_MESSAGE_W, SEAL_ROOM, text, &written),
                    ERR_NONE);
                cr_expect_leq(written.count, LONG_MESSAGE_MAX_PERIODS);
                cr_expect(profile_equal(&profile, &written),
                          "nothing was merged away, even sealed");
                int32_t before_w = level_w / 2;
                for (int64_t at = START; at <= written.valid_to; at += QUARTER_S) {
                    struct profile_limits limits = profile_at(&written, at);
                    int32_t now_w = at < written.valid_to ? limits.max_power_w / 3 : capacity_w;
                    cr_expect_leq(now_w - before_w, given.ramp_w + 230, "%d of %d W, %d h", level_w,
                                  capacity_w, hours);
                    before_w = now_w;
                }
            }
}

Test(horizon, remembers_a_message_as_it_was_sent)
{
    struct profile profile = risen(&rules, 2070, 2070, FULL_W, 0);
    struct profile without = profile;
    without.count = 1;
    without.periods[0].set.present = 1U << PROFILE_LOAD_REDUCT;
    struct horizon_plan plan = {.count = 77};
    cr_expect(!horizon_of_profile(&without, &plan), "no power in it");
    cr_expect_eq(plan.count, 77);
    cr_expect(horizon_of_profile(&profile, &plan));
    cr_expect_eq(plan.steps[0].limit_w, 6210);
}

struct capping {
    int until; // minutes after the start
    int32_t limit_w, level_w;
    char why[56];
};

ParameterizedTestParameters(horizon, is_capped_until_a_time_and_never_before)
{
    static struct capping cases[] = {
        {30, 3000, FULL_W, "the profile was free and short"},
        {30, 3000, 2070, "within the hold"},
        {45, 12000, 2070, "above all: nothing changes but the length"},
        {100, 3000, 1380, "within the release"},
        {30 * 60, 0, 2070, "all of it, and longer"},
        {31 * 24 * 60, 3000, 0, "a month; what is lower stays lower"},
        {61, 4200, FULL_W, "not at a full quarter hour"},
    };
    return cr_make_param_array(struct capping, cases, COUNT(cases));
}

ParameterizedTest(struct capping *c, horizon, is_capped_until_a_time_and_never_before)
{
    struct profile plain = risen(&rules, c->level_w, c->level_w, FULL_W, 0);
    struct profile profile = plain, written;
    int64_t until = START + c->until * INT64_C(60);
    horizon_cap(&rules, 3, c->limit_w, FULL_W, until, &profile);
    char text[LONG_MESSAGE_MAX + 1];
    cr_assert_eq(long_message_write(&profile, LONG_MESSAGE_W, SEAL_ROOM, text, &written), ERR_NONE);
    struct horizon_plan plan = {0};
    cr_assert(horizon_of_profile(&written, &plan));
    cr_expect(horizon_keeps(&plan, c->limit_w, START, until), "%s", c->why);
    cr_expect(!horizon_keeps(&plan, c->limit_w - 1, START, until) || c->level_w < c->limit_w / 3);
    cr_expect(!horizon_keeps(&plan, c->limit_w, START - 900, until), "not before it begins");
    cr_expect(!horizon_keeps(&plan, c->limit_w, START, written.valid_to + 1), "not after its end");
    for (int64_t at = START; at < plain.valid_to; at += 60) {
        int32_t was_w = profile_at(&plain, at).max_power_w;
        int32_t is_w = profile_at(&written, at).max_power_w;
        cr_expect_eq(is_w, at < until && was_w > c->limit_w ? c->limit_w : was_w, "%s: %d", c->why,
                     (int)((at - START) / 60));
    }
}
