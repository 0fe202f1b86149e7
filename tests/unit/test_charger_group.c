// SPDX-License-Identifier: Apache-2.0
// Every shipped type at once: the gateway's sessions against chargers played from the same
// files, over loopback, at 100 times real time.

#include "gateway/charger_group.h"
#include "tests/peer/charger/mimic.h"
#include "tests/peer/charger/modbus_frame.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <glob.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TYPES_MAX = 64, TIMEOUT_S = 60, RATE = 100, PHASES = 3, VOLT = 230, MOST_MA = 16000 };
static const int64_t FALLBACK_W = 4200;

// A charger with its thread, and the gateway's side of it.
struct pair {
    const char *path;
    struct charger_type type;
    struct charger_group_settings settings;
    struct charger_group *group;
    char address[40];
    char reason[CHARGER_GROUP_REASON];
    pthread_t thread;
    int confirmed_w; // that the group told last; -1: something else
    int listener;

    pthread_mutex_t lock; // of these
    struct mimic mimic;
    int falls;
    bool hangs_up, stops;
};

static struct pair pairs[TYPES_MAX];
static int count;

// ---- the charger

static void tick(struct pair *pair)
{
    if (mimic_runs_out(&pair->mimic).ns <= clock_mono().ns) {
        mimic_fall(&pair->mimic);
        pair->falls++;
    }
}

static void serve(struct pair *pair, int fd)
{
    uint8_t octets[MODBUS_TCP_MAX], answer[MODBUS_TCP_MAX], out[MODBUS_TCP_MAX];
    size_t got = 0;
    for (;;) {
        bool is_ready = poll(&(struct pollfd){fd, POLLIN, 0}, 1, 10) > 0;
        ssize_t done = is_ready ? recv(fd, octets + got, sizeof octets - got, 0) : 0;
        if (is_ready && done <= 0)
            return;
        got += (size_t)done;
        struct modbus_frame frame;
        size_t len = 0;
        pthread_mutex_lock(&pair->lock);
        tick(pair);
        bool ends = pair->hangs_up || pair->stops;
        if (!ends && !modbus_tcp_take(octets, got, &frame)) {
            len = mimic_answer(&pair->mimic, frame.pdu, frame.pdu_len, clock_mono(), answer);
            got = 0;
        }
        pair->hangs_up = false;
        pthread_mutex_unlock(&pair->lock);
        if (ends)
            return;
        if (len > 0) {
            len = modbus_tcp_put(&frame, answer, len, out);
            if (send(fd, out, len, MSG_NOSIGNAL) != (ssize_t)len)
                return;
        }
    }
}

static void *run(void *arg)
{
    struct pair *pair = arg;
    for (bool stops = false; !stops;) {
        if (poll(&(struct pollfd){pair->listener, POLLIN, 0}, 1, 10) > 0) {
            int fd = accept(pair->listener, NULL, NULL);
            serve(pair, fd);
            close(fd);
        }
        pthread_mutex_lock(&pair->lock);
        tick(pair);
        stops = pair->stops;
        pthread_mutex_unlock(&pair->lock);
    }
    return NULL;
}

static void listen_for(struct pair *pair)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    pair->listener = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(pair->listener, (struct sockaddr *)&at, len), 0);
    cr_assert_eq(listen(pair->listener, 4), 0);
    cr_assert_eq(getsockname(pair->listener, (struct sockaddr *)&at, &len), 0);
    snprintf(pair->address, sizeof pair->address, "tcp://127.0.0.1:%d", ntohs(at.sin_port));
}

static const struct mimic_plate plate = {PHASES, MOST_MA, FALLBACK_W, TIMEOUT_S};

// ---- the gateway

static void on_report(void *arg, const struct charger_group_report *report)
{
    struct pair *pair = arg;
    pair->confirmed_w = report->news == CHARGER_CONFIRMED ? report->limit_w : pair->confirmed_w;
    if (report->news == CHARGER_REFUSED || report->news == CHARGER_FAILED) {
        pair->confirmed_w = -1;
        snprintf(pair->reason, sizeof pair->reason, "%s", report->reason);
    }
}

static void add(const char *path, struct loop *loop)
{
    struct pair *pair = &pairs[count++];
    pair->path = path;
    cr_assert_eq(charger_type_read(path, &pair->type), ERR_NONE, "%s", path);
    pair->type.has_ascii = false; // over TCP here, whatever it is
    listen_for(pair);
    pthread_mutex_init(&pair->lock, NULL);
    mimic_start(&pair->mimic, &pair->type, &plate, clock_mono());
    pthread_create(&pair->thread, NULL, run, pair);
    pair->settings = (struct charger_group_settings){
        .type = &pair->type,
        .addresses = pair->address,
        .way = {.line = "",
                .timeout_ms = pair->type.twice ? 50 : 1000,
                .gap_ms = pair->type.gap_ms,
                .twice = pair->type.twice},
        .unit = 1,
        .rewrite_s = 25,
        .watch_s = 5,
        .connection = {PHASES, VOLT * 1000, 11040},
        .bounds = {{AMPERES_UNBOUND, AMPERES_UNBOUND, AMPERES_UNBOUND}},
    };
    pair->group = charger_group_new(loop, &pair->settings, on_report, pair);
}

static void leave(void *arg)
{
    loop_stop(arg);
}

// Let the gateway's side run for so long, real time.
static void live(struct loop *loop, int64_t ms)
{
    struct loop_timer *timer = loop_timer_new(loop, leave, loop);
    loop_timer_in(timer, clock_machine_ns(ms * 1000000));
    loop_run(loop);
    loop_timer_free(timer);
}

static void want(int32_t limit_w)
{
    for (int i = 0; i < count; i++)
        charger_group_want(pairs[i].group, limit_w);
}

static int64_t limit_ma(struct pair *pair)
{
    pthread_mutex_lock(&pair->lock);
    int64_t ma = mimic_limit_ma(&pair->mimic);
    pthread_mutex_unlock(&pair->lock);
    return ma;
}

static bool all_hold(int32_t limit_w, int64_t most_ma, int64_t least_ma)
{
    for (int i = 0; i < count; i++) {
        int64_t ma = limit_ma(&pairs[i]);
        if (pairs[i].confirmed_w != limit_w || ma > most_ma || ma < least_ma)
            return false;
    }
    return true;
}

// All must hold the limit after ms of real time; a busy machine may take longer.
static void expect_limit(struct loop *loop, int64_t ms, const char *when, int32_t limit_w,
                         int64_t most_ma, int64_t least_ma)
{
    live(loop, ms);
    for (int more = 0; more < 100 && !all_hold(limit_w, most_ma, least_ma); more++)
        live(loop, 100);
    for (int i = 0; i < count; i++) {
        struct pair *pair = &pairs[i];
        int64_t ma = limit_ma(pair);
        cr_expect_eq(pair->confirmed_w, limit_w, "%s, %s: not confirmed: %s", pair->path, when,
                     pair->reason);
        cr_expect(ma <= most_ma && ma >= least_ma, "%s, %s: %lld mA", pair->path, when,
                  (long long)ma);
    }
}

static void restart_all(void)
{
    for (int i = 0; i < count; i++) {
        struct pair *pair = &pairs[i];
        pthread_mutex_lock(&pair->lock);
        mimic_start(&pair->mimic, &pair->type, &plate, clock_mono());
        pair->hangs_up = true;
        pthread_mutex_unlock(&pair->lock);
    }
}

static void expect_silence(void)
{
    for (int i = 0; i < count; i++) {
        struct pair *pair = &pairs[i];
        int64_t ma = limit_ma(pair);
        if (pair->type.silence == CHARGER_RESTRICTS)
            cr_expect(ma > 5000 && ma < 6200, "%s falls back: %lld mA", pair->path, (long long)ma);
        else if (pair->type.silence == CHARGER_KEEPS)
            cr_expect(ma > 10000 && ma < 12000, "%s keeps: %lld mA", pair->path, (long long)ma);
        else
            cr_expect_eq(ma, MOST_MA, "%s opens up: %lld mA", pair->path, (long long)ma);
    }
}

Test(charger_group, drives_every_shipped_type, .timeout = 60)
{
    glob_t found;
    char hands[80];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(hands, sizeof hands, "2026-01-14T12:00:00Z %lld.%09ld %d", (long long)now.tv_sec,
             now.tv_nsec, RATE);
    cr_assert_eq(clock_set_hands(hands), ERR_NONE);
    cr_assert_eq(glob("gateway/drivers/*.ini", 0, NULL, &found), 0, "run me at the top");
    cr_assert_leq(found.gl_pathc, TYPES_MAX);
    struct loop *loop = loop_new();
    for (size_t i = 0; i < found.gl_pathc; i++)
        add(found.gl_pathv[i], loop);

    want(11040);
    expect_limit(loop, 1500, "all", 11040, 16000, 14000);
    want(3000); // less than 6 A, and 4.3 A for who takes watts
    expect_limit(loop, 1000, "pause", 3000, 4350, 0);
    for (int i = 0; i < count; i++)
        if (pairs[i].type.scale.unit == AMPERES_A && pairs[i].type.scale.least)
            cr_expect_eq(limit_ma(&pairs[i]), 0, "%s does not pause", pairs[i].path);
    want(8000);
    expect_limit(loop, 1000, "release", 8000, 11594, 10000);
    expect_limit(loop, INT64_C(1000) * 10 * TIMEOUT_S / RATE, "after ten time-outs", 8000, 11594,
                 10000);
    for (int i = 0; i < count; i++)
        cr_expect_eq(pairs[i].falls, 0, "%s was left in silence %d times", pairs[i].path,
                     pairs[i].falls);
    restart_all();
    expect_limit(loop, 1500, "after a restart", 8000, 11594, 10000);

    for (int i = 0; i < count; i++)
        charger_group_free(pairs[i].group);
    usleep(1000000 * 2 * TIMEOUT_S / RATE);
    expect_silence();
    for (int i = 0; i < count; i++) {
        pthread_mutex_lock(&pairs[i].lock);
        pairs[i].stops = true;
        pthread_mutex_unlock(&pairs[i].lock);
    }
    for (int i = 0; i < count; i++) {
        pthread_join(pairs[i].thread, NULL);
        close(pairs[i].listener);
        pthread_mutex_destroy(&pairs[i].lock);
        charger_type_clear(&pairs[i].type);
    }
    loop_free(loop);
    globfree(&found);
}

Test(charger_group, reads_addresses)
{
    static const struct {
        const char *text, *where;
        int unit, point;
        enum err err;
    } cases[] = {
        {"tcp://192.168.1.20", "tcp://192.168.1.20", -1, 1, ERR_NONE},
        {"  tcp://a:503#2@3 tcp://b", "tcp://a:503", 2, 3, ERR_NONE},
        {"/dev/ttyUSB0#50", "/dev/ttyUSB0", 50, 1, ERR_NONE},
        {"tcp://a@2", "tcp://a", -1, 2, ERR_NONE},
        {"tcp://a#256", "", 0, 0, ERR_SYNTAX},
        {"tcp://a#x", "", 0, 0, ERR_SYNTAX},
        {"tcp://a@", "", 0, 0, ERR_SYNTAX},
        {"  ", "", 0, 0, ERR_MORE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *list = cases[i].text;
        struct charger_address address = {0};
        enum err err = charger_address_read(&list, &address);
        cr_expect_eq(err, cases[i].err, "%s: %s", cases[i].text, err_name(err));
        if (err)
            continue;
        cr_expect_str_eq(address.where, cases[i].where, "%s", cases[i].text);
        cr_expect_eq(address.unit, cases[i].unit, "%s", cases[i].text);
        cr_expect_eq(address.point, cases[i].point, "%s", cases[i].text);
        free(address.where);
    }
}
