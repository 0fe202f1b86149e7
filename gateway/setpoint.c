// SPDX-License-Identifier: Apache-2.0

#include "gateway/setpoint.h"
#include "base/rfc3339.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { NO_LIMIT = INT32_MAX };

// What setpoint_step() is about to say.
struct decision {
    enum setpoint_mode mode;
    int32_t limit_w;
    int period;
    char reason[SETPOINT_REASON];
};

static int32_t lower(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int64_t utc_seconds(struct utc utc)
{
    return utc.ns / SECONDS_NS - (utc.ns % SECONDS_NS < 0);
}

static void copy(char *to, const char *from, size_t room)
{
    snprintf(to, room, "%s", from);
}

static int32_t per_cent(const struct setpoint *setpoint, int32_t pct)
{
    return (int32_t)((int64_t)setpoint->rules.contract_w * pct / 100);
}

// The power that a set of values allows. A per cent of the charger's own limit counts as one
// of the contract, which is what the charger has as its own.
static int32_t power_of(const struct setpoint *setpoint, const struct profile_limits *limits)
{
    int32_t power = NO_LIMIT;
    if (profile_has(limits, PROFILE_MAX_POWER))
        power = limits->max_power_w;
    if (profile_has(limits, PROFILE_LOAD_REDUCT))
        power = lower(power, per_cent(setpoint, limits->load_reduct_pct));
    if (profile_has(limits, PROFILE_MAX_PHASE_IMBALANCE) && setpoint->rules.imbalance_mw) {
        int64_t watts = limits->max_phase_imbalance_da * setpoint->rules.imbalance_mw / 1000;
        power = watts < power ? (int32_t)watts : power;
    }
    return power;
}

// The limit in doubt: the safe one, and what the profile wants then.
static int32_t fallback_of(const struct setpoint *setpoint, const struct profile_limits *limits)
{
    int32_t power = setpoint->rules.safe_w;
    if (profile_has(limits, PROFILE_FALLBACK_POWER))
        power = lower(power, limits->fallback_power_w);
    if (profile_has(limits, PROFILE_FALLBACK_PERCENT))
        power = lower(power, per_cent(setpoint, limits->fallback_pct));
    return power;
}

static int64_t hold_of(const struct setpoint *setpoint, const struct profile_limits *limits)
{
    const struct setpoint_rules *rules = &setpoint->rules;
    if (!profile_has(limits, PROFILE_REFRESH_INTERVAL))
        return rules->hold_ns;
    int64_t hold = limits->refresh_interval_s * SECONDS_NS;
    hold = hold > rules->least_hold_ns ? hold : rules->least_hold_ns;
    return hold < rules->hold_ns ? hold : rules->hold_ns;
}

// Lower each value to that of any period: what can be relied on when it is not certain which
// holds.
static void lower_to_all(struct profile_limits *limits, const struct setpoint_profile *held)
{
    for (int i = 0; held->is_set && i < held->profile.count; i++) {
        const struct profile_limits *set = &held->profile.periods[i].set;
        for (enum profile_field f = 0; f < PROFILE_FIELDS; f++)
            if (profile_has(set, f)
                && (!profile_has(limits, f) || set->value[f] < limits->value[f]))
                profile_set(limits, f, set->value[f]);
    }
}

// Number of the period of the current profile that holds, from 1; 0: none.
static int active_period(const struct setpoint_profile *held, int64_t utc)
{
    int period = 0;
    if (held->is_set && utc >= held->profile.valid_from && utc < held->profile.valid_to)
        while (period < held->profile.count && held->profile.periods[period].start <= utc)
            period++;
    return period;
}

// What the profiles say now.
static struct profile_limits in_force(const struct setpoint *setpoint, struct setpoint_now now,
                                      int *period)
{
    struct profile_limits limits = {0};
    *period = 0;
    if (now.why_untimed) {
        lower_to_all(&limits, &setpoint->current);
        lower_to_all(&limits, &setpoint->next);
        return limits;
    }
    *period = active_period(&setpoint->current, utc_seconds(now.utc));
    if (*period > 0)
        limits = profile_limits_of(&setpoint->current.profile, *period - 1);
    return limits;
}

static void end_current(struct setpoint *setpoint)
{
    char at[RFC3339_LEN + 1];
    rfc3339_format(setpoint->current.profile.valid_to, at);
    snprintf(setpoint->why_none, sizeof setpoint->why_none, "the last one ended at %s", at);
    copy(setpoint->ended, setpoint->current.digest, sizeof setpoint->ended);
    setpoint->current.is_set = false;
}

// Let profiles begin and end.
static void turn_pages(struct setpoint *setpoint, int64_t utc)
{
    struct setpoint_profile *current = &setpoint->current, *next = &setpoint->next;
    if (next->is_set && next->profile.valid_from <= utc) {
        if (current->is_set && current->profile.valid_to <= next->profile.valid_from)
            end_current(setpoint);
        *current = *next;
        next->is_set = false;
    }
    if (current->is_set && current->profile.valid_to <= utc)
        end_current(setpoint);
}

static bool is_starting(const struct setpoint *setpoint)
{
    return !setpoint->heard || (!setpoint->judged && !setpoint->current.is_set);
}

static bool has_profile(const struct setpoint *setpoint)
{
    return setpoint->current.is_set || setpoint->next.is_set;
}

// Whether the charger cannot be relied on to hold target_w.
static bool is_doubted(const struct setpoint *setpoint, int32_t target_w, struct setpoint_now now)
{
    if (setpoint->refused && setpoint->refused_w == target_w
        && now.mono.ns < setpoint->refused_until.ns)
        return true;
    return !setpoint->confirmed
           && now.mono.ns - setpoint->unconfirmed_since.ns >= setpoint->rules.confirm_ns;
}

// Why no profile limits.
static void explain_own(const struct setpoint *setpoint, int period, char *reason, size_t room)
{
    const struct setpoint_profile *current = &setpoint->current, *next = &setpoint->next;
    char at[RFC3339_LEN + 1];
    if (period > 0) {
        copy(reason, "the profile sets no power", room);
    } else if (current->is_set || next->is_set) {
        rfc3339_format(
            current->is_set ? current->profile.periods[0].start : next->profile.valid_from, at);
        snprintf(reason, room, "no valid profile: it begins at %s", at);
    } else {
        snprintf(reason, room, "no valid profile%s%.100s", *setpoint->why_none ? ": " : "",
                 setpoint->why_none);
    }
}

// What holds when the charger can be relied on and nothing is in doubt.
static void decide_by_profile(const struct setpoint *setpoint, int32_t power, int period,
                              struct decision *decision)
{
    bool is_preset = setpoint->preset_w != NO_LIMIT;
    bool is_limited = is_preset || (period > 0 && power != NO_LIMIT);
    decision->limit_w = lower(setpoint->rules.contract_w, power);
    decision->mode = is_limited ? SETPOINT_LIMITED : SETPOINT_OWN;
    decision->period = is_limited ? period : 0;
    if (is_preset)
        snprintf(decision->reason, sizeof decision->reason, "code %s", setpoint->code);
    else if (is_limited)
        snprintf(decision->reason, sizeof decision->reason, "period %d of %d", period,
                 setpoint->current.profile.count);
    else
        explain_own(setpoint, period, decision->reason, sizeof decision->reason);
}

// Make of what holds without doubt what holds in doubt.
static void decide_safe(int32_t fallback_w, struct decision *decision)
{
    decision->mode = SETPOINT_SAFE;
    decision->limit_w = lower(decision->limit_w, fallback_w);
}

static void decide(struct setpoint *setpoint, struct setpoint_now now, struct decision *decision)
{
    size_t room = sizeof decision->reason;
    int period;
    struct profile_limits limits = in_force(setpoint, now, &period);
    int32_t fallback_w = fallback_of(setpoint, &limits);
    int64_t hold_ns = hold_of(setpoint, &limits);
    int32_t power = lower(power_of(setpoint, &limits), setpoint->preset_w);
    decide_by_profile(setpoint, power, period, decision);
    setpoint->target_w = decision->limit_w;

    if (now.mono.ns - setpoint->heard_at.ns >= hold_ns) {
        decide_safe(fallback_w, decision);
        snprintf(decision->reason, room, "no trustworthy telegram for %lld s",
                 (long long)(hold_ns / SECONDS_NS));
    } else if (is_starting(setpoint)
               && now.mono.ns - setpoint->started.ns < setpoint->rules.hold_ns) {
        decision->mode = SETPOINT_STARTING;
        decision->period = 0;
        decision->limit_w = lower(lower(setpoint->stored_w, fallback_w), decision->limit_w);
        copy(decision->reason,
             setpoint->heard ? "waiting for a message that stands still"
                             : "waiting for a trustworthy telegram",
             room);
    } else if (is_starting(setpoint)) {
        decide_safe(fallback_w, decision);
        copy(decision->reason, "no message stands still on P1", room);
    } else if (setpoint->waits_for_time || (now.why_untimed && has_profile(setpoint))) {
        decide_safe(fallback_w, decision);
        snprintf(decision->reason, room, "no certain time for the profile: %.100s",
                 now.why_untimed ? now.why_untimed : "it is not judged yet");
    } else if (is_doubted(setpoint, setpoint->target_w, now)) {
        decide_safe(fallback_w, decision);
        snprintf(decision->reason, room, "the charger does not confirm%s%.100s",
                 *setpoint->why_unconfirmed ? ": " : "", setpoint->why_unconfirmed);
    }
}

void setpoint_start(struct setpoint *setpoint, const struct setpoint_rules *rules, int32_t stored_w,
                    struct setpoint_now now)
{
    assert(rules->contract_w >= 0 && rules->safe_w >= 0 && rules->safe_w <= rules->contract_w);
    *setpoint = (struct setpoint){
        .rules = *rules,
        .stored_w = stored_w,
        .preset_w = NO_LIMIT,
        .started = now.mono,
        .heard_at = now.mono,
        .since = now.mono,
        .unconfirmed_since = now.mono,
    };
    setpoint_step(setpoint, now);
}

void setpoint_hear(struct setpoint *setpoint, struct setpoint_now now)
{
    setpoint->heard = true;
    setpoint->heard_at = now.mono;
}

// The first period above the contract, or -1.
static int above_contract(const struct setpoint *setpoint, const struct profile *profile)
{
    for (int i = 0; i < profile->count; i++)
        if (profile_has(&profile->periods[i].set, PROFILE_MAX_POWER)
            && profile->periods[i].set.max_power_w > setpoint->rules.contract_w)
            return i;
    return -1;
}

enum err setpoint_offer(struct setpoint *setpoint, const struct profile *profile,
                        const char *digest, struct setpoint_now now,
                        char reason[static SETPOINT_REASON])
{
    setpoint->waits_for_time = false;
    if (now.why_untimed) {
        setpoint->waits_for_time = true;
        setpoint->judged = true;
        return ERR_MORE;
    }
    int above = above_contract(setpoint, profile);
    if (above >= 0) {
        snprintf(reason, SETPOINT_REASON, "period %d: %d W is above the contract of %d W",
                 above + 1, profile->periods[above].set.max_power_w, setpoint->rules.contract_w);
        setpoint_offer_none(setpoint, reason);
        return ERR_RANGE;
    }
    if (profile->valid_to <= utc_seconds(now.utc)) {
        char at[RFC3339_LEN + 1];
        rfc3339_format(profile->valid_to, at);
        snprintf(reason, SETPOINT_REASON, "ended at %s", at);
        setpoint_offer_none(setpoint, reason);
        return ERR_RANGE;
    }
    setpoint->judged = true;
    turn_pages(setpoint, utc_seconds(now.utc)); // the one that waits may have begun by now
    setpoint->next.is_set = true;
    setpoint->next.profile = *profile;
    copy(setpoint->next.digest, digest, sizeof setpoint->next.digest);
    setpoint->why_none[0] = '\0';
    return ERR_NONE;
}

void setpoint_offer_none(struct setpoint *setpoint, const char *why)
{
    char kept[SETPOINT_REASON];
    copy(kept, why, sizeof kept); // why may be our own text
    copy(setpoint->why_none, kept, sizeof setpoint->why_none);
    setpoint->waits_for_time = false;
    setpoint->judged = true;
    setpoint->preset_w = NO_LIMIT;
}

void setpoint_preset(struct setpoint *setpoint, const char *code, int32_t limit_w)
{
    copy(setpoint->code, code, sizeof setpoint->code);
    setpoint->preset_w = limit_w;
    setpoint->judged = true;
}

void setpoint_restore(struct setpoint *setpoint, const struct profile *profile, const char *digest,
                      bool waited)
{
    struct setpoint_profile *held = waited ? &setpoint->next : &setpoint->current;
    if (above_contract(setpoint, profile) >= 0)
        return;
    held->is_set = true;
    held->profile = *profile;
    copy(held->digest, digest, sizeof held->digest);
}

void setpoint_confirm(struct setpoint *setpoint, int32_t limit_w)
{
    if (limit_w != setpoint->limit_w)
        return;
    setpoint->confirmed = true;
    setpoint->why_unconfirmed[0] = '\0';
    if (setpoint->refused && setpoint->refused_w == limit_w)
        setpoint->refused = false;
}

void setpoint_fail(struct setpoint *setpoint, int32_t limit_w, bool refused, const char *why,
                   struct setpoint_now now)
{
    if (limit_w != setpoint->limit_w)
        return;
    if (setpoint->confirmed)
        setpoint->unconfirmed_since = now.mono;
    setpoint->confirmed = false;
    copy(setpoint->why_unconfirmed, why, sizeof setpoint->why_unconfirmed);
    if (refused && limit_w == setpoint->target_w) {
        setpoint->refused = true;
        setpoint->refused_w = limit_w;
        setpoint->refused_until.ns = now.mono.ns + setpoint->rules.hold_ns;
    }
}

bool setpoint_step(struct setpoint *setpoint, struct setpoint_now now)
{
    char before[SETPOINT_DIGEST + 1];
    copy(before, setpoint->current.is_set ? setpoint->current.digest : "", sizeof before);
    if (!now.why_untimed)
        turn_pages(setpoint, utc_seconds(now.utc));

    struct decision decision;
    decide(setpoint, now, &decision);
    const char *after = setpoint->current.is_set ? setpoint->current.digest : "";
    bool changed = decision.mode != setpoint->mode || decision.limit_w != setpoint->limit_w
                   || decision.period != setpoint->period
                   || strcmp(decision.reason, setpoint->reason) != 0 || strcmp(before, after) != 0;
    if (decision.limit_w != setpoint->limit_w && setpoint->confirmed) {
        setpoint->confirmed = false;
        setpoint->unconfirmed_since = now.mono;
    }
    if (decision.mode != setpoint->mode)
        setpoint->since = now.mono;
    setpoint->mode = decision.mode;
    setpoint->limit_w = decision.limit_w;
    setpoint->period = decision.period;
    copy(setpoint->reason, decision.reason, sizeof setpoint->reason);
    return changed;
}

// The earlier of wait and what is left until then, when that still lies ahead.
static int64_t sooner(int64_t wait, int64_t then_ns, int64_t now_ns)
{
    int64_t left = then_ns - now_ns;
    return left > 0 && left < wait ? left : wait;
}

int64_t setpoint_wait(const struct setpoint *setpoint, struct setpoint_now now)
{
    int64_t wait = INT64_MAX, mono = now.mono.ns;
    int period;
    struct profile_limits limits = in_force(setpoint, now, &period);
    wait = sooner(wait, setpoint->heard_at.ns + hold_of(setpoint, &limits), mono);
    if (is_starting(setpoint))
        wait = sooner(wait, setpoint->started.ns + setpoint->rules.hold_ns, mono);
    if (!setpoint->confirmed)
        wait = sooner(wait, setpoint->unconfirmed_since.ns + setpoint->rules.confirm_ns, mono);
    if (setpoint->refused)
        wait = sooner(wait, setpoint->refused_until.ns, mono);
    if (now.why_untimed)
        return wait;
    const struct profile *profile = &setpoint->current.profile;
    if (setpoint->next.is_set)
        wait = sooner(wait, setpoint->next.profile.valid_from * SECONDS_NS, now.utc.ns);
    if (setpoint->current.is_set) {
        wait = sooner(wait, profile->valid_to * SECONDS_NS, now.utc.ns);
        for (int i = 0; i < profile->count; i++)
            wait = sooner(wait, profile->periods[i].start * SECONDS_NS, now.utc.ns);
    }
    return wait;
}

void setpoint_forget_ended(struct setpoint *setpoint)
{
    setpoint->ended[0] = '\0';
}

const char *setpoint_mode_name(enum setpoint_mode mode)
{
    static const char *const names[] = {
        [SETPOINT_STARTING] = "starting",
        [SETPOINT_OWN] = "own",
        [SETPOINT_LIMITED] = "limited",
        [SETPOINT_SAFE] = "safe",
    };
    return names[mode];
}
