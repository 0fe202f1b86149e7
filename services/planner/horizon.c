// SPDX-License-Identifier: Apache-2.0

#include "services/planner/horizon.h"
#include "base/clock.h"

#include <assert.h>
#include <stddef.h>

// At most so many steps: with the hours between them a profile stays below the 23 periods that a
// message may have.
enum { RELEASE_STEPS = 6, RAMP_STEPS = 6, RISE_HOURS = 3, HOUR_S = 3600 };

static int32_t least(int64_t a, int64_t b)
{
    return (int32_t)(a < b ? a : b);
}

bool horizon_of_profile(const struct profile *profile, struct horizon_plan *plan)
{
    if (profile->count > HORIZON_STEPS)
        return false;
    struct horizon_plan made = {.valid_from = profile->valid_from, .valid_to = profile->valid_to};
    for (int i = 0; i < profile->count; i++) {
        struct profile_limits limits = profile_limits_of(profile, i);
        if (profile_has(&limits, PROFILE_MAX_POWER))
            made.steps[made.count++] =
                (struct horizon_step){profile->periods[i].start, limits.max_power_w};
    }
    if (!made.count)
        return false;
    *plan = made;
    return true;
}

int32_t horizon_highest(const struct horizon_plan *plan, int phase_count, int32_t capacity_w,
                        int64_t from, int64_t to)
{
    if (!plan || from < plan->valid_from || from < plan->steps[0].start || to > plan->valid_to)
        return capacity_w;
    int32_t highest_w = 0;
    for (int i = 0; i < plan->count; i++) {
        int64_t end = i + 1 < plan->count ? plan->steps[i + 1].start : plan->valid_to;
        if (plan->steps[i].start < to && end > from && plan->steps[i].limit_w > highest_w)
            highest_w = plan->steps[i].limit_w;
    }
    return least(highest_w / phase_count, capacity_w);
}

bool horizon_keeps(const struct horizon_plan *plan, int32_t limit_w, int64_t from, int64_t to)
{
    if (!plan || from < plan->valid_from || from < plan->steps[0].start || to > plan->valid_to)
        return false;
    for (int i = 0; i < plan->count; i++) {
        int64_t end = i + 1 < plan->count ? plan->steps[i + 1].start : plan->valid_to;
        if (plan->steps[i].start < to && end > from && plan->steps[i].limit_w > limit_w)
            return false;
    }
    return true;
}

int32_t horizon_round(int32_t level_w, int32_t floor_w, int32_t capacity_w)
{
    if (level_w + HORIZON_AMPERE_W / 2 >= capacity_w)
        return capacity_w;
    int32_t rounded_w = level_w - level_w % HORIZON_AMPERE_W;
    return rounded_w > floor_w ? rounded_w : floor_w;
}

bool horizon_is_worth_raising(const struct horizon_rules *rules, int32_t told_w, int32_t level_w,
                              int32_t capacity_w)
{
    if (level_w <= told_w)
        return false;
    bool ends_pause = told_w < HORIZON_LEAST_W && level_w >= HORIZON_LEAST_W;
    bool frees = level_w == capacity_w && capacity_w - told_w > HORIZON_AMPERE_W;
    return ends_pause || frees || level_w - told_w >= rules->gain_w;
}

static void add(struct profile *profile, int64_t start, int64_t limit_w)
{
    assert(profile->count < PROFILE_CAPACITY);
    struct profile_period *period = &profile->periods[profile->count++];
    *period = (struct profile_period){.start = start};
    profile_set(&period->set, PROFILE_MAX_POWER, (int32_t)limit_w);
}

// Rise from one level towards another, one quarter hour a step; returns the end of the last step
// below the target.
static int64_t add_ramp(const struct horizon_rules *rules, int phase_count, int64_t from_w,
                        int64_t to_w, int64_t start, struct profile *profile)
{
    for (int i = 0; i < RAMP_STEPS && from_w + rules->ramp_w < to_w; i++) {
        from_w += rules->ramp_w;
        add(profile, start, from_w * phase_count);
        start += QUARTER_S;
    }
    return start;
}

// Release from the level to the capacity along the ramp, a quarter hour a step, in steps of equal
// height; returns when the last of them ends. The jump to the charger's own setting is one more.
static int64_t add_release(const struct horizon_rules *rules, int phase_count, int64_t level_w,
                           int64_t capacity_w, int64_t start, struct profile *profile)
{
    int64_t rise_w = capacity_w - level_w;
    int64_t steps = least((rise_w + rules->ramp_w - 1) / rules->ramp_w - 1, RELEASE_STEPS);
    for (int64_t i = 1; i <= steps; i++) {
        int64_t now_w = level_w + rise_w * i / (steps + 1);
        now_w -= now_w % HORIZON_AMPERE_W;
        if (now_w < HORIZON_LEAST_W)
            now_w = least(HORIZON_LEAST_W, capacity_w);
        if (now_w < level_w)
            now_w = level_w;
        add(profile, start, now_w * phase_count);
        start += QUARTER_S;
    }
    return start;
}

void horizon_rise(int32_t level_w, int32_t capacity_w, int32_t tail_w[static HORIZON_TAIL])
{
    int64_t rise_w = capacity_w - level_w;
    for (int hour = 1; hour <= HORIZON_TAIL; hour++)
        tail_w[hour - 1] =
            hour < RISE_HOURS
                ? horizon_round((int32_t)(level_w + rise_w * hour / RISE_HOURS), 0, capacity_w)
                : capacity_w;
}

// The hours of the tail, from `from` on; returns when it ends, and in level_w where it stood then.
// A rise is as steep as the ramp is in a quarter hour, as no hour has room for all its steps.
static int64_t add_tail(const struct horizon_rules *rules, int phase_count, const int32_t *tail_w,
                        int32_t capacity_w, int64_t from, int32_t *level_w, struct profile *profile)
{
    int hours = least(rules->length_s / HOUR_S, HORIZON_TAIL + 1);
    while (hours > 1 && tail_w[hours - 2] >= capacity_w)
        hours--;
    for (int hour = 1; hour < hours; hour++) {
        int64_t begins = profile->valid_from + (int64_t)hour * HOUR_S, ends = begins + HOUR_S;
        int32_t now_w = least(tail_w[hour - 1], (int64_t)*level_w + rules->ramp_w);
        if (now_w < HORIZON_LEAST_W)
            now_w = least(HORIZON_LEAST_W, capacity_w);
        if (ends <= from)
            continue;
        if (now_w != *level_w)
            add(profile, begins > from ? begins : from, (int64_t)now_w * phase_count);
        *level_w = now_w;
        from = ends;
    }
    return from;
}

void horizon_profile(const struct horizon_rules *rules, int phase_count, int32_t told_w,
                     int32_t level_w, const int32_t tail_w[static HORIZON_TAIL], int32_t capacity_w,
                     int64_t start, int64_t hold_s, struct profile *profile)
{
    assert(level_w <= capacity_w && phase_count > 0 && rules->ramp_w > 0);
    profile->valid_from = start;
    profile->count = 0;
    int64_t reached = add_ramp(rules, phase_count, told_w, level_w, start, profile);
    add(profile, reached, (int64_t)level_w * phase_count);
    if (level_w == capacity_w) {
        profile->valid_to = reached + QUARTER_S;
        return;
    }
    int64_t held = start + (hold_s ? hold_s : rules->hold_s);
    if (held < reached + QUARTER_S)
        held = reached + QUARTER_S;
    int64_t ends = add_tail(rules, phase_count, tail_w, capacity_w, held, &level_w, profile);
    profile->valid_to = add_release(rules, phase_count, level_w, capacity_w, ends, profile);
}

// A period that holds from `at` on what holds there already, so that what is before can be lowered
// on its own.
static void split(struct profile *profile, int64_t at)
{
    int before = 0;
    while (before < profile->count && profile->periods[before].start < at)
        before++;
    if (!before || at >= profile->valid_to
        || (before < profile->count && profile->periods[before].start == at))
        return;
    assert(profile->count < PROFILE_CAPACITY);
    for (int i = profile->count++; i > before; i--)
        profile->periods[i] = profile->periods[i - 1];
    profile->periods[before] = profile->periods[before - 1];
    profile->periods[before].start = at;
}

void horizon_cap(const struct horizon_rules *rules, int phase_count, int32_t limit_w,
                 int32_t capacity_w, int64_t until, struct profile *profile)
{
    split(profile, until);
    for (int i = 0; i < profile->count; i++) {
        struct profile_limits *set = &profile->periods[i].set;
        if (profile->periods[i].start < until && set->max_power_w > limit_w)
            set->max_power_w = limit_w;
    }
    if (profile->valid_to >= until)
        return;
    add(profile, profile->valid_to, limit_w);
    profile->valid_to =
        add_release(rules, phase_count, limit_w / phase_count, capacity_w, until, profile);
}
