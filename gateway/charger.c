// SPDX-License-Identifier: Apache-2.0

#include "gateway/charger.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <modbus.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    REPORTS = 32, // that wait for the loop
    WATCHDOG_PARTS = 3,
};
static const int64_t FIRST_PAUSE_NS = SECONDS_NS / 10, LONGEST_PAUSE_NS = 10 * SECONDS_NS;

struct wish {
    bool is_set;
    int64_t raw;
    int32_t limit_w;
};

struct charger {
    struct loop *loop;
    const struct charger_type *type;
    const struct charger_link *link;
    void (*report)(void *arg, const struct charger_report *report);
    void *arg;
    pthread_t thread;

    pthread_mutex_t lock; // of these
    pthread_cond_t bell;
    bool stop;
    struct wish wish;
    struct charger_report reports[REPORTS]; // oldest first
    int count;

    // The thread's own.
    modbus_t *modbus;
    bool is_connected;
    struct wish tried;
    struct wish written; // and confirmed
    struct mono write_at, watch_at, token_at, retry_at;
    int64_t pause_ns;
    int64_t rewrite_ns;
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

static void tell(struct charger *charger, const struct charger_report *report)
{
    pthread_mutex_lock(&charger->lock);
    bool is_first = charger->count == 0;
    if (charger->count == REPORTS) // the loop is far behind: the oldest are no news any more
        memmove(charger->reports, charger->reports + 1,
                (size_t)--charger->count * sizeof *charger->reports);
    charger->reports[charger->count] = *report;
    charger->reports[charger->count++].at = clock_mono();
    pthread_mutex_unlock(&charger->lock);
    if (is_first)
        loop_post(charger->loop, deliver, charger);
}

// ---- one request

static const char *exception_name(int number)
{
    static const char *const names[] = {
        "unknown",        "illegal function", "illegal data address", "illegal data value",
        "device failure", "acknowledge",      "device busy",          "negative acknowledge",
        "memory parity",  "unknown",          "gateway path",         "gateway target",
    };
    bool known = number > 0 && number < (int)(sizeof names / sizeof *names);
    return names[known ? number : 0];
}

static bool is_exception(int error)
{
    return error > MODBUS_ENOBASE && error <= EMBXGTAR;
}

// An answer that means "ask again", not "no".
static bool is_passing(int error)
{
    return error == EMBXSBUSY || error == EMBXACK;
}

// What errno of libmodbus says, after the name of what was tried.
static void explain(const char *what, int error, char reason[static CHARGER_REASON])
{
    if (is_exception(error))
        snprintf(reason, CHARGER_REASON, "%s: exception %d, %s", what, error - MODBUS_ENOBASE,
                 exception_name(error - MODBUS_ENOBASE));
    else
        snprintf(reason, CHARGER_REASON, "%s: %s", what, modbus_strerror(error));
}

static void rest(const struct charger *charger)
{
    if (charger->type->gap_ms > 0)
        nanosleep(&(struct timespec){.tv_nsec = charger->type->gap_ms * 1000000 % SECONDS_NS,
                                     .tv_sec = charger->type->gap_ms / 1000},
                  NULL);
}

// 0, or errno as libmodbus sets it.
static int write_words(struct charger *charger, int function, int address, const uint16_t *words,
                       int count)
{
    rest(charger);
    int done = function == 6 ? modbus_write_register(charger->modbus, address, words[0])
                             : modbus_write_registers(charger->modbus, address, count, words);
    return done == count ? 0 : errno;
}

static int read_words(struct charger *charger, int function, int address, uint16_t *words,
                      int count)
{
    rest(charger);
    int done = function == 4 ? modbus_read_input_registers(charger->modbus, address, count, words)
                             : modbus_read_registers(charger->modbus, address, count, words);
    return done == count ? 0 : errno;
}

static int write_limit(struct charger *charger, int64_t raw)
{
    const struct charger_type *type = charger->type;
    uint16_t words[CHARGER_WORDS] = {0};
    int count = charger_type_words(type, raw, words);
    return write_words(charger, (int)type->limit.function, (int)type->limit.address, words, count);
}

static int read_limit(struct charger *charger, int64_t *raw)
{
    const struct charger_number *from = &charger->type->readback;
    uint16_t words[REGISTERS_MAX] = {0};
    int error = read_words(charger, (int)from->function, (int)from->address, words,
                           registers_count(from->type));
    if (!error)
        *raw = registers_unpack(from->type, from->low_word_first, from->step_micro, words);
    return error;
}

// ---- the session

static void hang_up(struct charger *charger)
{
    if (charger->is_connected)
        modbus_close(charger->modbus);
    charger->is_connected = false;
    charger->written.is_set = false;
}

static struct mono later(struct mono from, int64_t ns)
{
    return (struct mono){from.ns + ns};
}

static void wait_longer(struct charger *charger)
{
    charger->written.is_set = false;
    charger->retry_at = later(clock_mono(), clock_machine_ns(charger->pause_ns));
    charger->pause_ns =
        charger->pause_ns * 2 < LONGEST_PAUSE_NS ? charger->pause_ns * 2 : LONGEST_PAUSE_NS;
}

// Something went wrong: tell, and wait ever longer. After an exception the line is sound.
static void stumble(struct charger *charger, const struct wish *wish, const char *what, int error)
{
    struct charger_report report = {
        .news = is_exception(error) && !is_passing(error) ? CHARGER_REFUSED : CHARGER_FAILED,
        .limit_w = wish->limit_w,
        .raw = wish->raw,
        .shown = -1,
    };
    explain(what, error, report.reason);
    if (!is_exception(error))
        hang_up(charger);
    wait_longer(charger);
    tell(charger, &report);
}

static void confirm(struct charger *charger, const struct wish *wish, int64_t shown)
{
    struct charger_report report = {
        .news = CHARGER_CONFIRMED, .limit_w = wish->limit_w, .raw = wish->raw, .shown = shown};
    charger->written = *wish;
    charger->pause_ns = FIRST_PAUSE_NS;
    charger->write_at = charger->watch_at = clock_mono();
    tell(charger, &report);
}

static void refuse_other(struct charger *charger, const struct wish *wish, int64_t shown)
{
    struct charger_report report = {
        .news = CHARGER_REFUSED, .limit_w = wish->limit_w, .raw = wish->raw, .shown = shown};
    snprintf(report.reason, sizeof report.reason, "read back %lld after writing %lld",
             (long long)shown, (long long)wish->raw);
    wait_longer(charger);
    tell(charger, &report);
}

// Write, read back, compare.
static bool establish(struct charger *charger, const struct wish *wish)
{
    charger->tried = *wish;
    int error = write_limit(charger, wish->raw);
    if (error) {
        stumble(charger, wish, "write of the limit", error);
        return false;
    }
    int64_t shown = wish->raw;
    if (charger->type->readback.address >= 0) {
        error = read_limit(charger, &shown);
        if (error) {
            stumble(charger, wish, "read back of the limit", error);
            return false;
        }
    }
    if (shown != wish->raw) {
        refuse_other(charger, wish, shown);
        return false;
    }
    confirm(charger, wish, shown);
    return true;
}

// Does the charger still show what it confirmed? A restart makes it forget.
static void watch(struct charger *charger)
{
    struct wish wish = charger->written;
    int64_t shown = wish.raw;
    int error = read_limit(charger, &shown);
    charger->watch_at = clock_mono();
    if (error) {
        stumble(charger, &wish, "read back of the limit", error);
        return;
    }
    if (shown == wish.raw)
        return;
    struct charger_report report = {
        .news = CHARGER_FORGOT, .limit_w = wish.limit_w, .raw = wish.raw, .shown = shown};
    tell(charger, &report);
    establish(charger, &wish);
}

static void send_token(struct charger *charger)
{
    uint16_t token = (uint16_t)charger->type->token.on;
    int error = write_words(charger, 6, (int)charger->type->token.address, &token, 1);
    charger->token_at = clock_mono();
    if (error)
        stumble(charger, &charger->written, "write of the token", error);
}

// One register of what the charger does in silence; -1 when it does not tell.
static int64_t read_one(struct charger *charger, int64_t address, int64_t unit)
{
    uint16_t word = 0;
    if (address < 0 || !charger->is_connected)
        return -1;
    int error = read_words(charger, 3, (int)address, &word, 1);
    if (error && !is_exception(error))
        hang_up(charger); // the answer may still come and must not be taken for another
    return error ? -1 : word * unit;
}

// Learn how long the charger waits, and write in a third of that, if that is sooner.
static void look_around(struct charger *charger)
{
    const struct charger_type *type = charger->type;
    struct charger_report report = {.news = CHARGER_FOUND};
    report.watchdog_ms =
        read_one(charger, type->watchdog.read.address, type->watchdog.read.step_micro / 1000);
    report.fallback_w =
        read_one(charger, type->fallback.read.address, type->fallback.read.step_micro / 1000000);
    int64_t part_ns = report.watchdog_ms * 1000000 / WATCHDOG_PARTS;
    if (report.watchdog_ms > 0 && part_ns < charger->rewrite_ns)
        charger->rewrite_ns = part_ns;
    tell(charger, &report);
}

static void call(struct charger *charger, const struct wish *wish)
{
    if (modbus_connect(charger->modbus)) {
        stumble(charger, wish, "connect", errno);
        return;
    }
    charger->is_connected = true;
    int64_t period_s = charger->link->rewrite_s < charger->type->keepalive_s
                           ? charger->link->rewrite_s
                           : charger->type->keepalive_s;
    charger->rewrite_ns = period_s * SECONDS_NS;
    charger->token_at = clock_mono();
    if (establish(charger, wish))
        look_around(charger);
}

static bool is_same(const struct wish *a, const struct wish *b)
{
    return a->is_set == b->is_set && a->raw == b->raw && a->limit_w == b->limit_w;
}

// What there is to do, now or at the latest when.
static struct mono next_at(const struct charger *charger, const struct wish *wish)
{
    if (!wish->is_set)
        return (struct mono){INT64_MAX};
    if (charger->is_connected && !is_same(wish, &charger->tried))
        return (struct mono){0};
    if (!charger->is_connected || !is_same(wish, &charger->written))
        return charger->retry_at;
    struct mono at = later(charger->write_at, charger->rewrite_ns);
    struct mono watch_at = later(charger->watch_at, charger->link->watch_s * SECONDS_NS);
    struct mono token_at = later(charger->token_at, charger->rewrite_ns);
    if (charger->type->readback.address >= 0 && watch_at.ns < at.ns)
        at = watch_at;
    if (charger->type->keepalive == CHARGER_TOKEN && token_at.ns < at.ns)
        at = token_at;
    return at;
}

static void work(struct charger *charger, const struct wish *wish)
{
    struct mono now = clock_mono();
    if (!charger->is_connected)
        call(charger, wish);
    else if (!is_same(wish, &charger->written)
             || now.ns >= later(charger->write_at, charger->rewrite_ns).ns)
        establish(charger, wish);
    else if (charger->type->keepalive == CHARGER_TOKEN
             && now.ns >= later(charger->token_at, charger->rewrite_ns).ns)
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
    at = (struct timespec){ns / SECONDS_NS, ns % SECONDS_NS};
    pthread_cond_timedwait(&charger->bell, &charger->lock, &at);
}

static void *run(void *arg)
{
    struct charger *charger = arg;
    pthread_mutex_lock(&charger->lock);
    while (!charger->stop) {
        struct wish wish = charger->wish;
        struct mono at = next_at(charger, &wish);
        if (clock_mono().ns < at.ns) {
            wait_until(charger, at);
            continue;
        }
        pthread_mutex_unlock(&charger->lock);
        work(charger, &wish);
        pthread_mutex_lock(&charger->lock);
    }
    pthread_mutex_unlock(&charger->lock);
    hang_up(charger);
    return NULL;
}

// ---- set up

static modbus_t *open_tcp(const struct charger *charger)
{
    const char *rest = charger->link->address + strlen("tcp://");
    const char *colon = strrchr(rest, ':');
    char *port =
        colon ? memory_text(colon + 1) : memory_format("%lld", (long long)charger->type->port);
    char *host = memory_text_n(rest, colon ? (size_t)(colon - rest) : strlen(rest));
    modbus_t *modbus = modbus_new_tcp_pi(host, port);
    free(host);
    free(port);
    return modbus;
}

struct line {
    int baud;
    char bits, parity, stops;
};

static bool read_line(const char *text, struct line *line)
{
    char more;
    return sscanf(text, "%d/%c%c%c%c", &line->baud, &line->bits, &line->parity, &line->stops, &more)
               == 4
           && line->baud > 0 && (line->bits == '7' || line->bits == '8')
           && strchr("NEO", line->parity) && (line->stops == '1' || line->stops == '2');
}

bool charger_line_is_sound(const char *text)
{
    struct line line;
    return read_line(text, &line);
}

static modbus_t *open_serial(const struct charger *charger)
{
    struct line line;
    return read_line(charger->link->line, &line) ? modbus_new_rtu(
               charger->link->address, line.baud, line.parity, line.bits - '0', line.stops - '0')
                                                 : NULL;
}

struct charger *charger_new(struct loop *loop, const struct charger_type *type,
                            const struct charger_link *link,
                            void (*report)(void *arg, const struct charger_report *report),
                            void *arg)
{
    struct charger *charger = memory_new(1, sizeof *charger);
    *charger =
        (struct charger){.loop = loop, .type = type, .link = link, .report = report, .arg = arg};
    charger->pause_ns = FIRST_PAUSE_NS;
    bool is_tcp = !strncmp(link->address, "tcp://", strlen("tcp://"));
    charger->modbus = is_tcp ? open_tcp(charger) : open_serial(charger);
    if (!charger->modbus || modbus_set_slave(charger->modbus, link->unit))
        log_fatal("charger.failed", F("address", link->address), F("why", modbus_strerror(errno)));
    modbus_set_response_timeout(charger->modbus, (uint32_t)(link->timeout_ms / 1000),
                                (uint32_t)(link->timeout_ms % 1000 * 1000));

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
    modbus_free(charger->modbus);
    pthread_cond_destroy(&charger->bell);
    pthread_mutex_destroy(&charger->lock);
    free(charger);
}

void charger_want(struct charger *charger, int64_t raw, int32_t limit_w)
{
    pthread_mutex_lock(&charger->lock);
    charger->wish = (struct wish){true, raw, limit_w};
    pthread_cond_signal(&charger->bell);
    pthread_mutex_unlock(&charger->lock);
}
