// SPDX-License-Identifier: Apache-2.0
// The gateway's decisions, flown through weeks of a street: an operator who changes his mind,
// somebody else with hands on the plug, damaged telegrams, silence, clocks that jump, a charger
// that fails in every way, power cuts, and a state file that is lost. What was promised is
// asserted at each second, against a model that knows only what happened in the street.

#include "gateway/pilot.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONTRACT = 11040,
    SAFE = 4200,
    HOLD_S = 120,
    LEAST_HOLD_S = 30,
    CONFIRM_S = 10,
    REPEATS = 2,
    BOUND_S = 60,
    WATCH_S = 5, // the charger session reads back, as by default
    // Stated in the manual: telegrams that must agree, one more for its time, and the charger's
    // watch where it forgot.
    REACTION_S = REPEATS + 1,
    REGISTER_REACTION_S = REACTION_S + WATCH_S + 1,
    OWN_FALLBACK = 6000, // of the charger
    QUIET_S = 2 * HOLD_S + CONFIRM_S + 60,
};
static const int64_t START = 1774656000; // 2026-03-28: summer time begins on the second day
static const char meter[] = "E0051000000000001";

struct message {
    bool is_sealed; // by the operator, for this meter ...
    bool is_ours;   // ... and within the contract
    int64_t seq;
    struct profile profile;
    enum p1_message_status status;
    int lines;
    size_t len;
    char text[LONG_MESSAGE_MAX + 1];
};

enum charger_mood { WELL, SILENT, REFUSING, STUCK };

struct world {
    uint64_t random;
    int64_t s; // since START
    struct seal_key *key, *stranger;
    struct pilot_rules rules;
    struct pilot pilot;

    char *file; // the state file; NULL: none
    struct message on_p1, older;
    int64_t seq;

    int64_t silent_until, meter_jump_s, meter_jump_until, system_jump_s, system_jump_until;

    // The charger. Its session writes what is wanted, and looks after it each WATCH_S.
    enum charger_mood mood;
    int64_t mood_until, looked_at;
    int32_t reg, written;

    // What was certainly delivered to the gateway, by the rules of the street.
    int agreed; // telegrams in a row with on_p1
    struct profile current, next;
    int64_t delivered_seq;
    bool is_unsure; // of which profile holds, after a change within seconds of its beginning

    int64_t heard_at, trouble_at, above_since, register_above_since;
    int64_t refusals, accepted, applied, ended, restarts, lost, modes[4], checked_live;
};

static int64_t below(struct world *w, int64_t bound)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (int64_t)(w->random >> 1) % bound;
}

static bool once_in(struct world *w, int64_t seconds)
{
    return below(w, seconds) == 0;
}

static int64_t utc(const struct world *w)
{
    return START + w->s;
}

static struct pilot_now now_of(const struct world *w)
{
    int64_t jump = w->s < w->system_jump_until ? w->system_jump_s : 0;
    return (struct pilot_now){{(1000 + w->s) * SECONDS_NS}, {(utc(w) + jump) * SECONDS_NS}, true};
}

// ---- the crew

static void on_changed(void *arg)
{
    struct world *w = arg;
    cr_assert(*w->pilot.setpoint.reason, "always a reason");
}

static void on_tell(void *arg, enum feed_state state, const char *digest, const char *reason,
                    struct utc at)
{
    struct world *w = arg;
    (void)digest;
    cr_assert(*reason, "always a reason: %s", feed_state_name(state));
    cr_assert_gt(at.ns, 0);
    w->refusals += state == FEED_REFUSED;
    w->accepted += state == FEED_ACCEPTED;
    w->applied += state == FEED_APPLIED;
    w->ended += state == FEED_ENDED;
}

static void on_save(void *arg)
{
    struct world *w = arg;
    free(w->file);
    w->file = state_encode(&w->pilot.state);
}

static void start(struct world *w)
{
    static struct state kept;
    const struct pilot_crew crew = {on_changed, on_tell, on_save, w};
    bool is_kept = w->file && !state_decode(w->file, strlen(w->file), &kept);
    int32_t stored = is_kept && kept.has_limit ? kept.limit_w : INT32_MAX;
    pilot_start(&w->pilot, &w->rules, &crew, is_kept ? &kept : NULL, now_of(w));
    cr_assert_leq(w->pilot.setpoint.limit_w, SAFE, "the first limit");
    cr_assert_leq(w->pilot.setpoint.limit_w, stored, "the first limit");
    if (!is_kept) {
        w->current.count = w->next.count = 0;
        w->delivered_seq = 0;
    }
    pilot_step(&w->pilot, now_of(w));
    w->agreed = 0;
    w->heard_at = w->trouble_at = w->s;
    w->written = -1;
}

// ---- messages

static struct profile random_profile(struct world *w, int32_t most)
{
    struct profile profile = {.valid_from = utc(w) / 60 * 60 + 60 * (below(w, 20) - 8)};
    int64_t at = profile.valid_from;
    profile.count = 1 + (int)below(w, 4);
    for (int i = 0; i < profile.count; i++) {
        struct profile_limits *set = &profile.periods[i].set;
        profile.periods[i].start = at;
        profile_set(set, PROFILE_MAX_POWER, (int32_t)below(w, most + 1));
        if (once_in(w, 4))
            profile_set(set, PROFILE_FALLBACK_POWER, (int32_t)below(w, CONTRACT));
        if (once_in(w, 4))
            profile_set(set, PROFILE_REFRESH_INTERVAL, 1 + (int32_t)below(w, 200));
        at += 60 * (1 + below(w, 15));
    }
    profile.valid_to = at;
    return profile;
}

static void write_message(struct world *w, struct message *message, const struct seal_key *key,
                          const char *id, int32_t most)
{
    char plain[LONG_MESSAGE_MAX + 1];
    struct profile profile = random_profile(w, most);
    *message = (struct message){.status = P1_MESSAGE_PRESENT, .lines = 1, .seq = ++w->seq};
    cr_assert_eq(long_message_write(&profile, LONG_MESSAGE_W, SEAL_ROOM, plain, &message->profile),
                 ERR_NONE);
    memcpy(message->text, plain, sizeof plain);
    if (key)
        cr_assert_eq(seal_write(plain, strlen(plain), w->seq, id, key, message->text), ERR_NONE);
    message->len = strlen(message->text);
}

static void send_ours(struct world *w)
{
    w->older = w->on_p1;
    write_message(w, &w->on_p1, w->key, meter, CONTRACT);
    w->on_p1.is_sealed = w->on_p1.is_ours = true;
    w->agreed = 0;
}

static void put_text(struct world *w, const char *text, enum p1_message_status status, int lines)
{
    w->on_p1 = (struct message){.status = status, .lines = lines, .len = strlen(text)};
    memcpy(w->on_p1.text, text, w->on_p1.len);
}

// Somebody else, or chance, or an operator's mistake.
static void send_other(struct world *w)
{
    struct message ours = w->on_p1;
    switch (below(w, 9)) {
    case 0:
        write_message(w, &w->on_p1, NULL, meter, CONTRACT);
        break;
    case 1:
        write_message(w, &w->on_p1, w->stranger, meter, CONTRACT);
        break;
    case 2:
        write_message(w, &w->on_p1, w->key, "E0051000000000002", CONTRACT);
        break;
    case 3: // as long as the power that is above the contract is in it
        do
            write_message(w, &w->on_p1, w->key, meter, 2 * CONTRACT);
        while (w->on_p1.profile.periods[0].set.max_power_w <= CONTRACT);
        w->on_p1.is_sealed = true;
        break;
    case 4:
        w->on_p1 = w->older; // a replay, or the one before came late
        break;
    case 5:
        if (ours.is_ours) {
            w->on_p1.text[below(w, (int64_t)ours.len)] ^= 1;
            w->on_p1.is_sealed = w->on_p1.is_ours = false;
        }
        break;
    case 6:
        put_text(w, "", P1_MESSAGE_EMPTY, 1);
        break;
    case 7:
        put_text(w, "PAS DE          MESSAGE", P1_MESSAGE_PRESENT, 1);
        break;
    default:
        put_text(w, "", P1_MESSAGE_BAD, 1 + (int)below(w, 2));
        break;
    }
    if (w->on_p1.len != ours.len || memcmp(w->on_p1.text, ours.text, ours.len) != 0
        || w->on_p1.status != ours.status || w->on_p1.lines != ours.lines)
        w->agreed = 0;
}

// ---- the model of what holds

static void turn_pages(struct world *w)
{
    if (w->next.count && w->next.valid_from <= utc(w)) {
        w->current = w->next;
        w->next.count = 0;
        w->is_unsure = false;
    }
    if (w->current.count && w->current.valid_to <= utc(w))
        w->current.count = 0;
}

static int32_t power_at(const struct profile *profile, int64_t at)
{
    struct profile_limits limits = {0};
    if (profile->count)
        limits = profile_at(profile, at);
    return profile_has(&limits, PROFILE_MAX_POWER) ? limits.max_power_w : CONTRACT;
}

// What may be drawn now.
static int32_t allowed(const struct world *w)
{
    return w->is_unsure ? CONTRACT : power_at(&w->current, utc(w));
}

static void deliver(struct world *w)
{
    const struct message *message = &w->on_p1;
    bool is_new = message->seq > w->delivered_seq;
    if (!message->is_sealed || (!is_new && message->seq != w->delivered_seq))
        return;
    if (!message->is_ours || message->profile.valid_to <= utc(w)) {
        w->delivered_seq = message->seq; // nothing older is obeyed after it
        return;
    }
    if (is_new && w->next.count && llabs(w->next.valid_from - utc(w)) <= 3)
        w->is_unsure = true;
    w->delivered_seq = message->seq;
    w->next = message->profile;
    turn_pages(w);
}

// ---- a second in the street

static void lose_file(struct world *w)
{
    w->lost++;
    if (below(w, 2) && w->file) {
        w->file[below(w, (int64_t)strlen(w->file))] ^= 4;
        return;
    }
    free(w->file);
    w->file = NULL;
}

static void cause_trouble(struct world *w)
{
    if (once_in(w, 900))
        send_ours(w);
    if (once_in(w, 400))
        send_other(w);
    if (once_in(w, 1500))
        w->silent_until = w->s + below(w, below(w, 3) ? 20 : 400);
    if (once_in(w, 3000)) {
        w->meter_jump_s = (below(w, 2) ? 1 : -1) * (BOUND_S + 5 + below(w, 100000));
        w->meter_jump_until = w->s + below(w, 600);
    }
    if (once_in(w, 5000)) {
        w->system_jump_s = (below(w, 2) ? 1 : -1) * (BOUND_S + 5 + below(w, 100000));
        w->system_jump_until = w->s + below(w, 300);
    }
    // Two clocks that agree on a wrong time are believed.
    if (llabs(w->meter_jump_s - w->system_jump_s) <= 3 * BOUND_S)
        w->system_jump_until = w->s;
    if (w->s >= w->mood_until)
        w->mood = WELL;
    if (once_in(w, 1500)) {
        w->mood = (enum charger_mood)(1 + below(w, 3));
        w->mood_until = w->s + below(w, 200);
    }
    if (once_in(w, 3000))
        w->reg = OWN_FALLBACK; // restarted
    if (once_in(w, 2000)) {
        if (once_in(w, 10))
            lose_file(w);
        w->silent_until = w->silent_until > w->s + 3 ? w->silent_until : w->s + below(w, 4);
        w->restarts++;
        start(w);
    }
    if (w->s < w->silent_until || w->s < w->meter_jump_until || w->s < w->system_jump_until
        || w->mood != WELL)
        w->trouble_at = w->s;
}

static void send_telegram(struct world *w)
{
    static struct p1_telegram telegram;
    if (w->s < w->silent_until)
        return;
    int64_t jump = w->s < w->meter_jump_until ? w->meter_jump_s : 0;
    bool is_damaged = once_in(w, 30), is_foreign = once_in(w, 300);
    memset(&telegram, 0, offsetof(struct p1_telegram, message.octets));
    telegram.crc = is_damaged ? P1_CRC_BAD : P1_CRC_OK;
    telegram.crc_digits = 4;
    telegram.version = (struct p1_text){P1_VALUE, 2, "50"};
    telegram.equipment_id = (struct p1_text){.status = P1_VALUE, .len = sizeof meter - 1};
    memcpy(telegram.equipment_id.text, is_foreign ? "E0051000000000009" : meter, sizeof meter);
    telegram.time = (struct p1_time){P1_VALUE, utc(w) + jump};
    telegram.message.status = w->on_p1.status;
    telegram.message.lines = w->on_p1.lines;
    telegram.message.len = w->on_p1.len;
    memcpy(telegram.message.octets, w->on_p1.text, w->on_p1.len);

    bool is_believed = pilot_take(&w->pilot, &telegram, now_of(w));
    cr_assert_eq(is_believed, !is_damaged && !is_foreign);
    if (!is_believed)
        return;
    w->heard_at = w->s;
    w->agreed += w->agreed < REPEATS;
    struct utc told;
    if (w->agreed == REPEATS && !meter_clock_tell(&w->pilot.clock, now_of(w).mono, &told))
        deliver(w);
}

static void serve_charger(struct world *w)
{
    int32_t limit = w->pilot.setpoint.limit_w;
    bool is_due =
        limit != w->written || !w->pilot.setpoint.confirmed || w->s - w->looked_at >= WATCH_S;
    if (!is_due)
        return;
    w->looked_at = w->s;
    w->written = limit;
    if (w->mood == WELL) {
        w->reg = limit;
        pilot_confirm(&w->pilot, limit);
    } else {
        if (w->mood == STUCK)
            w->reg = OWN_FALLBACK;
        pilot_fail(&w->pilot, limit, w->mood != SILENT, "says the charger", now_of(w));
    }
    pilot_step(&w->pilot, now_of(w));
}

static void check(struct world *w)
{
    const struct setpoint *setpoint = &w->pilot.setpoint;
    turn_pages(w);
    w->modes[setpoint->mode]++;
    cr_assert(setpoint->limit_w >= 0 && setpoint->limit_w <= CONTRACT, "never above the contract");
    cr_assert_leq(w->reg, CONTRACT, "nor the register");
    if (w->s - w->heard_at >= HOLD_S) {
        cr_assert_eq(setpoint->mode, SETPOINT_SAFE, "safe within the hold time");
        cr_assert_leq(setpoint->limit_w, SAFE, "safe within the hold time");
    }
    if (setpoint->mode == SETPOINT_SAFE || setpoint->mode == SETPOINT_STARTING)
        cr_assert_leq(setpoint->limit_w, SAFE);

    if (setpoint->limit_w <= allowed(w))
        w->above_since = w->s;
    cr_assert_leq(w->s - w->above_since, REACTION_S, "%d W, but only %d W are allowed, at %lld: %s",
                  setpoint->limit_w, allowed(w), (long long)w->s, setpoint->reason);
    if (w->reg <= allowed(w) || w->mood != WELL)
        w->register_above_since = w->s;
    cr_assert_leq(w->s - w->register_above_since, REGISTER_REACTION_S,
                  "the register says %d W, but only %d W are allowed, at %lld: %s", w->reg,
                  allowed(w), (long long)w->s, setpoint->reason);

    if (w->s - w->trouble_at > QUIET_S && !w->is_unsure && w->s - w->above_since == 0
        && power_at(&w->current, utc(w) - REACTION_S) == allowed(w) && w->agreed == REPEATS) {
        w->checked_live++;
        cr_assert(setpoint->mode == SETPOINT_OWN || setpoint->mode == SETPOINT_LIMITED,
                  "all is well, but at %lld: %s", (long long)w->s, setpoint->reason);
        cr_assert_eq(setpoint->limit_w, allowed(w), "%d W for %d W, at %lld: %s", setpoint->limit_w,
                     allowed(w), (long long)w->s, setpoint->reason);
    }
}

static void fly(uint64_t seed, int64_t seconds)
{
    static struct world world;
    struct world *w = &world;
    *w = (struct world){.random = seed, .reg = OWN_FALLBACK};
    w->key = seal_key_make();
    w->stranger = seal_key_make();
    w->rules = (struct pilot_rules){
        .trust = {meter, REPEATS},
        .clock = {METER_CLOCK_AUTO, BOUND_S, HOLD_S * SECONDS_NS},
        .seal = {.keys = {{true, seal_key_public(w->key), INT64_MIN, INT64_MAX}},
                 .equipment_id = meter},
        .setpoint = {.contract_w = CONTRACT,
                     .safe_w = SAFE,
                     .hold_ns = HOLD_S * SECONDS_NS,
                     .confirm_ns = CONFIRM_S * SECONDS_NS,
                     .least_hold_ns = LEAST_HOLD_S * SECONDS_NS},
        .unit = LONG_MESSAGE_W,
    };
    put_text(w, "", P1_MESSAGE_EMPTY, 1);
    w->older = w->on_p1;
    start(w);
    for (; w->s < seconds; w->s++) {
        cause_trouble(w);
        send_telegram(w);
        serve_charger(w);
        pilot_step(&w->pilot, now_of(w));
        check(w);
    }
    for (int m = 0; m < 4; m++)
        cr_expect_gt(w->modes[m], seconds / 1000, "%s was seen %lld times", setpoint_mode_name(m),
                     (long long)w->modes[m]);
    cr_expect_gt(w->checked_live, seconds / 100, "quiet for %lld s", (long long)w->checked_live);
    cr_expect(
        w->refusals > 100 && w->accepted > 100 && w->applied > 100 && w->ended > 100 && w->lost > 5,
        "%lld refusals, %lld accepted, %lld applied, %lld ended, %lld lost", (long long)w->refusals,
        (long long)w->accepted, (long long)w->applied, (long long)w->ended, (long long)w->lost);
    free(w->file);
    seal_key_free(w->key);
    seal_key_free(w->stranger);
}

static int64_t seconds_asked(void)
{
    const char *asked = getenv("PILOT_SECONDS");
    return asked ? atoll(asked) : 1000000;
}

// A million seconds each, eleven days and a half, each with several events; or as many as
// PILOT_SECONDS says. The second and the third course each found a
// way to lose a profile that a silent meter and a wrong clock open together.
Test(pilot, keeps_its_promises_on_one_course, .timeout = 3600)
{
    fly(362436069362436069, seconds_asked());
}

Test(pilot, keeps_its_promises_on_a_second_course, .timeout = 3600)
{
    fly(UINT64_C(0x9E3779B97F4A7C15), seconds_asked());
}

Test(pilot, keeps_its_promises_on_a_third_course, .timeout = 3600)
{
    fly(4 * UINT64_C(0x9E3779B97F4A7C15), seconds_asked());
}
