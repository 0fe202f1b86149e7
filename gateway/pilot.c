// SPDX-License-Identifier: Apache-2.0

#include "gateway/pilot.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static struct setpoint_now now_of(const struct pilot *pilot, struct pilot_now now)
{
    struct setpoint_now told = {.mono = now.mono};
    told.why_untimed = meter_clock_tell(&pilot->clock, now.mono, &told.utc);
    return told;
}

struct utc pilot_time(const struct pilot *pilot, struct pilot_now now)
{
    struct setpoint_now told = now_of(pilot, now);
    return told.why_untimed ? now.system : told.utc;
}

static void tell(struct pilot *pilot, enum feed_state state, const char *digest, const char *reason,
                 struct utc at)
{
    pilot->crew.tell(pilot->crew.arg, state, digest, reason, at);
}

static void tell_confirmed(struct pilot *pilot)
{
    struct setpoint *setpoint = &pilot->setpoint;
    if (!setpoint->confirmed)
        return;
    if (*setpoint->ended) {
        tell(pilot, FEED_ENDED, setpoint->ended, setpoint->reason, pilot_time(pilot, pilot->now));
        memcpy(pilot->state.done, setpoint->ended, sizeof pilot->state.done);
        setpoint_forget_ended(setpoint);
        pilot->is_unsaved = true;
    }
    if (setpoint->mode != SETPOINT_LIMITED || !setpoint->current.is_set) {
        pilot->applied[0] = '\0'; // when it holds again, that is news
        return;
    }
    const char *digest = setpoint->current.digest;
    if (!strcmp(pilot->applied, digest) && pilot->applied_period == setpoint->period)
        return;
    memcpy(pilot->applied, digest, sizeof pilot->applied);
    pilot->applied_period = setpoint->period;
    tell(pilot, FEED_APPLIED, digest, setpoint->reason, pilot_time(pilot, pilot->now));
}

// ---- what is kept

// When the message on P1 was accepted: now, or where it is kept already, then. So that what is
// told again after a restart is the same.
static struct utc accepted_at(const struct pilot *pilot)
{
    const struct state_profile *kept[] = {&pilot->state.current, &pilot->state.next};
    const struct trust *trust = &pilot->trust;
    for (int i = 0; i < 2; i++)
        if (kept[i]->is_set && kept[i]->len == trust->len
            && !memcmp(kept[i]->text, trust->octets, trust->len))
            return (struct utc){kept[i]->accepted * SECONDS_NS};
    return (struct utc){pilot_time(pilot, pilot->now).ns / SECONDS_NS * SECONDS_NS};
}

static void keep_message(struct pilot *pilot)
{
    struct state_profile *next = &pilot->state.next;
    *next = (struct state_profile){.is_set = true, .len = pilot->trust.len};
    next->accepted = pilot->accepted.ns / SECONDS_NS;
    memcpy(next->text, pilot->trust.octets, next->len);
}

static bool is_of(const struct state_profile *kept, const struct setpoint_profile *held)
{
    char text[DIGEST_TEXT_LEN + 1];
    struct digest digest = digest_of(kept->text, kept->len);
    digest_format(&digest, text);
    return kept->is_set && held->is_set && !strcmp(text, held->digest);
}

// Let the kept texts follow the profiles that hold. One that ended is kept until that was told.
static void follow_profiles(struct pilot *pilot)
{
    const struct setpoint *setpoint = &pilot->setpoint;
    struct state *state = &pilot->state;
    if (is_of(&state->next, &setpoint->current))
        state->current = state->next;
    if (!setpoint->current.is_set && !*setpoint->ended)
        state->current = (struct state_profile){0};
    if (!setpoint->next.is_set)
        state->next = (struct state_profile){0};
    if (setpoint->mode != SETPOINT_STARTING) {
        state->has_limit = true;
        state->limit_w = setpoint->limit_w;
    }
}

static bool read_profile(const struct pilot *pilot, const struct state_profile *kept,
                         struct long_message *message, char digest[static DIGEST_TEXT_LEN + 1])
{
    if (!kept->is_set)
        return false;
    long_message_read(kept->text, kept->len, pilot->rules->unit, message);
    struct digest sum = digest_of(kept->text, kept->len);
    digest_format(&sum, digest);
    const struct seal_gate *gate = &pilot->rules->seal;
    if (!seal_gate_is_set(gate) || seal_gate_key_of(gate, kept->text, kept->len) >= 0)
        return message->kind == LONG_MESSAGE_PROFILE;
    log_warn("state.not_sealed", F("digest", digest));
    return false;
}

// ---- messages

static void log_tolerated(const struct long_message *message)
{
    for (int i = 0; i < LONG_MESSAGE_ODDITIES; i++)
        if (message->oddities >> i & 1)
            log_info("message.tolerated",
                     F("oddity", long_message_oddity_name((enum long_message_oddity)i)));
}

static void refuse(struct pilot *pilot, const char *reason)
{
    tell(pilot, FEED_REFUSED, pilot->digest, reason, pilot_time(pilot, pilot->now));
}

// Do not obey a message of ours.
static void decline(struct pilot *pilot, const char *reason)
{
    setpoint_offer_none(&pilot->setpoint, reason);
    refuse(pilot, reason);
}

// Also of a message that is not obeyed: the operator meant it to take the place of all before it.
static void remember_seal(struct pilot *pilot)
{
    struct seal_gate_last *last = &pilot->state.seal;
    if (!seal_gate_is_set(&pilot->rules->seal) || last->seq == pilot->message.seq)
        return;
    last->seq = pilot->message.seq;
    memcpy(last->digest, pilot->digest, sizeof last->digest);
    pilot->is_unsaved = true;
}

// Offer the message on P1 to the state machine; again while there is no certain time.
static void offer(struct pilot *pilot)
{
    // What waits may have begun by now, and is kept as what holds before another takes its place.
    pilot_step(pilot, pilot->now);
    char reason[SETPOINT_REASON];
    struct setpoint_now now = now_of(pilot, pilot->now);
    const struct seal_gate *gate = &pilot->rules->seal;
    const char *fault = now.why_untimed
                            ? NULL
                            : seal_gate_refuses_at(gate, pilot->seal_key, now.utc.ns / SECONDS_NS);
    if (fault) {
        pilot->offer_again = false;
        decline(pilot, fault);
        return;
    }
    enum err err =
        setpoint_offer(&pilot->setpoint, &pilot->message.profile, pilot->digest, now, reason);
    pilot->offer_again = err == ERR_MORE;
    if (err == ERR_MORE)
        return;
    remember_seal(pilot); // now that its key is known to be good
    if (err) {
        refuse(pilot, reason);
        return;
    }
    log_tolerated(&pilot->message);
    pilot->accepted = accepted_at(pilot);
    pilot->was_accepted = true;
    keep_message(pilot);
}

static void judge_profile(struct pilot *pilot)
{
    const struct seal_gate *gate = &pilot->rules->seal;
    const struct trust *trust = &pilot->trust;
    pilot->seal_key = seal_gate_key_of(gate, (const char *)trust->octets, trust->len);
    const char *fault = seal_gate_refuses(gate, pilot->seal_key, pilot->message.seq, pilot->digest,
                                          &pilot->state.seal);
    if (fault)
        decline(pilot, fault);
    else
        offer(pilot);
}

// The message on P1 is the one that ended last, and that was told. By a clock that was ahead and is
// right again it has not.
static bool has_ended(const struct pilot *pilot)
{
    struct setpoint_now now = now_of(pilot, pilot->now);
    return !strcmp(pilot->digest, pilot->state.done)
           && (now.why_untimed || pilot->message.profile.valid_to <= now.utc.ns / SECONDS_NS);
}

static void judge_text(struct pilot *pilot)
{
    struct long_message *message = &pilot->message;
    const struct trust *trust = &pilot->trust;
    long_message_read((const char *)trust->octets, trust->len, pilot->rules->unit, message);
    if (message->kind == LONG_MESSAGE_EMPTY) {
        setpoint_offer_none(&pilot->setpoint, "the message is empty");
        return;
    }
    struct digest digest = digest_of(trust->octets, trust->len);
    digest_format(&digest, pilot->digest);
    if (has_ended(pilot)) {
        setpoint_offer_none(&pilot->setpoint, "the message on P1 has ended");
        return;
    }
    tell(pilot, FEED_SEEN, pilot->digest, long_message_kind_name(message->kind),
         accepted_at(pilot));
    if (message->kind == LONG_MESSAGE_PROFILE) {
        judge_profile(pilot);
        return;
    }
    char *reason = memory_format("%s: %s", long_message_kind_name(message->kind), message->reason);
    decline(pilot, reason);
    free(reason);
}

// A message has settled on P1.
static void judge(struct pilot *pilot)
{
    const char *fault = trust_message_fault(&pilot->trust);
    pilot->offer_again = false;
    pilot->digest[0] = '\0';
    if (!fault) {
        judge_text(pilot);
        return;
    }
    setpoint_offer_none(&pilot->setpoint, fault);
    if (pilot->trust.verdict != P1_TRUST_NO_MESSAGE)
        refuse(pilot, fault);
}

// ---- telegrams

// True: the clock was set, see meter_clock_read().
static bool read_clock(struct pilot *pilot, bool has_time, int64_t utc)
{
    const struct meter_clock_reading reading = {
        .mono = pilot->now.mono,
        .system = pilot->now.system,
        .system_is_synchronised = pilot->now.system_is_synchronised,
        .has_time = has_time,
        .time = utc,
    };
    bool had_complaint = *pilot->clock.why;
    bool is_set = meter_clock_read(&pilot->clock, &reading);
    if (*pilot->clock.why && !had_complaint)
        log_warn("clock.doubtful", F("why", pilot->clock.why),
                 F("difference_s", pilot->clock.difference_s));
    else if (!*pilot->clock.why && had_complaint)
        log_info("clock.certain", F("difference_s", pilot->clock.difference_s));
    return is_set;
}

// why: not; NULL: it is.
static bool is_believed(struct pilot *pilot, const char *why)
{
    if (why && why != pilot->refused)
        log_warn("telegram.refused", F("why", why));
    else if (!why && pilot->refused)
        log_info("telegram.believed");
    pilot->refused = why;
    return !why;
}

void pilot_step(struct pilot *pilot, struct pilot_now now)
{
    pilot->now = now;
    bool changed = setpoint_step(&pilot->setpoint, now_of(pilot, now));
    if (changed)
        pilot->crew.changed(pilot->crew.arg);
    if (pilot->was_accepted)
        tell(pilot, FEED_ACCEPTED, pilot->digest, pilot->setpoint.reason, pilot->accepted);
    pilot->is_unsaved |= changed || pilot->was_accepted;
    pilot->was_accepted = false;
    tell_confirmed(pilot);
    if (!pilot->is_unsaved)
        return;
    follow_profiles(pilot);
    pilot->is_unsaved = false;
    pilot->crew.save(pilot->crew.arg);
}

static bool is_held(const struct pilot *pilot)
{
    const struct setpoint *setpoint = &pilot->setpoint;
    return (setpoint->current.is_set && !strcmp(setpoint->current.digest, pilot->digest))
           || (setpoint->next.is_set && !strcmp(setpoint->next.digest, pilot->digest));
}

// The message on P1 is the same. It may have waited for a certain time; and when the clock was set,
// one that is not held because it had ended by the time before may hold.
static void judge_anew(struct pilot *pilot, bool clock_was_set)
{
    if (pilot->offer_again)
        offer(pilot);
    else if (clock_was_set && !is_held(pilot))
        judge(pilot);
}

bool pilot_take(struct pilot *pilot, const struct p1_telegram *telegram, struct pilot_now now)
{
    pilot->now = now;
    if (!is_believed(pilot, trust_refuses(&pilot->trust, telegram)))
        return false;
    bool is_set = read_clock(pilot, telegram->time.status == P1_VALUE, telegram->time.utc);
    setpoint_hear(&pilot->setpoint, now_of(pilot, now));
    if (trust_settles(&pilot->trust, telegram))
        judge(pilot);
    else if (trust_is_settled(&pilot->trust))
        judge_anew(pilot, is_set);
    pilot_step(pilot, now);
    return true;
}

static const char *tic_fault(const struct pilot *pilot, const struct tic *tic)
{
    const char *wanted = pilot->rules->trust.equipment_id;
    if (tic->address.status != TIC_VALUE)
        return "no address of the meter";
    return *wanted && strcmp(wanted, tic->address.text) != 0 ? "the frame is of another meter"
                                                             : NULL;
}

// Count the frames that show the same code. True: it has just settled.
static bool code_settles(struct pilot *pilot, const char *code)
{
    int repeats = pilot->rules->trust.repeats;
    if (strcmp(pilot->code, code) != 0)
        pilot->code_seen = 0;
    memcpy(pilot->code, code, strlen(code) + 1);
    pilot->code_seen += pilot->code_seen <= repeats;
    return pilot->code_seen == repeats;
}

static void judge_code(struct pilot *pilot)
{
    const struct preset *preset = preset_find(&pilot->rules->presets, pilot->code);
    if (preset) {
        setpoint_preset(&pilot->setpoint, preset->code, preset->limit_w);
        return;
    }
    char *why = memory_format("the code is \"%s\"", pilot->code);
    setpoint_offer_none(&pilot->setpoint, why);
    free(why);
}

bool pilot_take_tic(struct pilot *pilot, const struct tic *tic, struct pilot_now now)
{
    char code[TIC_TEXT_MAX + 1];
    pilot->now = now;
    if (!is_believed(pilot, tic_fault(pilot, tic)))
        return false;
    read_clock(pilot, tic->time.status == TIC_VALUE, tic->time.utc);
    setpoint_hear(&pilot->setpoint, now_of(pilot, now));
    bool is_told = preset_code(&pilot->rules->presets, tic, code);
    if (!is_told)
        code[0] = '\0'; // none; or it was in a damaged group, which tells nothing
    if ((is_told || !tic->damaged) && code_settles(pilot, code))
        judge_code(pilot);
    pilot_step(pilot, now);
    return true;
}

void pilot_confirm(struct pilot *pilot, int32_t limit_w)
{
    setpoint_confirm(&pilot->setpoint, limit_w);
}

void pilot_fail(struct pilot *pilot, int32_t limit_w, bool refused, const char *why,
                struct pilot_now now)
{
    setpoint_fail(&pilot->setpoint, limit_w, refused, why, now_of(pilot, now));
}

int64_t pilot_wait(const struct pilot *pilot, struct pilot_now now)
{
    return setpoint_wait(&pilot->setpoint, now_of(pilot, now));
}

void pilot_start(struct pilot *pilot, const struct pilot_rules *rules,
                 const struct pilot_crew *crew, const struct state *kept, struct pilot_now now)
{
    char digest[DIGEST_TEXT_LEN + 1];
    memset(pilot, 0, sizeof *pilot);
    pilot->rules = rules;
    pilot->crew = *crew;
    pilot->now = now;
    if (kept)
        pilot->state = *kept;
    trust_start(&pilot->trust, &rules->trust);
    meter_clock_start(&pilot->clock, &rules->clock);
    const struct state *state = &pilot->state;
    int32_t stored_w = state->has_limit ? state->limit_w : INT32_MAX;
    setpoint_start(&pilot->setpoint, &rules->setpoint, stored_w, now_of(pilot, now));
    if (read_profile(pilot, &state->current, &pilot->message, digest))
        setpoint_restore(&pilot->setpoint, &pilot->message.profile, digest, false);
    if (read_profile(pilot, &state->next, &pilot->message, digest))
        setpoint_restore(&pilot->setpoint, &pilot->message.profile, digest, true);
    setpoint_step(&pilot->setpoint, now_of(pilot, now));
}
