// SPDX-License-Identifier: Apache-2.0

#include "gateway/control.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"
#include "gateway/quarter_load.h"
#include "gateway/state.h"
#include "io/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

enum { MESSAGES = 8 };                                // kept for who asks
static const int64_t SAVE_AGAIN_NS = 10 * SECONDS_NS; // machine time

// What the charger last said of the limit that it has.
struct register_shown {
    char text[CHARGER_GROUP_TEXT];
    int32_t watts;
};

struct control {
    const struct control_settings *settings;
    struct feed *feed;
    struct charger_group *chargers;
    struct loop_timer *step_timer, *save_timer;
    struct mono step_at; // when step_timer fires

    struct trust trust;
    struct meter_clock clock;
    struct setpoint setpoint;
    struct quarter_load load;
    struct state state;
    struct state_file *file;

    int32_t wanted_w;            // last told to the charger; -1: nothing yet
    struct register_shown shown; // of it, once confirmed
    const char *refused;         // why the last telegram was not believed
    char charger_said[CHARGER_GROUP_REASON];
    char applied[SETPOINT_DIGEST + 1]; // told as applied ...
    int applied_period;                // ... this period ...
    int32_t applied_w;                 // ... with this limit
    struct feed_status load_status;    // at the last telegram: perhaps the end of a quarter
    uint64_t damaged;                  // frames since the last quarter hour
    bool is_unsaved, save_failed;
    struct control_message messages[MESSAGES];
    int64_t message_count; // all that were told

    char digest[DIGEST_TEXT_LEN + 1]; // of the message that stands on P1
    bool offer_again;                 // it waits for a certain time
    bool was_accepted;                // and is to be told
    struct utc accepted;              // when
    struct long_message message;      // it
    struct p1_telegram telegram;
};

static struct setpoint_now now_of(const struct control *control)
{
    struct setpoint_now now = {.mono = clock_mono()};
    now.why_untimed = meter_clock_tell(&control->clock, now.mono, &now.utc);
    return now;
}

// For what is told and stored: the certain time, or else the system's.
static struct utc time_of(const struct control *control)
{
    struct setpoint_now now = now_of(control);
    return now.why_untimed ? clock_utc() : now.utc;
}

// ---- what is told

static struct feed_status status_of(const struct control *control)
{
    const struct setpoint *setpoint = &control->setpoint;
    struct utc at = time_of(control);
    return (struct feed_status){
        .at = at,
        .since = {at.ns - (clock_mono().ns - setpoint->since.ns)},
        .mode = setpoint->mode,
        .reason = setpoint->reason,
        .has_limit = setpoint->mode != SETPOINT_OWN,
        .limit_w = setpoint->limit_w,
    };
}

static void tell(struct control *control, enum feed_state state, const char *digest,
                 const char *reason, struct utc at)
{
    const struct setpoint *setpoint = &control->setpoint;
    const struct feed_receipt receipt = {
        .at = at,
        .state = state,
        .digest = digest,
        .mode = setpoint->mode,
        .reason = reason,
        .has_limit = setpoint->mode != SETPOINT_OWN,
        .limit_w = setpoint->limit_w,
        .reg = *control->shown.text ? control->shown.text : NULL,
        .reg_w = control->shown.watts,
    };
    log_info("message.receipt", F("state", feed_state_name(state)), F("digest", digest),
             F("reason", reason));
    feed_receipt(control->feed, &receipt);
    struct control_message *kept = &control->messages[control->message_count++ % MESSAGES];
    *kept = (struct control_message){.at = at, .state = state};
    snprintf(kept->reason, sizeof kept->reason, "%s", reason);
}

static void tell_confirmed(struct control *control)
{
    struct setpoint *setpoint = &control->setpoint;
    if (!setpoint->confirmed)
        return;
    if (*setpoint->ended) {
        tell(control, FEED_ENDED, setpoint->ended, setpoint->reason, time_of(control));
        memcpy(control->state.done, setpoint->ended, sizeof control->state.done);
        setpoint_forget_ended(setpoint);
        control->is_unsaved = true;
    }
    if (setpoint->mode != SETPOINT_LIMITED) {
        control->applied[0] = '\0'; // when it holds again, that is news
        return;
    }
    const char *digest = setpoint->current.digest;
    if (!strcmp(control->applied, digest) && control->applied_period == setpoint->period
        && control->applied_w == setpoint->limit_w)
        return;
    memcpy(control->applied, digest, sizeof control->applied);
    control->applied_period = setpoint->period;
    control->applied_w = setpoint->limit_w;
    tell(control, FEED_APPLIED, digest, setpoint->reason, time_of(control));
}

// ---- what is kept

// When the message on P1 was accepted: now, or where it is kept already, then. So that what is
// told again after a restart is the same.
static struct utc accepted_at(const struct control *control)
{
    const struct state_profile *kept[] = {&control->state.current, &control->state.next};
    const struct trust *trust = &control->trust;
    for (int i = 0; i < 2; i++)
        if (kept[i]->is_set && kept[i]->len == trust->len
            && !memcmp(kept[i]->text, trust->octets, trust->len))
            return (struct utc){kept[i]->accepted * SECONDS_NS};
    return (struct utc){time_of(control).ns / SECONDS_NS * SECONDS_NS};
}

static void keep_message(struct control *control)
{
    struct state_profile *next = &control->state.next;
    *next = (struct state_profile){.is_set = true, .len = control->trust.len};
    next->accepted = control->accepted.ns / SECONDS_NS;
    memcpy(next->text, control->trust.octets, next->len);
}

static bool is_of(const struct state_profile *kept, const struct setpoint_profile *held)
{
    char text[DIGEST_TEXT_LEN + 1];
    struct digest digest = digest_of(kept->text, kept->len);
    digest_format(&digest, text);
    return kept->is_set && held->is_set && !strcmp(text, held->digest);
}

// Let the kept texts follow the profiles that hold. One that ended is kept until that was told.
static void follow_profiles(struct control *control)
{
    const struct setpoint *setpoint = &control->setpoint;
    struct state *state = &control->state;
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

static void save(void *arg)
{
    struct control *control = arg;
    char why[STATE_REASON];
    if (!control->file)
        return;
    bool failed = state_file_save(control->file, &control->state, why) != ERR_NONE;
    if (failed && !control->save_failed)
        log_error("state.not_saved", F("why", why));
    else if (!failed && control->save_failed)
        log_info("state.saved_again");
    control->save_failed = failed;
    if (failed)
        loop_timer_in(control->save_timer, clock_machine_ns(SAVE_AGAIN_NS));
}

static bool read_profile(const struct control *control, const struct state_profile *kept,
                         struct long_message *message, char digest[static DIGEST_TEXT_LEN + 1])
{
    if (!kept->is_set)
        return false;
    long_message_read(kept->text, kept->len, control->settings->unit, message);
    struct digest sum = digest_of(kept->text, kept->len);
    digest_format(&sum, digest);
    return message->kind == LONG_MESSAGE_PROFILE;
}

static void restore(struct control *control)
{
    char why[STATE_REASON] = "no file is set", digest[DIGEST_TEXT_LEN + 1];
    enum err err = control->file ? state_file_load(control->file, &control->state, why) : ERR_IO;
    if (err)
        log_warn("state.none", F("why", why));
    struct state *state = &control->state;
    int32_t stored_w = state->has_limit ? state->limit_w : INT32_MAX;
    setpoint_start(&control->setpoint, &control->settings->setpoint, stored_w, now_of(control));
    if (read_profile(control, &state->current, &control->message, digest))
        setpoint_restore(&control->setpoint, &control->message.profile, digest, false);
    if (read_profile(control, &state->next, &control->message, digest))
        setpoint_restore(&control->setpoint, &control->message.profile, digest, true);
    if (!err)
        log_info("state.restored", F("limit_w", state->has_limit ? state->limit_w : -1),
                 F("profile", control->setpoint.current.is_set),
                 F("waiting", control->setpoint.next.is_set));
}

// ---- deciding

static void want(struct control *control)
{
    int32_t limit_w = control->setpoint.limit_w;
    if (limit_w == control->wanted_w)
        return;
    control->wanted_w = limit_w;
    control->shown.text[0] = '\0';
    charger_group_want(control->chargers, limit_w);
}

// Wake up when time changes something. An earlier wake-up is harmless, so the timer is only
// set when it would come too late: not with every telegram.
static void set_timer(struct control *control, struct setpoint_now now)
{
    int64_t wait = setpoint_wait(&control->setpoint, now);
    if (wait == INT64_MAX)
        return;
    if (now.mono.ns < control->step_at.ns && now.mono.ns + wait >= control->step_at.ns)
        return;
    control->step_at.ns = now.mono.ns + wait;
    loop_timer_in(control->step_timer, wait);
}

static void tell_systemd(const struct setpoint *setpoint)
{
    char text[SETPOINT_REASON + 40];
    snprintf(text, sizeof text, "%s, %d W: %s", setpoint_mode_name(setpoint->mode),
             setpoint->limit_w, setpoint->reason);
    notify_status(text);
}

static void step(struct control *control)
{
    struct setpoint *setpoint = &control->setpoint;
    struct setpoint_now now = now_of(control);
    bool changed = setpoint_step(setpoint, now);
    if (changed) {
        want(control);
        log_info("limit.changed", F("mode", setpoint_mode_name(setpoint->mode)),
                 F("limit_w", setpoint->limit_w), F("reason", setpoint->reason));
        const struct feed_status status = status_of(control);
        feed_status(control->feed, &status);
        tell_systemd(setpoint);
    }
    if (control->was_accepted)
        tell(control, FEED_ACCEPTED, control->digest, setpoint->reason, control->accepted);
    control->is_unsaved |= changed || control->was_accepted;
    control->was_accepted = false;
    tell_confirmed(control);
    if (control->is_unsaved) {
        follow_profiles(control);
        save(control);
    }
    control->is_unsaved = false;
    set_timer(control, now);
}

static void on_step(void *arg)
{
    struct control *control = arg;
    control->step_at.ns = 0;
    step(control);
}

// ---- messages

static void log_tolerated(const struct long_message *message)
{
    for (int i = 0; i < LONG_MESSAGE_ODDITIES; i++)
        if (message->oddities >> i & 1)
            log_info("message.tolerated", F("oddity", long_message_oddity_name(i)));
    unsigned obeyed = 1U << PROFILE_MAX_POWER | 1U << PROFILE_LOAD_REDUCT;
    unsigned present = 0;
    for (int i = 0; i < message->profile.count; i++)
        present |= message->profile.periods[i].set.present;
    for (int i = 0; i < PROFILE_FIELDS; i++)
        if ((present & ~obeyed) >> i & 1)
            log_warn("message.not_obeyed", F("field", profile_field_name(i)));
}

static void refuse(struct control *control, const char *reason)
{
    tell(control, FEED_REFUSED, control->digest, reason, time_of(control));
}

// Offer the message on P1 to the state machine; again while there is no certain time.
static void offer(struct control *control)
{
    char reason[SETPOINT_REASON];
    enum err err = setpoint_offer(&control->setpoint, &control->message.profile, control->digest,
                                  now_of(control), reason);
    control->offer_again = err == ERR_MORE;
    if (err == ERR_MORE)
        return;
    if (err) {
        refuse(control, reason);
        return;
    }
    log_tolerated(&control->message);
    control->accepted = accepted_at(control);
    control->was_accepted = true;
    keep_message(control);
}

static void judge_text(struct control *control)
{
    struct long_message *message = &control->message;
    const struct trust *trust = &control->trust;
    long_message_read((const char *)trust->octets, trust->len, control->settings->unit, message);
    if (message->kind == LONG_MESSAGE_EMPTY) {
        setpoint_offer_none(&control->setpoint, "the message is empty");
        return;
    }
    struct digest digest = digest_of(trust->octets, trust->len);
    digest_format(&digest, control->digest);
    if (!strcmp(control->digest, control->state.done)) {
        setpoint_offer_none(&control->setpoint, "the message on P1 has ended");
        return;
    }
    tell(control, FEED_SEEN, control->digest, long_message_kind_name(message->kind),
         accepted_at(control));
    if (message->kind == LONG_MESSAGE_PROFILE) {
        offer(control);
        return;
    }
    char *reason = memory_format("%s: %s", long_message_kind_name(message->kind), message->reason);
    setpoint_offer_none(&control->setpoint, reason);
    refuse(control, reason);
    free(reason);
}

// A message has settled on P1.
static void judge(struct control *control)
{
    const char *fault = trust_message_fault(&control->trust);
    control->offer_again = false;
    control->digest[0] = '\0';
    if (!fault) {
        judge_text(control);
        return;
    }
    setpoint_offer_none(&control->setpoint, fault);
    if (control->trust.verdict != P1_TRUST_NO_MESSAGE)
        refuse(control, fault);
}

// ---- telegrams

static bool is_synchronised(const struct control *control)
{
    struct timex timex = {0};
    return control->settings->system_is_synchronised
           || (adjtimex(&timex) >= 0 && !(timex.status & STA_UNSYNC));
}

static void read_clock(struct control *control)
{
    const struct p1_telegram *telegram = &control->telegram;
    const struct meter_clock_reading reading = {
        .mono = clock_mono(),
        .system = clock_utc(),
        .system_is_synchronised = is_synchronised(control),
        .has_time = telegram->time.status == P1_VALUE,
        .time = telegram->time.utc,
    };
    bool had_complaint = *control->clock.why;
    meter_clock_read(&control->clock, &reading);
    if (*control->clock.why && !had_complaint)
        log_warn("clock.doubtful", F("why", control->clock.why),
                 F("difference_s", control->clock.difference_s));
    else if (!*control->clock.why && had_complaint)
        log_info("clock.certain", F("difference_s", control->clock.difference_s));
}

static int64_t value_of(const struct p1_number *number)
{
    return number->status == P1_VALUE ? number->value : 0;
}

// The sum of all tariffs, which old meters do not print.
static bool sum_of(const struct p1_number energy[static P1_TARIFFS], int64_t *mwh)
{
    *mwh = value_of(&energy[0]);
    if (energy[0].status == P1_VALUE)
        return true;
    bool is_known = false;
    for (int t = 1; t < P1_TARIFFS; t++) {
        is_known |= energy[t].status == P1_VALUE;
        *mwh += value_of(&energy[t]);
    }
    return is_known;
}

// The telegram's own time where it is believed: it does not suffer from a late arrival.
static struct utc time_of_telegram(const struct control *control)
{
    const struct p1_time *time = &control->telegram.time;
    struct utc own = time_of(control);
    int64_t bound_ns = control->settings->clock.bound_s * SECONDS_NS;
    bool is_near = time->status == P1_VALUE && llabs(time->utc * SECONDS_NS - own.ns) <= bound_ns;
    if (is_near)
        own.ns = time->utc * SECONDS_NS;
    return own;
}

static void count_load(struct control *control)
{
    const struct p1_telegram *telegram = &control->telegram;
    struct quarter_load_reading reading = {.at = time_of_telegram(control)};
    for (int p = 0; p < QUARTER_LOAD_PHASES; p++) {
        const struct p1_number *drawn = &telegram->power_delivered_phase_mw[p];
        const struct p1_number *fed = &telegram->power_returned_phase_mw[p];
        reading.has_power[p] = drawn->status == P1_VALUE;
        reading.power_w[p] = (int32_t)((value_of(drawn) - value_of(fed)) / 1000);
    }
    int64_t drawn_mwh, fed_mwh;
    reading.has_energy = sum_of(telegram->energy_delivered_mwh, &drawn_mwh);
    sum_of(telegram->energy_returned_mwh, &fed_mwh);
    reading.energy_wh = (drawn_mwh - fed_mwh) / 1000;

    struct quarter_load_result result;
    if (quarter_load_take(&control->load, &reading, &result)) {
        feed_load(control->feed, &result, &control->load_status);
        if (control->damaged)
            log_warn("p1.damaged", F("telegrams", (int64_t)control->damaged));
        control->damaged = 0;
    }
    control->load_status = status_of(control);
}

static void hear_voltage(struct control *control)
{
    for (int p = 0; p < P1_PHASES; p++)
        if (control->telegram.voltage_mv[p].status == P1_VALUE)
            charger_group_voltage(control->chargers, control->telegram.voltage_mv[p].value);
}

static bool is_believed(struct control *control)
{
    const char *why = trust_refuses(&control->trust, &control->telegram);
    control->damaged += control->telegram.crc == P1_CRC_BAD;
    if (why && why != control->refused)
        log_warn("telegram.refused", F("why", why));
    else if (!why && control->refused)
        log_info("telegram.believed");
    control->refused = why;
    return !why;
}

void control_take(struct control *control, const struct p1_frame *frame, const char *telegram,
                  size_t len)
{
    p1_telegram_read(telegram, len, frame, &control->telegram);
    if (!is_believed(control))
        return;
    read_clock(control);
    hear_voltage(control);
    setpoint_hear(&control->setpoint, now_of(control));
    if (trust_settles(&control->trust, &control->telegram))
        judge(control);
    else if (control->offer_again)
        offer(control);
    step(control);
    count_load(control);
}

const struct p1_telegram *control_metered(const struct control *control)
{
    const char *wanted = control->settings->trust.equipment_id;
    const struct p1_telegram *telegram = &control->telegram;
    bool is_ours = !*wanted || !strcmp(telegram->equipment_id.text, wanted);
    return telegram->crc != P1_CRC_BAD && is_ours ? telegram : NULL;
}

struct feed_status control_status(const struct control *control)
{
    return status_of(control);
}

const struct charger_group *control_chargers(const struct control *control)
{
    return control->chargers;
}

bool control_message(const struct control *control, int i, struct control_message *message)
{
    if (i >= MESSAGES || i >= control->message_count)
        return false;
    *message = control->messages[(control->message_count - 1 - i) % MESSAGES];
    return true;
}

// ---- the charger

static void log_report(struct control *control, const struct charger_group_report *report)
{
    bool is_bad = report->news == CHARGER_REFUSED || report->news == CHARGER_FAILED;
    if (report->news == CHARGER_FORGOT)
        log_warn("charger.forgot", F("written", report->written), F("shown", report->found),
                 F("charger", report->address));
    else if (report->news == CHARGER_FOUND)
        log_info("charger.found", F("watchdog_ms", report->watchdog_ms),
                 F("fallback_w", report->fallback_w), F("charger", report->address));
    else if (is_bad && strcmp(control->charger_said, report->reason) != 0)
        log_warn("charger.failed", F("limit_w", report->limit_w), F("why", report->reason));
    if (is_bad || report->news == CHARGER_CONFIRMED)
        snprintf(control->charger_said, sizeof control->charger_said, "%s",
                 is_bad ? report->reason : "");
}

static void on_report(void *arg, const struct charger_group_report *report)
{
    struct control *control = arg;
    log_report(control, report);
    if (report->news == CHARGER_CONFIRMED) {
        if (strcmp(control->shown.text, report->shown) != 0) {
            snprintf(control->shown.text, sizeof control->shown.text, "%s", report->shown);
            control->shown.watts = report->shown_w;
            log_info("charger.confirmed", F("limit_w", report->limit_w),
                     F("register", control->shown.text));
        }
        setpoint_confirm(&control->setpoint, report->limit_w);
    } else if ((report->news == CHARGER_REFUSED || report->news == CHARGER_FAILED)
               && report->is_current) {
        control->shown.text[0] = '\0';
        setpoint_fail(&control->setpoint, report->limit_w, report->news == CHARGER_REFUSED,
                      report->reason, now_of(control));
    }
    step(control);
}

// ---- life

struct control *control_new(struct loop *loop, const struct control_settings *settings,
                            struct feed *feed)
{
    struct control *control = memory_new(1, sizeof *control);
    control->settings = settings;
    control->feed = feed;
    control->wanted_w = -1;
    control->step_timer = loop_timer_new(loop, on_step, control);
    control->save_timer = loop_timer_new(loop, save, control);
    trust_start(&control->trust, &settings->trust);
    meter_clock_start(&control->clock, &settings->clock);
    if (*settings->state_path)
        control->file = state_file_new(settings->state_path);
    restore(control);
    control->chargers = charger_group_new(loop, &settings->chargers, on_report, control);
    want(control);
    log_info("limit.starts", F("limit_w", control->setpoint.limit_w),
             F("reason", control->setpoint.reason));
    const struct feed_status status = status_of(control);
    feed_status(feed, &status);
    step(control);
    return control;
}

void control_free(struct control *control)
{
    if (!control)
        return;
    charger_group_free(control->chargers);
    loop_timer_free(control->step_timer);
    loop_timer_free(control->save_timer);
    state_file_free(control->file);
    free(control);
}
