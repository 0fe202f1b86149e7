// SPDX-License-Identifier: Apache-2.0

#include "io/loop.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { EVENTS_AT_ONCE = 64 };

struct loop_watch {
    struct loop *loop;
    int fd;
    void (*fn)(void *arg, uint32_t events);
    void *arg;
    bool gone;               // unwatched, perhaps with events still to come in this turn
    struct loop_watch *next; // of those gone
};

struct loop_timer {
    struct loop_watch *watch;
    int fd;
    bool by_utc;
    struct utc at;
    void (*fn)(void *arg);
    void *arg;
};

struct posted {
    void (*fn)(void *arg);
    void *arg;
};

struct loop {
    int epoll, signals, doorbell;
    bool stopped;
    struct loop_watch *gone;
    struct loop_watch *watches[2];
    pthread_mutex_t lock; // of the four below
    struct posted *posted;
    size_t count, room;
};

static void on_signal(void *arg, uint32_t events)
{
    struct loop *loop = arg;
    (void)events;
    struct signalfd_siginfo info;
    if (read(loop->signals, &info, sizeof info) == sizeof info)
        log_info("program.told_to_stop", F("signal", (int)info.ssi_signo));
    loop->stopped = true;
}

static void on_doorbell(void *arg, uint32_t events)
{
    struct loop *loop = arg;
    (void)events;
    uint64_t rung;
    if (read(loop->doorbell, &rung, sizeof rung) < 0 && errno != EAGAIN)
        log_fatal("loop.failed", F("what", "eventfd"), F("why", strerror(errno)));
    pthread_mutex_lock(&loop->lock);
    struct posted *posted = loop->posted;
    size_t count = loop->count;
    loop->posted = NULL;
    loop->count = loop->room = 0;
    pthread_mutex_unlock(&loop->lock);
    for (size_t i = 0; i < count; i++)
        posted[i].fn(posted[i].arg);
    free(posted);
}

struct loop *loop_new(void)
{
    struct loop *loop = memory_new(1, sizeof *loop);
    pthread_mutex_init(&loop->lock, NULL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    loop->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->epoll < 0 || loop->signals < 0 || loop->doorbell < 0)
        log_fatal("loop.failed", F("what", "new"), F("why", strerror(errno)));
    loop->watches[0] = loop_watch(loop, loop->signals, EPOLLIN, on_signal, loop);
    loop->watches[1] = loop_watch(loop, loop->doorbell, EPOLLIN, on_doorbell, loop);
    return loop;
}

static void free_gone(struct loop *loop)
{
    while (loop->gone) {
        struct loop_watch *next = loop->gone->next;
        free(loop->gone);
        loop->gone = next;
    }
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    loop_unwatch(loop->watches[0]);
    loop_unwatch(loop->watches[1]);
    free_gone(loop);
    close(loop->epoll);
    close(loop->signals);
    close(loop->doorbell);
    pthread_mutex_destroy(&loop->lock);
    free(loop->posted);
    free(loop);
}

void loop_run(struct loop *loop)
{
    while (!loop->stopped) {
        struct epoll_event events[EVENTS_AT_ONCE];
        int count = epoll_wait(loop->epoll, events, EVENTS_AT_ONCE, -1);
        if (count < 0 && errno != EINTR)
            log_fatal("loop.failed", F("what", "epoll_wait"), F("why", strerror(errno)));
        for (int i = 0; i < count; i++) {
            struct loop_watch *watch = events[i].data.ptr;
            if (!watch->gone)
                watch->fn(watch->arg, events[i].events);
        }
        free_gone(loop);
    }
    loop->stopped = false;
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}

struct loop_watch *loop_watch(struct loop *loop, int fd, uint32_t events,
                              void (*fn)(void *arg, uint32_t events), void *arg)
{
    struct loop_watch *watch = memory_new(1, sizeof *watch);
    *watch = (struct loop_watch){.loop = loop, .fd = fd, .fn = fn, .arg = arg};
    struct epoll_event event = {.events = events, .data.ptr = watch};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event))
        log_fatal("loop.failed", F("what", "watch"), F("fd", fd), F("why", strerror(errno)));
    return watch;
}

void loop_watch_events(struct loop_watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    if (epoll_ctl(watch->loop->epoll, EPOLL_CTL_MOD, watch->fd, &event))
        log_fatal("loop.failed", F("what", "events"), F("why", strerror(errno)));
}

void loop_unwatch(struct loop_watch *watch)
{
    if (!watch || watch->gone)
        return;
    epoll_ctl(watch->loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL); // fails where it was closed
    watch->gone = true;
    watch->next = watch->loop->gone;
    watch->loop->gone = watch;
}

// Let the kernel wake us in ns of the machine's time; never 0, which would disarm it.
static void arm(struct loop_timer *timer, int64_t ns)
{
    if (ns < 1)
        ns = 1;
    struct itimerspec spec = {.it_value = {ns / SECONDS_NS, (long)(ns % SECONDS_NS)}};
    if (timerfd_settime(timer->fd, 0, &spec, NULL))
        log_fatal("loop.failed", F("what", "timer"), F("why", strerror(errno)));
}

// The utc clock may be set while we wait, so look at it again now and then.
static void arm_by_utc(struct loop_timer *timer)
{
    int64_t wait = clock_real_ns(timer->at.ns - clock_utc().ns);
    arm(timer, wait < 10 * SECONDS_NS ? wait : 10 * SECONDS_NS);
}

static void on_timer(void *arg, uint32_t events)
{
    struct loop_timer *timer = arg;
    (void)events;
    uint64_t times;
    if (read(timer->fd, &times, sizeof times) < 0)
        return; // stopped or set anew in this very turn
    if (timer->by_utc && clock_utc().ns < timer->at.ns)
        arm_by_utc(timer);
    else
        timer->fn(timer->arg);
}

struct loop_timer *loop_timer_new(struct loop *loop, void (*fn)(void *arg), void *arg)
{
    struct loop_timer *timer = memory_new(1, sizeof *timer);
    timer->fn = fn;
    timer->arg = arg;
    timer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timer->fd < 0)
        log_fatal("loop.failed", F("what", "timerfd"), F("why", strerror(errno)));
    timer->watch = loop_watch(loop, timer->fd, EPOLLIN, on_timer, timer);
    return timer;
}

void loop_timer_free(struct loop_timer *timer)
{
    if (!timer)
        return;
    loop_unwatch(timer->watch);
    close(timer->fd);
    free(timer);
}

void loop_timer_in(struct loop_timer *timer, int64_t ns)
{
    timer->by_utc = false;
    arm(timer, clock_real_ns(ns));
}

void loop_timer_at(struct loop_timer *timer, struct utc at)
{
    timer->by_utc = true;
    timer->at = at;
    arm_by_utc(timer);
}

void loop_timer_stop(struct loop_timer *timer)
{
    struct itimerspec never = {0};
    if (timerfd_settime(timer->fd, 0, &never, NULL))
        log_fatal("loop.failed", F("what", "timer"), F("why", strerror(errno)));
}

void loop_post(struct loop *loop, void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&loop->lock);
    if (loop->count == loop->room) {
        loop->room = loop->room ? 2 * loop->room : 16;
        loop->posted = memory_grow(loop->posted, loop->room, sizeof *loop->posted);
    }
    loop->posted[loop->count++] = (struct posted){fn, arg};
    pthread_mutex_unlock(&loop->lock);
    uint64_t one = 1;
    if (write(loop->doorbell, &one, sizeof one) < 0 && errno != EAGAIN)
        log_fatal("loop.failed", F("what", "post"), F("why", strerror(errno)));
}
