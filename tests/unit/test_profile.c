// SPDX-License-Identifier: Apache-2.0

#include "wire/profile.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { NONE = -1 }; // a value that a period does not set

// Hours of 29 March 2019, UTC, as seconds.
#define HOUR(hour) (INT64_C(1553817600) + (int64_t)((hour)*3600))

// A period in short.
struct brief {
    double hour;
    int power, reduct;
};

static struct profile profile_of(double from, double to, const struct brief *periods, int count)
{
    struct profile profile = {.valid_from = HOUR(from), .valid_to = HOUR(to), .count = count};
    for (int i = 0; i < count; i++) {
        profile.periods[i].start = HOUR(periods[i].hour);
        if (periods[i].power != NONE)
            profile_set(&profile.periods[i].set, PROFILE_MAX_POWER, periods[i].power);
        if (periods[i].reduct != NONE)
            profile_set(&profile.periods[i].set, PROFILE_LOAD_REDUCT, periods[i].reduct);
    }
    return profile;
}

// Figure 8 with two partial periods behind, and a start before ValidFrom.
static struct profile example(void)
{
    static const struct brief periods[] = {
        {14, 6000, NONE}, {16, NONE, 80}, {17, 9000, NONE}, {18, 4000, 90}};
    return profile_of(15, 19, periods, COUNT(periods));
}

struct instant {
    double hour;
    int power, reduct;
    char why[48];
};

ParameterizedTestParameters(profile, tells_what_holds_at)
{
    static struct instant cases[] = {
        {14.5, NONE, NONE, "begun, but not valid yet"},
        {15, 6000, NONE, "ValidFrom: the period before it counts"},
        {15.9997, 6000, NONE, "a second before the next"},
        {16, 6000, 80, "a partial period keeps the power"},
        {17, 9000, 80, "and another the percentage"},
        {18, 4000, 90, "both at once"},
        {18.9997, 4000, 90, "last second"},
        {19, NONE, NONE, "ValidTo is not included"},
        {30, NONE, NONE, "the next day"},
    };
    return cr_make_param_array(struct instant, cases, COUNT(cases));
}

static void expect_limits(const struct profile_limits *limits, const struct instant *c)
{
    cr_expect_eq(profile_has(limits, PROFILE_MAX_POWER), c->power != NONE, "%s", c->why);
    cr_expect_eq(profile_has(limits, PROFILE_LOAD_REDUCT), c->reduct != NONE, "%s", c->why);
    if (c->power != NONE)
        cr_expect_eq(limits->max_power_w, c->power, "%s: %d", c->why, limits->max_power_w);
    if (c->reduct != NONE)
        cr_expect_eq(limits->load_reduct_pct, c->reduct, "%s", c->why);
}

ParameterizedTest(struct instant *c, profile, tells_what_holds_at)
{
    struct profile profile = example();
    struct profile_limits limits = profile_at(&profile, HOUR(c->hour));
    expect_limits(&limits, c);
    profile_normalise(&profile);
    limits = profile_at(&profile, HOUR(c->hour));
    expect_limits(&limits, c);
}

Test(profile, tells_what_each_period_begins)
{
    struct profile profile = example();
    struct profile_limits limits = profile_limits_of(&profile, 0);
    expect_limits(&limits, &(struct instant){.power = 6000, .reduct = NONE, .why = "first"});
    limits = profile_limits_of(&profile, 2);
    expect_limits(&limits, &(struct instant){.power = 9000, .reduct = 80, .why = "third"});
}

Test(profile, does_not_limit_before_a_late_first_period)
{
    struct profile profile = profile_of(15, 19, &(struct brief){16, 6000, NONE}, 1);
    cr_expect_eq(profile_at(&profile, HOUR(15.5)).present, 0);
    cr_expect_eq(profile_at(&profile, HOUR(16)).max_power_w, 6000);
}

struct checked {
    double from, to;
    struct brief periods[3];
    int count;
    enum err err;
    char reason[40];
    char why[56];
};

ParameterizedTestParameters(profile, checks)
{
    static struct checked cases[] = {
        {15, 19, {{15, 6000, NONE}, {18, 9000, NONE}}, 2, ERR_NONE, "", "figure 8"},
        {15, 19, {{14, 6000, NONE}, {15, NONE, 5}}, 2, ERR_NONE, "", "first before ValidFrom"},
        {15, 19, {{16, 6000, NONE}}, 1, ERR_NONE, "", "first after ValidFrom"},
        {15, 19, {{15, 0, NONE}}, 1, ERR_NONE, "", "nothing at all may be the limit"},
        {15, 19, {{15, 1000000, 100}}, 1, ERR_NONE, "", "highest values"},
        {15, 15, {{14, 6000, NONE}}, 1, ERR_RANGE, "valid_to", "ends as it begins"},
        {15, 14, {{13, 6000, NONE}}, 1, ERR_RANGE, "valid_to", "ends before it begins"},
        {-170000, 19, {{15, 1, NONE}}, 1, ERR_RANGE, "valid_from", "from the last century"},
        {15, 800000, {{15, 1, NONE}}, 1, ERR_RANGE, "valid_to", "into the next century"},
        {15, 19, {{-170000, 1, NONE}}, 1, ERR_RANGE, "periods[0].start", "start in 1999"},
        {15, 19, {{0, 0, 0}}, 0, ERR_SYNTAX, "periods", "no period"},
        {15, 19, {{15, 1, NONE}, {15, 2, NONE}}, 2, ERR_SYNTAX, "periods[1].start", "same start"},
        {15, 19, {{17, 1, NONE}, {16, 2, NONE}}, 2, ERR_SYNTAX, "periods[1].start", "disorder"},
        {15, 19, {{13, 1, NONE}, {14, 2, NONE}}, 2, ERR_SYNTAX, "periods[1].start", "two early"},
        {15, 19, {{15, 1, NONE}, {19, 2, NONE}}, 2, ERR_SYNTAX, "periods[1].start", "at ValidTo"},
        {15, 19, {{15, NONE, NONE}}, 1, ERR_SYNTAX, "periods[0]", "a period without a value"},
        {15, 19, {{15, -2, NONE}}, 1, ERR_RANGE, "periods[0].max_power_w", "negative power"},
        {15, 19, {{15, 1000001, NONE}}, 1, ERR_RANGE, "periods[0].max_power_w", "over a MW"},
        {15, 19, {{15, 1, 101}}, 1, ERR_RANGE, "periods[0].load_reduct_pct", "over 100 %"},
    };
    return cr_make_param_array(struct checked, cases, COUNT(cases));
}

ParameterizedTest(struct checked *c, profile, checks)
{
    struct profile profile = profile_of(c->from, c->to, c->periods, c->count);
    char reason[PROFILE_REASON] = "";
    enum err err = profile_check(&profile, reason);
    cr_expect_eq(err, c->err, "%s: %s", c->why, err_name(err));
    cr_expect(!strncmp(reason, c->reason, strlen(c->reason)), "%s: %s", c->why, reason);
    cr_expect_eq(*reason == '\0', *c->reason == '\0', "%s: %s", c->why, reason);
}

Test(profile, checks_every_field_within_its_range)
{
    char reason[PROFILE_REASON];
    for (enum profile_field f = 0; f < PROFILE_FIELDS; f++) {
        struct profile profile = profile_of(15, 19, &(struct brief){15, 6000, NONE}, 1);
        profile_set(&profile.periods[0].set, f, profile_ranges[f].min);
        cr_expect_eq(profile_check(&profile, reason), ERR_NONE, "%s", profile_field_name(f));
        profile_set(&profile.periods[0].set, f, profile_ranges[f].max);
        cr_expect_eq(profile_check(&profile, reason), ERR_NONE, "%s", profile_field_name(f));
        profile_set(&profile.periods[0].set, f, profile_ranges[f].min - 1);
        cr_expect_eq(profile_check(&profile, reason), ERR_RANGE, "%s", profile_field_name(f));
        profile_set(&profile.periods[0].set, f, profile_ranges[f].max + 1);
        cr_expect_eq(profile_check(&profile, reason), ERR_RANGE, "%s", profile_field_name(f));
        cr_expect(strstr(reason, profile_field_name(f)), "%s", reason);
    }
}

struct rewritten {
    int max_periods;
    int before_count, after_count;
    struct brief before[6], after[6];
    char why[64];
};

// Valid from 15 to 19 in each case; at most 9: nothing has to merge.
ParameterizedTestParameters(profile, normalises_and_fits)
{
    static struct rewritten cases[] = {
        {9, 2, 2, {{15, 6, NONE}, {18, 9, NONE}}, {{15, 6, NONE}, {18, 9, NONE}}, "as it is"},
        {9,
         3,
         2,
         {{15, 6, NONE}, {16, 6, NONE}, {18, 9, NONE}},
         {{15, 6, NONE}, {18, 9, NONE}},
         "equal neighbours become one"},
        {9, 2, 2, {{18, 9, NONE}, {15, 6, NONE}}, {{15, 6, NONE}, {18, 9, NONE}}, "put in order"},
        {9, 2, 1, {{15, 6, NONE}, {15, 9, NONE}}, {{15, 9, NONE}}, "of one start the later wins"},
        {9, 2, 1, {{15, 6, NONE}, {15, NONE, 80}}, {{15, 6, 80}}, "but both values count"},
        {9, 1, 1, {{14, 6, NONE}}, {{15, 6, NONE}}, "an early start counts from ValidFrom"},
        {9, 2, 1, {{13, 6, NONE}, {14, 9, NONE}}, {{15, 9, NONE}}, "of two early the later"},
        {9,
         3,
         1,
         {{15, 6, NONE}, {19, 9, NONE}, {20, 1, NONE}},
         {{15, 6, NONE}},
         "nothing from ValidTo on"},
        {9,
         2,
         2,
         {{15, 6, 80}, {16, 6, 90}},
         {{15, 6, 80}, {16, NONE, 90}},
         "only what changes is said"},
        {9, 1, 0, {{20, 6, NONE}}, {{0, 0, 0}}, "nothing remains"},
        {2,
         3,
         2,
         {{15, 6, NONE}, {16, 9, NONE}, {17, 8, NONE}},
         {{15, 6, NONE}, {16, 8, NONE}},
         "9 falls to 8 for an hour, sooner than to 6"},
        {2,
         3,
         2,
         {{15, 6, NONE}, {16, 7, NONE}, {17, 8, NONE}},
         {{15, 6, NONE}, {17, 8, NONE}},
         "7 falls to 6 for an hour, sooner than 8 to 7 for two"},
        {2,
         3,
         2,
         {{15, 6, NONE}, {16, 8, NONE}, {18, 12, NONE}},
         {{15, 6, NONE}, {16, 8, NONE}},
         "either loses 4: the later two merge"},
        {2,
         3,
         1,
         {{15, 6, NONE}, {16, 7, NONE}, {17, 6, NONE}},
         {{15, 6, NONE}},
         "two that become equal to a third go with it"},
        {2,
         4,
         2,
         {{15, 9, NONE}, {16, 8, NONE}, {17, 1, NONE}, {18, 2, NONE}},
         {{15, 8, NONE}, {17, 1, NONE}},
         "twice"},
        {1,
         3,
         1,
         {{15, 6, NONE}, {16, 2, NONE}, {17, 9, NONE}},
         {{15, 2, NONE}},
         "one period: the lowest of all"},
        {1, 2, 1, {{15, NONE, 80}, {17, 6, 90}}, {{15, 6, 80}}, "no limit merges into a limit"},
        {1, 1, 1, {{16, 6, NONE}}, {{16, 6, NONE}}, "a late start stays late"},
    };
    return cr_make_param_array(struct rewritten, cases, COUNT(cases));
}

ParameterizedTest(struct rewritten *c, profile, normalises_and_fits)
{
    struct profile profile = profile_of(15, 19, c->before, c->before_count);
    struct profile after = profile_of(15, 19, c->after, c->after_count);
    struct profile normal = profile;
    profile_normalise(&normal);
    int merged = profile_fit(&profile, c->max_periods);
    cr_expect_eq(merged, normal.count - profile.count, "%s: %d", c->why, merged);
    cr_assert_eq(profile.count, after.count, "%s: %d", c->why, profile.count);
    for (int i = 0; i < after.count; i++) {
        const struct profile_period *is = &profile.periods[i], *should = &after.periods[i];
        cr_expect_eq(is->start, should->start, "%s: %d", c->why, i);
        cr_expect_eq(is->set.present, should->set.present, "%s: %d", c->why, i);
        cr_expect_eq(is->set.max_power_w, should->set.max_power_w, "%s: %d", c->why, i);
        cr_expect_eq(is->set.load_reduct_pct, should->set.load_reduct_pct, "%s: %d", c->why, i);
    }
}

struct pair {
    double to[2];
    struct brief a[2], b[2];
    bool equal;
    char why[48];
};

ParameterizedTestParameters(profile, knows_equals)
{
    static struct pair cases[] = {
        {{19, 19}, {{15, 6, 80}, {16, 9, NONE}}, {{15, 6, 80}, {16, 9, NONE}}, true, "the same"},
        {{19, 19}, {{15, 6, 80}, {16, 9, NONE}}, {{15, 6, 80}, {16, 9, 80}}, true, "partial"},
        {{19, 19}, {{15, 6, 80}, {16, 9, NONE}}, {{16, 9, 80}, {14, 6, 80}}, true, "disorder"},
        {{19, 18}, {{15, 6, 80}, {16, 9, NONE}}, {{15, 6, 80}, {16, 9, NONE}}, false, "ValidTo"},
        {{19, 19}, {{15, 6, 80}, {16, 9, NONE}}, {{15, 6, 80}, {17, 9, NONE}}, false, "start"},
        {{19, 19}, {{15, 6, 80}, {16, 9, NONE}}, {{15, 6, 80}, {16, 8, NONE}}, false, "value"},
        {{19, 19}, {{15, 6, 80}, {16, 9, NONE}}, {{15, 6, 80}, {16, NONE, 9}}, false, "field"},
        {{19, 19}, {{15, 6, 80}, {16, 9, NONE}}, {{15, 6, 80}, {16, 6, NONE}}, false, "count"},
    };
    return cr_make_param_array(struct pair, cases, COUNT(cases));
}

ParameterizedTest(struct pair *c, profile, knows_equals)
{
    struct profile a = profile_of(15, c->to[0], c->a, 2), b = profile_of(15, c->to[1], c->b, 2);
    cr_expect_eq(profile_equal(&a, &b), c->equal, "%s", c->why);
    cr_expect_eq(profile_equal(&b, &a), c->equal, "%s", c->why);
}

// Numbers that look random and are the same in every run (xorshift64).
static uint64_t state = 0x9E3779B97F4A7C15;

static int below(int bound)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (int)(state % (uint64_t)bound);
}

static struct profile any_profile(void)
{
    struct profile profile = {.valid_from = HOUR(15) + 60 * below(600)};
    profile.valid_to = profile.valid_from + 60 * (1 + below(2000));
    profile.count = 1 + below(PROFILE_CAPACITY);
    for (int i = 0; i < profile.count; i++) {
        struct profile_period *period = &profile.periods[i];
        period->start = profile.valid_from + 60 * (below(2200) - 100);
        for (enum profile_field f = 0; f < PROFILE_FIELDS; f++)
            if (below(3) == 0)
                profile_set(&period->set, f,
                            profile_ranges[f].min
                                + below(profile_ranges[f].max - profile_ranges[f].min + 1));
    }
    return profile;
}

static void expect_not_above(const struct profile *low, const struct profile *high, int64_t utc)
{
    struct profile_limits a = profile_at(low, utc), b = profile_at(high, utc);
    for (enum profile_field f = 0; f < PROFILE_FIELDS; f++)
        if (profile_has(&b, f))
            cr_assert(profile_has(&a, f) && a.value[f] <= b.value[f], "%s at %jd",
                      profile_field_name(f), (intmax_t)utc);
}

// Limits change only at starts and at the ends of the validity: look there.
static void expect_not_above_anywhere(const struct profile *low, const struct profile *high)
{
    for (int i = 0; i < high->count; i++)
        expect_not_above(low, high, high->periods[i].start);
    for (int i = 0; i < low->count; i++)
        expect_not_above(low, high, low->periods[i].start);
    expect_not_above(low, high, high->valid_from);
    expect_not_above(low, high, high->valid_to - 1);
    cr_assert_eq(profile_at(low, high->valid_from - 1).present, 0);
    cr_assert_eq(profile_at(low, high->valid_to).present, 0);
}

// What holds by the words of the contract: of each field the value set last.
static struct profile_limits oracle(const struct profile *profile, int64_t utc)
{
    struct profile_limits limits = {0};
    if (utc < profile->valid_from || utc >= profile->valid_to)
        return limits;
    for (enum profile_field f = 0; f < PROFILE_FIELDS; f++) {
        const struct profile_period *last = NULL;
        for (int i = 0; i < profile->count; i++) {
            const struct profile_period *period = &profile->periods[i];
            if (period->start <= utc && profile_has(&period->set, f)
                && (!last || period->start >= last->start))
                last = period;
        }
        if (last)
            profile_set(&limits, f, last->set.value[f]);
    }
    return limits;
}

Test(profile, normalising_changes_no_limit_at_any_instant)
{
    for (int round = 0; round < 500; round++) {
        struct profile profile = any_profile(), normal = profile;
        profile_normalise(&normal);
        for (int i = -1; i < profile.count; i++) {
            int64_t utc = i < 0 ? profile.valid_from : profile.periods[i].start;
            struct profile_limits should = oracle(&profile, utc), is = profile_at(&normal, utc);
            cr_assert_eq(is.present, should.present);
            for (enum profile_field f = 0; f < PROFILE_FIELDS; f++)
                cr_assert(!profile_has(&is, f) || is.value[f] == should.value[f]);
        }
        struct profile again = normal;
        profile_normalise(&again);
        cr_assert_eq(again.count, normal.count);
        char reason[PROFILE_REASON];
        if (normal.count > 0)
            cr_assert_eq(profile_check(&normal, reason), ERR_NONE, "%s", reason);
    }
}

Test(profile, fitting_raises_no_limit_at_any_instant)
{
    for (int round = 0; round < 2000; round++) {
        struct profile normal = any_profile();
        profile_normalise(&normal);
        struct profile fitted = normal;
        int most = 1 + below(30);
        int merged = profile_fit(&fitted, most);
        cr_assert_leq(fitted.count, most);
        cr_assert_eq(merged, normal.count - fitted.count);
        expect_not_above_anywhere(&fitted, &normal);
    }
}

// The same rule in the plainest way: power only, every loss counted anew at each step.
static int fit_plainly(int64_t start[], int power[], int count, int64_t end, int most)
{
    while (count > most) {
        int least = 0;
        int64_t least_loss = INT64_MAX;
        for (int i = 0; i + 1 < count; i++) {
            int64_t after = i + 2 < count ? start[i + 2] : end;
            int64_t loss = power[i] > power[i + 1]
                               ? (power[i] - power[i + 1]) * (start[i + 1] - start[i])
                               : (power[i + 1] - power[i]) * (after - start[i + 1]);
            if (loss <= least_loss) {
                least = i;
                least_loss = loss;
            }
        }
        if (power[least + 1] < power[least])
            power[least] = power[least + 1];
        count--;
        for (int i = least + 1; i < count; i++) {
            start[i] = start[i + 1];
            power[i] = power[i + 1];
        }
    }
    return count;
}

Test(profile, fitting_takes_the_least_loss_at_each_step)
{
    for (int round = 0; round < 500; round++) {
        struct profile profile = {.valid_from = HOUR(15), .count = 2 + below(100)};
        int64_t start[PROFILE_CAPACITY], utc = profile.valid_from;
        int power[PROFILE_CAPACITY];
        for (int i = 0; i < profile.count; i++, utc += 60 + below(3600)) {
            profile.periods[i].start = start[i] = utc;
            power[i] = i > 0 ? (power[i - 1] + 1 + below(11000)) % 11001 : below(11001);
            profile_set(&profile.periods[i].set, PROFILE_MAX_POWER, power[i]);
        }
        profile.valid_to = utc;
        int most = 1 + below(30);
        int count = fit_plainly(start, power, profile.count, utc, most);
        profile_fit(&profile, most);
        for (int i = 0; i < count; i++)
            cr_assert_eq(profile_at(&profile, start[i]).max_power_w, power[i], "%d of %d", i,
                         count);
    }
}
