// SPDX-License-Identifier: Apache-2.0

#include "gateway/charger.h"
#include "base/log.h"
#include "base/memory.h"
#include "gateway/charger_wire.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    REPORTS = 32, // that wait for the loop
    WATCHDOG_PARTS = 3,
    STATE_REGISTERS = 16,
};
static const int64_t FIRST_PAUSE_NS = SECONDS_NS / 10, LONGEST_PAUSE_NS = 10 * SECONDS_NS;
static const int64_t SETTLE_PAUSE_NS = SECONDS_NS / 5, MICRO = 1000000;

struct charger {
    struct loop *loop;
    struct charger_settings settings;
    const struct charger_type *type;
    void (*report)(void *arg, const struct charger_report *report);
    void *arg;
    pthread_t thread;

    pthread_mutex_t lock; // of these
    pthread_cond_t bell;
    bool stop;
    struct charger_wish wish;
    struct charger_report reports[REPORTS]; // oldest first
    int count;

    // The thread's own.
    bool is_met;
    uint64_t connection; // on which it was met
    struct charger_wish tried;
    struct charger_wish written; // and, unless it settles, confirmed
    bool settles;                // it does not yet show that it holds
    struct mono settle_until;
    struct mono write_at, watch_at, heard_at, token_at, retry_at;
    int64_t pause_ns;
    int64_t keepalive_ns, rewrite_ns; // longest pauses
    char state[CHARGER_STATE];
};

// ---- reports, from the thread to the loop

static void deliver(void *arg)
{
    struct charger *charger = arg;
    struct charger_report reports[REPORTS];
    pthread_mutex_lock(&charger->lock);
    int count = charger->count;
    memcpy(reports, charger->reports, (size_t)count * sizeof *reports);
    charger->count = 0;
    pthread_mutex_unlock(&charger->lock);
    for (int i = 0; i < count; i++)
        charger->report(charger->arg, &reports[i]);
}

static void tell(struct charger *charger, struct charger_report *report)
{
    memcpy(report->state, charger->state, sizeof report->state);
    report->at = clock_mono();
    pthread_mutex_lock(&charger->lock);
    bool is_first = charger->count == 0;
    if (charger->count == REPORTS) // the loop is far behind: the oldest are no news any more
        memmove(charger->reports, charger->reports + 1,
                (size_t)--charger->count * sizeof *charger->reports);
    charger->reports[charger->count++] = *report;
    pthread_mutex_unlock(&charger->lock);
    if (is_first)
        loop_post(charger->loop, deliver, charger);
}

// ---- requests

static modbus_error heard(struct charger *charger, modbus_error error)
{
    if (!error)
        charger->heard_at = clock_mono();
    return error;
}

static modbus_error read_number(struct charger *charger, const struct charger_number *from,
                                int64_t *value)
{
    return heard(charger,
                 charger_wire_read(charger->settings.link, charger->settings.unit, from, value));
}

static modbus_error write_switch(struct charger *charger, const struct charger_switch *to, bool on)
{
    return heard(charger,
                 charger_wire_switch(charger->settings.link, charger->settings.unit, to, on));
}

static modbus_error write_limit(struct charger *charger, const struct charger_wish *wish)
{
    const struct charger_type *type = charger->type;
    uint16_t words[CHARGER_WORDS] = {0};
    int count = charger_type_words(type, wish->phase, words);
    charger->write_at = clock_mono();
    return heard(charger, modbus_link_write(charger->settings.link, charger->settings.unit,
                                            (int)type->limit.function, (int)type->limit.address,
                                            words, count));
}

// ---- trouble

static struct mono later(struct mono from, int64_t ns)
{
    return (struct mono){from.ns + ns};
}

static int64_t least_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

// Ask again ever later; but one that opens up in silence within its period.
static void wait_longer(struct charger *charger)
{
    int64_t pause_ns = clock_machine_ns(charger->pause_ns);
    if (charger->type->silence == CHARGER_OPENS)
        pause_ns = least_of(pause_ns, charger->type->keepalive_s * SECONDS_NS);
    charger->written.is_set = false;
    charger->retry_at = later(clock_mono(), pause_ns);
    charger->pause_ns = least_of(charger->pause_ns * 2, LONGEST_PAUSE_NS);
}

// Something went wrong: tell, and wait ever longer. After an exception the line is sound.
static void stumble(struct charger *charger, const struct charger_wish *wish, const char *what,
                    modbus_error error)
{
    bool is_no = modbus_link_is_exception(error) && !modbus_link_is_passing(error);
    struct charger_report report = {.news = is_no ? CHARGER_REFUSED : CHARGER_FAILED,
                                    .wish = *wish};
    modbus_link_explain(what, error, report.reason);
    charger->is_met &= modbus_link_is_exception(error);
    wait_longer(charger);
    tell(charger, &report);
}

static void refuse(struct charger *charger, const struct charger_wish *wish, const char *reason)
{
    struct charger_report report = {.news = CHARGER_REFUSED, .wish = *wish};
    snprintf(report.reason, sizeof report.reason, "%s", reason);
    wait_longer(charger);
    tell(charger, &report);
}

// ---- the limit

// The switch is only touched when it may stand otherwise: somebody else may use it, too.
static modbus_error write_wish(struct charger *charger, const struct charger_wish *wish)
{
    const struct charger_switch *pause = &charger->type->pause;
    bool turns = pause->address != CHARGER_NOWHERE
                 && (!charger->written.is_set || charger->written.paused != wish->paused);
    modbus_error error = turns && wish->paused ? write_switch(charger, pause, false) : 0;
    if (!error)
        error = write_limit(charger, wish);
    if (!error && turns && !wish->paused)
        error = write_switch(charger, pause, true);
    return error;
}

// Does it hold? What holds may be less than was written, for a cable's sake, but not more.
// It is told in the limit's unit; a charger that pauses may still show its least.
static bool is_held(const struct charger_type *type, const struct charger_wish *wish, int64_t shown)
{
    int64_t raw = wish->paused ? type->scale.least : wish->raw;
    return shown != INT64_MIN
           && shown * type->applied.step_micro
                  < (raw + 1) * type->scale.step_micro; // less than a step more
}

static void read_state(struct charger *charger)
{
    const struct charger_number *from = &charger->type->state;
    if (from->address == CHARGER_NOWHERE)
        return;
    int count = (int)charger->type->state_registers;
    uint16_t words[STATE_REGISTERS] = {0};
    int64_t value;
    if (count == 0) {
        if (!read_number(charger, from, &value))
            snprintf(charger->state, sizeof charger->state, "%lld", (long long)value);
        return;
    }
    if (heard(charger, modbus_link_read(charger->settings.link, charger->settings.unit,
                                        (int)from->function, (int)from->address, words, count)))
        return;
    int len = 0;
    for (int i = 0; i < 2 * count; i++) {
        char c = (char)(i % 2 ? words[i / 2] & 0xFF : words[i / 2] >> 8);
        if (isprint((unsigned char)c))
            charger->state[len++] = c;
    }
    charger->state[len] = '\0';
}

static void confirm(struct charger *charger, const struct charger_wish *wish)
{
    struct charger_report report = {.news = CHARGER_CONFIRMED, .wish = *wish};
    charger->settles = false;
    charger->pause_ns = FIRST_PAUSE_NS;
    tell(charger, &report);
}

// What holds, in the limit's steps; INT64_MIN stays what it is: no number.
static int64_t in_steps(const struct charger_type *type, int64_t shown)
{
    return shown == INT64_MIN ? shown : shown * type->applied.step_micro / type->scale.step_micro;
}

static void refuse_other(struct charger *charger, const struct charger_wish *wish, const char *what,
                         int64_t shown)
{
    char reason[CHARGER_REASON], number[24] = "no number";
    if (shown != INT64_MIN)
        snprintf(number, sizeof number, "%lld", (long long)shown);
    snprintf(reason, sizeof reason, "%s %s after writing %lld", what, number, (long long)wish->raw);
    refuse(charger, wish, reason);
}

// Read back what was written, of each phase where it takes several; is_other where one of them
// shows another number than wish, which goes to shown.
static modbus_error read_back(struct charger *charger, const struct charger_wish *wish,
                              bool *is_other, int64_t *shown)
{
    struct charger_number from = charger->type->readback;
    modbus_error error = 0;
    *is_other = false;
    for (int i = 0; i < charger->type->numbers && !error && !*is_other; i++) {
        error = read_number(charger, &from, shown);
        *is_other = !error && *shown != wish->phase[i];
        from.address += registers_count(from.type);
    }
    return error;
}

// What is read back must be what was written; false where that is told.
static bool compare(struct charger *charger, const struct charger_wish *wish)
{
    const struct charger_type *type = charger->type;
    if (type->readback.address == CHARGER_NOWHERE)
        return true;
    int64_t shown = 0;
    bool is_other;
    modbus_error error = read_back(charger, wish, &is_other, &shown);
    if (error)
        stumble(charger, wish, "read back of the limit", error);
    else if (is_other)
        refuse_other(charger, wish, "read back", shown);
    return !error && !is_other;
}

// Look whether it holds what it took; until it has settled, it need not.
static void look(struct charger *charger, const struct charger_wish *wish)
{
    const struct charger_type *type = charger->type;
    int64_t shown = 0;
    charger->watch_at = clock_mono();
    if (type->applied.address != CHARGER_NOWHERE) {
        modbus_error error = read_number(charger, &type->applied, &shown);
        if (error) {
            stumble(charger, wish, "read of the limit that holds", error);
            return;
        }
        if (!is_held(type, wish, shown)) {
            if (charger->watch_at.ns >= charger->settle_until.ns)
                refuse_other(charger, wish, "holds", in_steps(type, shown));
            return;
        }
    }
    confirm(charger, wish);
}

// Write, read back, compare, and look whether it holds.
static void establish(struct charger *charger, const struct charger_wish *wish)
{
    charger->tried = *wish;
    modbus_error error = write_wish(charger, wish);
    if (error) {
        stumble(charger, wish, "write of the limit", error);
        return;
    }
    if (!compare(charger, wish))
        return;
    charger->written = *wish;
    charger->settles = true;
    charger->settle_until =
        later(clock_mono(), clock_machine_ns(charger->type->settle_s * SECONDS_NS));
    look(charger, wish);
}

static void write_again(struct charger *charger, int64_t shown)
{
    struct charger_wish wish = charger->written;
    struct charger_report report = {.news = CHARGER_FORGOT, .wish = wish, .shown = shown};
    tell(charger, &report);
    charger->written.is_set = false; // nor is anything else as it was
    establish(charger, &wish);
}

// Does the charger still show what it confirmed? A restart makes it forget.
static void watch(struct charger *charger)
{
    const struct charger_type *type = charger->type;
    const struct charger_wish wish = charger->written;
    int64_t shown = 0;
    bool is_other = false;
    modbus_error error = 0;
    charger->watch_at = clock_mono();
    if (type->readback.address != CHARGER_NOWHERE)
        error = read_back(charger, &wish, &is_other, &shown);
    if (!error && is_other) {
        write_again(charger, shown);
        return;
    }
    if (!error && type->applied.address != CHARGER_NOWHERE) {
        error = read_number(charger, &type->applied, &shown);
        if (!error && !is_held(type, &wish, shown)) {
            write_again(charger, in_steps(type, shown));
            return;
        }
    }
    if (error)
        stumble(charger, &wish, "read back of the limit", error);
    else
        read_state(charger);
}

static void send_token(struct charger *charger)
{
    charger->token_at = clock_mono();
    modbus_error error = write_switch(charger, &charger->type->token, true);
    if (error)
        stumble(charger, &charger->written, "write of the token", error);
}

// ---- meeting it

// Is it what the settings say? Before anything is written to what may be another thing.
static bool probe(struct charger *charger, const struct charger_wish *wish)
{
    const struct charger_type *type = charger->type;
    int64_t shown = 0;
    if (type->probe.address == CHARGER_NOWHERE)
        return true;
    modbus_error error = read_number(charger, &type->probe, &shown);
    if (error) {
        stumble(charger, wish, "probe", error);
        return false;
    }
    if (shown >= type->probe_least && shown <= type->probe_most)
        return true;
    char reason[CHARGER_REASON], number[24] = "no number";
    if (shown != INT64_MIN)
        snprintf(number, sizeof number, "%lld", (long long)shown);
    snprintf(reason, sizeof reason, "register %lld shows %s, not %lld to %lld: is it a %.40s?",
             (long long)type->probe.address, number, (long long)type->probe_least,
             (long long)type->probe_most, type->name);
    refuse(charger, wish, reason);
    return false;
}

// A number of what it does in silence; -1 when it does not tell.
static int64_t read_failsafe(struct charger *charger, const struct charger_number *from)
{
    int64_t value = -1;
    if (from->address == CHARGER_NOWHERE || !charger->is_met)
        return -1;
    modbus_error error = read_number(charger, from, &value);
    charger->is_met &= !error || modbus_link_is_exception(error);
    return error || value < 0 ? -1 : value;
}

static int64_t fallback_w(const struct charger *charger, int64_t number)
{
    const struct charger_type *type = charger->type;
    const struct amperes_scale scale = {.unit = type->fallback_unit,
                                        .step_micro = type->fallback.read.step_micro};
    return number < 0 ? -1 : amperes_to_watts(&scale, &charger->settings.connection, number);
}

// Learn how long the charger waits, and be there in a third of that, if that is sooner.
static void look_around(struct charger *charger)
{
    const struct charger_type *type = charger->type;
    struct charger_report report = {.news = CHARGER_FOUND, .wish = charger->tried};
    int64_t number = read_failsafe(charger, &type->watchdog.read);
    report.watchdog_ms = type->watchdog_s ? type->watchdog_s * 1000 : -1;
    if (number >= 0 && type->choices)
        report.watchdog_ms = charger_type_watchdog_s(type, number) * 1000;
    else if (number >= 0)
        report.watchdog_ms =
            number == type->watchdog_off ? 0 : number * type->watchdog.read.step_micro / 1000;
    report.fallback_w = fallback_w(charger, read_failsafe(charger, &type->fallback.read));
    if (report.watchdog_ms > 0)
        charger->keepalive_ns =
            least_of(charger->keepalive_ns, report.watchdog_ms * MICRO / WATCHDOG_PARTS);
    if (type->keepalive == CHARGER_REWRITE)
        charger->rewrite_ns = least_of(charger->rewrite_ns, charger->keepalive_ns);
    read_state(charger);
    tell(charger, &report);
}

static void meet(struct charger *charger, const struct charger_wish *wish)
{
    modbus_error error = modbus_link_connect(charger->settings.link, &charger->connection);
    if (error) {
        stumble(charger, wish, "connect", error);
        return;
    }
    const struct charger_type *type = charger->type;
    charger->written.is_set = false;
    charger->keepalive_ns = type->keepalive_s * SECONDS_NS;
    charger->rewrite_ns = charger->settings.rewrite_s * SECONDS_NS;
    if (!probe(charger, wish))
        return;
    if (type->enable.address != CHARGER_NOWHERE)
        error = write_switch(charger, &type->enable, true);
    if (!error && type->keepalive == CHARGER_TOKEN)
        error = write_switch(charger, &type->token, true);
    if (error) {
        stumble(charger, wish, "write of the switch", error);
        return;
    }
    charger->is_met = true;
    charger->token_at = clock_mono();
    establish(charger, wish);
    if (charger->written.is_set)
        look_around(charger);
}

// ---- what there is to do

static bool is_same(const struct charger_wish *a, const struct charger_wish *b)
{
    return a->is_set == b->is_set && !memcmp(a->phase, b->phase, sizeof a->phase)
           && a->paused == b->paused && a->tag == b->tag;
}

// Whether a request can be had without writing.
static bool can_watch(const struct charger_type *type)
{
    return type->readback.address != CHARGER_NOWHERE || type->applied.address != CHARGER_NOWHERE
           || type->state.address != CHARGER_NOWHERE;
}

enum duty { MEET, ESTABLISH, LOOK, TOKEN, REWRITE, WATCH };

struct due {
    enum duty duty;
    struct mono at;
};

static void sooner(struct due *due, enum duty duty, struct mono at)
{
    if (at.ns < due->at.ns)
        *due = (struct due){duty, at};
}

// The next duty, now or at the latest when.
static struct due next_due(const struct charger *charger, const struct charger_wish *wish)
{
    const struct charger_type *type = charger->type;
    struct due due = {WATCH, {INT64_MAX}};
    if (!wish->is_set)
        return due;
    if (charger->is_met && !is_same(wish, &charger->tried))
        return (struct due){ESTABLISH, {0}};
    if (!charger->is_met || !is_same(wish, &charger->written))
        return (struct due){charger->is_met ? ESTABLISH : MEET, charger->retry_at};
    if (charger->settles)
        return (struct due){LOOK, later(charger->watch_at, clock_machine_ns(SETTLE_PAUSE_NS))};
    if (!type->wears)
        sooner(&due, REWRITE, later(charger->write_at, charger->rewrite_ns));
    if (type->keepalive == CHARGER_TOKEN)
        sooner(&due, TOKEN, later(charger->token_at, charger->keepalive_ns));
    if (can_watch(type))
        sooner(&due, WATCH, later(charger->watch_at, charger->settings.watch_s * SECONDS_NS));
    if (type->keepalive == CHARGER_ANY)
        sooner(&due, can_watch(type) ? WATCH : REWRITE,
               later(charger->heard_at, charger->keepalive_ns));
    return due;
}

static void work(struct charger *charger, enum duty duty, const struct charger_wish *wish)
{
    uint64_t connection;
    // Another session on the same link may have lost the connection, and the charger its power.
    if (charger->is_met
        && (modbus_link_connect(charger->settings.link, &connection)
            || connection != charger->connection))
        charger->is_met = false;
    if (duty == MEET || !charger->is_met)
        meet(charger, wish);
    else if (duty == ESTABLISH || duty == REWRITE)
        establish(charger, wish);
    else if (duty == LOOK)
        look(charger, wish);
    else if (duty == TOKEN)
        send_token(charger);
    else
        watch(charger);
}

// Wait for the bell, at most until a time of our clocks.
static void wait_until(struct charger *charger, struct mono until)
{
    if (until.ns == INT64_MAX) {
        pthread_cond_wait(&charger->bell, &charger->lock);
        return;
    }
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    int64_t ns = at.tv_sec * SECONDS_NS + at.tv_nsec + clock_real_ns(until.ns - clock_mono().ns);
    at = (struct timespec){ns / SECONDS_NS, (long)(ns % SECONDS_NS)};
    pthread_cond_timedwait(&charger->bell, &charger->lock, &at);
}

static void *run(void *arg)
{
    struct charger *charger = arg;
    pthread_mutex_lock(&charger->lock);
    while (!charger->stop) {
        struct charger_wish wish = charger->wish;
        struct due due = next_due(charger, &wish);
        if (clock_mono().ns < due.at.ns) {
            wait_until(charger, due.at);
            continue;
        }
        pthread_mutex_unlock(&charger->lock);
        work(charger, due.duty, &wish);
        pthread_mutex_lock(&charger->lock);
    }
    pthread_mutex_unlock(&charger->lock);
    return NULL;
}

// ---- life

struct charger *charger_new(struct loop *loop, const struct charger_settings *settings,
                            void (*report)(void *arg, const struct charger_report *report),
                            void *arg)
{
    struct charger *charger = memory_new(1, sizeof *charger);
    charger->loop = loop;
    charger->settings = *settings;
    charger->type = settings->type;
    charger->report = report;
    charger->arg = arg;
    charger->pause_ns = FIRST_PAUSE_NS;

    pthread_mutex_init(&charger->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&charger->bell, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int error = pthread_create(&charger->thread, NULL, run, charger);
    if (error)
        log_fatal("charger.failed", F("what", "thread"), F("why", strerror(error)));
    return charger;
}

void charger_free(struct charger *charger)
{
    if (!charger)
        return;
    pthread_mutex_lock(&charger->lock);
    charger->stop = true;
    pthread_cond_signal(&charger->bell);
    pthread_mutex_unlock(&charger->lock);
    pthread_join(charger->thread, NULL);
    pthread_cond_destroy(&charger->bell);
    pthread_mutex_destroy(&charger->lock);
    free(charger);
}

void charger_want(struct charger *charger, const struct charger_wish *wish)
{
    pthread_mutex_lock(&charger->lock);
    charger->wish = *wish;
    charger->wish.is_set = true;
    pthread_cond_signal(&charger->bell);
    pthread_mutex_unlock(&charger->lock);
}
