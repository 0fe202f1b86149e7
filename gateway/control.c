// SPDX-License-Identifier: Apache-2.0

#include "gateway/control.h"
#include "base/log.h"
#include "base/memory.h"
#include "gateway/pilot.h"
#include "gateway/quarter_load.h"
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

    struct pilot pilot;
    struct quarter_load load;
    struct state_file *file;

    int32_t wanted_w;            // last told to the charger; -1: nothing yet
    struct register_shown shown; // of it, once confirmed
    char charger_said[CHARGER_GROUP_REASON];
    struct feed_status load_status; // at the last telegram: perhaps the end of a quarter
    uint64_t damaged;               // frames since the last quarter hour
    bool save_failed;
    struct control_message messages[MESSAGES];
    int64_t message_count; // all that were told

    bool is_metered; // the telegram is whole and of our meter
    struct p1_telegram telegram;
};

static bool is_synchronised(const struct control *control)
{
    struct timex timex = {0};
    return control->settings->system_is_synchronised
           || (adjtimex(&timex) >= 0 && !(timex.status & STA_UNSYNC));
}

static struct pilot_now now_of(const struct control *control)
{
    return (struct pilot_now){clock_mono(), clock_utc(), is_synchronised(control)};
}

static struct utc time_of(const struct control *control)
{
    return pilot_time(&control->pilot,
                      (struct pilot_now){.mono = clock_mono(), .system = clock_utc()});
}

// ---- what is told

static struct feed_status status_of(const struct control *control)
{
    const struct setpoint *setpoint = &control->pilot.setpoint;
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

static void tell(void *arg, enum feed_state state, const char *digest, const char *reason,
                 struct utc at)
{
    struct control *control = arg;
    const struct setpoint *setpoint = &control->pilot.setpoint;
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

// ---- what is kept

static void save(void *arg)
{
    struct control *control = arg;
    char why[STATE_REASON];
    if (!control->file)
        return;
    bool failed = state_file_save(control->file, &control->pilot.state, why) != ERR_NONE;
    if (failed && !control->save_failed)
        log_error("state.not_saved", F("why", why));
    else if (!failed && control->save_failed)
        log_info("state.saved_again");
    control->save_failed = failed;
    if (failed)
        loop_timer_in(control->save_timer, clock_machine_ns(SAVE_AGAIN_NS));
}

// ---- deciding

static void want(struct control *control)
{
    int32_t limit_w = control->pilot.setpoint.limit_w;
    if (limit_w == control->wanted_w)
        return;
    control->wanted_w = limit_w;
    control->shown.text[0] = '\0';
    charger_group_want(control->chargers, limit_w);
}

// Wake up when time changes something. An earlier wake-up is harmless, so the timer is only
// set when it would come too late: not with every telegram.
static void set_timer(struct control *control)
{
    struct mono now = clock_mono();
    int64_t wait = pilot_wait(&control->pilot, (struct pilot_now){.mono = now});
    if (wait == INT64_MAX)
        return;
    if (now.ns < control->step_at.ns && now.ns + wait >= control->step_at.ns)
        return;
    control->step_at.ns = now.ns + wait;
    loop_timer_in(control->step_timer, wait);
}

static void tell_systemd(const struct setpoint *setpoint)
{
    char text[SETPOINT_REASON + 40];
    snprintf(text, sizeof text, "%s, %d W: %s", setpoint_mode_name(setpoint->mode),
             setpoint->limit_w, setpoint->reason);
    notify_status(text);
}

static void on_changed(void *arg)
{
    struct control *control = arg;
    const struct setpoint *setpoint = &control->pilot.setpoint;
    want(control);
    log_info("limit.changed", F("mode", setpoint_mode_name(setpoint->mode)),
             F("limit_w", setpoint->limit_w), F("reason", setpoint->reason));
    const struct feed_status status = status_of(control);
    feed_status(control->feed, &status);
    tell_systemd(setpoint);
}

static void step(struct control *control)
{
    pilot_step(&control->pilot, now_of(control));
    set_timer(control);
}

static void on_step(void *arg)
{
    struct control *control = arg;
    control->step_at.ns = 0;
    step(control);
}

// ---- telegrams

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
    int64_t bound_ns = control->settings->pilot.clock.bound_s * SECONDS_NS;
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

// Metering is more lenient than control: old meters have no CRC, and any version will do.
static bool is_ours(const struct control *control)
{
    const char *wanted = control->settings->pilot.trust.equipment_id;
    return control->telegram.crc != P1_CRC_BAD
           && (!*wanted || !strcmp(control->telegram.equipment_id.text, wanted));
}

static void hear_voltage(struct control *control)
{
    for (int p = 0; p < P1_PHASES; p++)
        if (control->telegram.voltage_mv[p].status == P1_VALUE)
            charger_group_voltage(control->chargers, control->telegram.voltage_mv[p].value);
}

void control_take(struct control *control, const struct p1_frame *frame, const char *telegram,
                  size_t len)
{
    p1_telegram_read(telegram, len, frame, &control->telegram);
    control->damaged += frame->crc == P1_CRC_BAD;
    control->is_metered = is_ours(control);
    if (!pilot_take(&control->pilot, &control->telegram, now_of(control)))
        return;
    hear_voltage(control);
    set_timer(control);
    count_load(control);
}

static struct p1_number milli(const struct tic_number *number)
{
    bool is_value = number->status == TIC_VALUE && number->value <= INT32_MAX;
    return (struct p1_number){is_value ? P1_VALUE : P1_ABSENT, is_value ? number->value * 1000 : 0};
}

// What the load is counted from. The apparent power of a phase stands for its power: it is never
// less. A meter of one phase tells only the sum.
static void translate(const struct tic *tic, struct p1_telegram *telegram)
{
    memset(telegram, 0, sizeof *telegram);
    telegram->time.status = tic->time.status == TIC_VALUE ? P1_VALUE : P1_ABSENT;
    telegram->time.utc = tic->time.utc;
    telegram->energy_delivered_mwh[0] = milli(&tic->energy_drawn_wh);
    telegram->energy_returned_mwh[0] = milli(&tic->energy_injected_wh);
    for (int p = 0; p < TIC_PHASES; p++)
        telegram->power_delivered_phase_mw[p] = milli(&tic->apparent_phase_va[p]);
    if (tic->apparent_phase_va[0].status == TIC_ABSENT)
        telegram->power_delivered_phase_mw[0] = milli(&tic->apparent_va);
}

void control_take_tic(struct control *control, const struct tic *tic)
{
    control->damaged += tic->damaged > 0;
    control->is_metered = pilot_take_tic(&control->pilot, tic, now_of(control));
    if (!control->is_metered)
        return;
    set_timer(control);
    translate(tic, &control->telegram);
    count_load(control);
}

const struct p1_telegram *control_metered(const struct control *control)
{
    return control->is_metered ? &control->telegram : NULL;
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

static void log_found(const struct control *control, const struct charger_group_report *report)
{
    int32_t safe_w = control->settings->pilot.setpoint.safe_w;
    log_info("charger.found", F("watchdog_ms", report->watchdog_ms),
             F("fallback_w", report->fallback_w), F("charger", report->address));
    if (report->fallback_w > safe_w)
        log_warn("charger.falls_back_high", F("fallback_w", report->fallback_w),
                 F("safe_w", safe_w));
    if (report->watchdog_ms == 0)
        log_warn("charger.has_no_watchdog", F("charger", report->address));
}

static void log_report(struct control *control, const struct charger_group_report *report)
{
    bool is_bad = report->news == CHARGER_REFUSED || report->news == CHARGER_FAILED;
    if (report->news == CHARGER_FORGOT)
        log_warn("charger.forgot", F("written", report->written), F("shown", report->found),
                 F("charger", report->address));
    else if (report->news == CHARGER_FOUND)
        log_found(control, report);
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
        pilot_confirm(&control->pilot, report->limit_w);
    } else if ((report->news == CHARGER_REFUSED || report->news == CHARGER_FAILED)
               && report->is_current) {
        control->shown.text[0] = '\0';
        pilot_fail(&control->pilot, report->limit_w, report->news == CHARGER_REFUSED,
                   report->reason, now_of(control));
    }
    step(control);
}

// ---- life

static void start_pilot(struct control *control)
{
    char why[STATE_REASON] = "no file is set";
    struct state *kept = memory_new(1, sizeof *kept);
    struct pilot *pilot = &control->pilot;
    const struct pilot_crew crew = {on_changed, tell, save, control};
    enum err err = control->file ? state_file_load(control->file, kept, why) : ERR_IO;
    if (err)
        log_warn("state.none", F("why", why));
    pilot_start(pilot, &control->settings->pilot, &crew, err ? NULL : kept, now_of(control));
    if (!err)
        log_info("state.restored", F("limit_w", kept->has_limit ? kept->limit_w : -1),
                 F("profile", pilot->setpoint.current.is_set),
                 F("waiting", pilot->setpoint.next.is_set));
    free(kept);
}

struct control *control_new(struct loop *loop, const struct control_settings *settings,
                            struct feed *feed)
{
    struct control *control = memory_new(1, sizeof *control);
    control->settings = settings;
    control->feed = feed;
    control->wanted_w = -1;
    control->step_timer = loop_timer_new(loop, on_step, control);
    control->save_timer = loop_timer_new(loop, save, control);
    if (*settings->state_path)
        control->file = state_file_new(settings->state_path);
    start_pilot(control);
    control->chargers = charger_group_new(loop, &settings->chargers, on_report, control);
    want(control);
    log_info("limit.starts", F("limit_w", control->pilot.setpoint.limit_w),
             F("reason", control->pilot.setpoint.reason));
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
