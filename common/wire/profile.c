// SPDX-License-Identifier: Apache-2.0

#include "wire/profile.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

// First and last second that a DSMR time stamp can tell whatever its season.
static const int64_t EARLIEST = 946684800, LATEST = 4102437599;

const struct profile_range profile_ranges[PROFILE_FIELDS] = {
    [PROFILE_MAX_POWER] = {0, 1000000},         // more than any connection in a street
    [PROFILE_LOAD_REDUCT] = {0, 100},           //
    [PROFILE_MAX_PHASE_IMBALANCE] = {0, 10000}, //
    [PROFILE_FALLBACK_POWER] = {0, 1000000},    //
    [PROFILE_FALLBACK_PERCENT] = {0, 100},      //
    [PROFILE_REFRESH_INTERVAL] = {1, 65535},    // 0 would switch the charger's watchdog off
};

// What one unit of a field is worth beside others when periods merge, in watts: 1 % of an
// 11 kW charger, 0.1 A of one phase; what counts only in silence as little as can be.
static const int weights[PROFILE_FIELDS] = {
    [PROFILE_MAX_POWER] = 1,
    [PROFILE_LOAD_REDUCT] = 110,
    [PROFILE_MAX_PHASE_IMBALANCE] = 23,
    [PROFILE_FALLBACK_POWER] = 1,
    [PROFILE_FALLBACK_PERCENT] = 110,
    [PROFILE_REFRESH_INTERVAL] = 1,
};

const char *profile_field_name(enum profile_field field)
{
    static const char *const names[PROFILE_FIELDS] = {
        [PROFILE_MAX_POWER] = "max_power_w",
        [PROFILE_LOAD_REDUCT] = "load_reduct_pct",
        [PROFILE_MAX_PHASE_IMBALANCE] = "max_phase_imbalance_da",
        [PROFILE_FALLBACK_POWER] = "fallback_power_w",
        [PROFILE_FALLBACK_PERCENT] = "fallback_pct",
        [PROFILE_REFRESH_INTERVAL] = "refresh_interval_s",
    };
    return names[field];
}

static bool is_tellable(int64_t utc)
{
    return utc >= EARLIEST && utc <= LATEST;
}

// What is wrong with when period number i starts, or NULL.
static const char *start_fault(const struct profile *profile, int i)
{
    int64_t start = profile->periods[i].start;
    if (i > 0 && start <= profile->periods[i - 1].start)
        return "not after the one before";
    if (i > 0 && start < profile->valid_from)
        return "before valid_from, which only the first may be";
    if (start >= profile->valid_to)
        return "not before valid_to";
    return NULL;
}

static enum err check_period(const struct profile *profile, int i,
                             char reason[static PROFILE_REASON])
{
    const struct profile_period *period = &profile->periods[i];
    if (!is_tellable(period->start)) {
        snprintf(reason, PROFILE_REASON, "periods[%d].start: not in 2000 to 2099", i);
        return ERR_RANGE;
    }
    const char *fault = start_fault(profile, i);
    if (fault) {
        snprintf(reason, PROFILE_REASON, "periods[%d].start: %s", i, fault);
        return ERR_SYNTAX;
    }
    if (!period->set.present) {
        snprintf(reason, PROFILE_REASON, "periods[%d]: sets nothing", i);
        return ERR_SYNTAX;
    }
    for (enum profile_field f = 0; f < PROFILE_FIELDS; f++) {
        int32_t value = period->set.value[f];
        if (profile_has(&period->set, f)
            && (value < profile_ranges[f].min || value > profile_ranges[f].max)) {
            snprintf(reason, PROFILE_REASON, "periods[%d].%s: %d is not in %d to %d", i,
                     profile_field_name(f), value, profile_ranges[f].min, profile_ranges[f].max);
            return ERR_RANGE;
        }
    }
    return ERR_NONE;
}

enum err profile_check(const struct profile *profile, char reason[static PROFILE_REASON])
{
    if (!is_tellable(profile->valid_from) || !is_tellable(profile->valid_to)) {
        snprintf(reason, PROFILE_REASON, "%s: not in 2000 to 2099",
                 is_tellable(profile->valid_from) ? "valid_to" : "valid_from");
        return ERR_RANGE;
    }
    if (profile->valid_to <= profile->valid_from) {
        snprintf(reason, PROFILE_REASON, "valid_to: not after valid_from");
        return ERR_RANGE;
    }
    if (profile->count < 1 || profile->count > PROFILE_CAPACITY) {
        snprintf(reason, PROFILE_REASON, "periods: %d of them", profile->count);
        return ERR_SYNTAX;
    }
    for (int i = 0; i < profile->count; i++) {
        enum err err = check_period(profile, i, reason);
        if (err)
            return err;
    }
    return ERR_NONE;
}

static void update(struct profile_limits *limits, const struct profile_limits *set)
{
    for (enum profile_field f = 0; f < PROFILE_FIELDS; f++)
        if (profile_has(set, f))
            profile_set(limits, f, set->value[f]);
}

struct profile_limits profile_limits_of(const struct profile *profile, int index)
{
    struct profile_limits limits = {0};
    for (int i = 0; i <= index; i++)
        update(&limits, &profile->periods[i].set);
    return limits;
}

struct profile_limits profile_at(const struct profile *profile, int64_t utc)
{
    struct profile_limits limits = {0};
    if (utc < profile->valid_from || utc >= profile->valid_to)
        return limits;
    for (int i = 0; i < profile->count && profile->periods[i].start <= utc; i++)
        update(&limits, &profile->periods[i].set);
    return limits;
}

static bool same(const struct profile_limits *a, const struct profile_limits *b)
{
    if (a->present != b->present)
        return false;
    for (enum profile_field f = 0; f < PROFILE_FIELDS; f++)
        if (profile_has(a, f) && a->value[f] != b->value[f])
            return false;
    return true;
}

bool profile_equal(const struct profile *a, const struct profile *b)
{
    struct profile one = *a, two = *b;
    profile_normalise(&one);
    profile_normalise(&two);
    if (one.valid_from != two.valid_from || one.valid_to != two.valid_to || one.count != two.count)
        return false;
    for (int i = 0; i < one.count; i++)
        if (one.periods[i].start != two.periods[i].start
            || !same(&one.periods[i].set, &two.periods[i].set))
            return false;
    return true;
}

// By insertion: stable, and profiles come in order or nearly so.
static void sort(struct profile *profile)
{
    for (int i = 1; i < profile->count; i++) {
        struct profile_period moved = profile->periods[i];
        int at = i;
        for (; at > 0 && profile->periods[at - 1].start > moved.start; at--)
            profile->periods[at] = profile->periods[at - 1];
        profile->periods[at] = moved;
    }
}

// Let each period tell all that holds, clip to the validity, one period per start.
static void fill(struct profile *profile)
{
    struct profile_limits limits = {0};
    int kept = 0;
    for (int i = 0; i < profile->count; i++) {
        struct profile_period *period = &profile->periods[i];
        if (period->start >= profile->valid_to)
            break;
        update(&limits, &period->set);
        int64_t start = period->start < profile->valid_from ? profile->valid_from : period->start;
        if (kept > 0 && profile->periods[kept - 1].start == start)
            kept--;
        profile->periods[kept++] = (struct profile_period){start, limits};
    }
    profile->count = kept;
}

// The reverse of fill(): let each period tell only what it changes.
static void thin(struct profile *profile)
{
    struct profile_limits held = {0};
    int kept = 0;
    for (int i = 0; i < profile->count; i++) {
        struct profile_period full = profile->periods[i];
        struct profile_period period = {.start = full.start};
        for (enum profile_field f = 0; f < PROFILE_FIELDS; f++)
            if (profile_has(&full.set, f)
                && !(profile_has(&held, f) && held.value[f] == full.set.value[f]))
                profile_set(&period.set, f, full.set.value[f]);
        held = full.set;
        if (period.set.present)
            profile->periods[kept++] = period;
    }
    profile->count = kept;
}

void profile_normalise(struct profile *profile)
{
    assert(profile->count >= 0 && profile->count <= PROFILE_CAPACITY);
    sort(profile);
    fill(profile);
    thin(profile);
}

// A field that does not limit counts as its highest value.
static int32_t strictness(const struct profile_limits *limits, enum profile_field field)
{
    return profile_has(limits, field) ? limits->value[field] : profile_ranges[field].max;
}

static int64_t end_of(const struct profile *profile, int i)
{
    return i + 1 < profile->count ? profile->periods[i + 1].start : profile->valid_to;
}

// What merging filled periods i and i + 1 takes away, in watt seconds.
static int64_t loss_of_merging(const struct profile *profile, int i)
{
    const struct profile_period *one = &profile->periods[i], *two = one + 1;
    int64_t one_s = two->start - one->start;
    int64_t two_s = end_of(profile, i + 1) - two->start;
    int64_t loss = 0;
    for (enum profile_field f = 0; f < PROFILE_FIELDS; f++) {
        int64_t fall = strictness(&one->set, f) - strictness(&two->set, f);
        loss += weights[f] * (fall > 0 ? fall * one_s : -fall * two_s);
    }
    return loss;
}

static void merge(struct profile *profile, int i)
{
    struct profile_limits *one = &profile->periods[i].set;
    const struct profile_limits *two = &profile->periods[i + 1].set;
    for (enum profile_field f = 0; f < PROFILE_FIELDS; f++)
        if (profile_has(two, f) && !(profile_has(one, f) && one->value[f] < two->value[f]))
            profile_set(one, f, two->value[f]);
    profile->count--;
    memmove(&profile->periods[i + 1], &profile->periods[i + 2],
            (size_t)(profile->count - i - 1) * sizeof profile->periods[0]);
}

int profile_fit(struct profile *profile, int max_periods)
{
    assert(max_periods >= 1);
    profile_normalise(profile);
    int before = profile->count;
    if (before <= max_periods)
        return 0;

    fill(profile);
    int64_t loss[PROFILE_CAPACITY];
    for (int i = 0; i + 1 < profile->count; i++)
        loss[i] = loss_of_merging(profile, i);
    while (profile->count > max_periods) {
        int least = 0;
        for (int i = 1; i + 1 < profile->count; i++)
            if (loss[i] <= loss[least])
                least = i;
        merge(profile, least);
        memmove(&loss[least], &loss[least + 1],
                (size_t)(profile->count - 1 - least) * sizeof loss[0]);
        if (least > 0)
            loss[least - 1] = loss_of_merging(profile, least - 1);
        if (least + 1 < profile->count)
            loss[least] = loss_of_merging(profile, least);
    }
    thin(profile);
    return before - profile->count;
}
