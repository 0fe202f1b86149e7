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
#include <time.h>
#include <unistd.h>

enum { EVENTS_AT_ONCE = 64, WATCHES = 3 };
#define NOT_SET SIZE_MAX

struct loop_watch {
    struct loop *loop;
    int fd;
    void (*fn)(void *arg, uint32_t events);
    void *arg;
    bool gone;               // unwatched, perhaps with events still to come in this turn
    struct loop_watch *next; // of those gone
};

struct loop_timer {
    struct loop *loop;
    size_t place;   // in the heap; NOT_SET
    int64_t due_ns; // CLOCK_MONOTONIC
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
    int epoll, signals, doorbell, alarm;
    bool stopped;
    int64_t longest_ns;
    struct loop_watch *gone;
    struct loop_watch *watches[WATCHES];
    struct loop_timer **heap; // those that are set; none is due before its parent (i - 1) / 2
    size_t timer_count, timer_room;
    int64_t alarm_ns;     // when the alarm rings, no later than the first is due; 0: never
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

// --- Timers: any number of them on one descriptor ---

static int64_t machine_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECONDS_NS + now.tv_nsec;
}

static void put(struct loop *loop, size_t place, struct loop_timer *timer)
{
    loop->heap[place] = timer;
    timer->place = place;
}

static void rise(struct loop *loop, struct loop_timer *timer)
{
    size_t place = timer->place;
    for (; place && loop->heap[(place - 1) / 2]->due_ns > timer->due_ns; place = (place - 1) / 2)
        put(loop, place, loop->heap[(place - 1) / 2]);
    put(loop, place, timer);
}

static void sink(struct loop *loop, struct loop_timer *timer)
{
    size_t place = timer->place;
    for (;;) {
        size_t child = 2 * place + 1;
        if (child + 1 < loop->timer_count
            && loop->heap[child + 1]->due_ns < loop->heap[child]->due_ns)
            child++;
        if (child >= loop->timer_count || loop->heap[child]->due_ns >= timer->due_ns)
            break;
        put(loop, place, loop->heap[child]);
        place = child;
    }
    put(loop, place, timer);
}

static void take_out(struct loop_timer *timer)
{
    struct loop *loop = timer->loop;
    size_t place = timer->place;
    if (place == NOT_SET)
        return;
    timer->place = NOT_SET;
    struct loop_timer *last = loop->heap[--loop->timer_count];
    if (last == timer)
        return;
    put(loop, place, last);
    rise(loop, last);
    sink(loop, last);
}

// An alarm that rings too early does no harm, so it is only set anew for what is due before it.
static void set_alarm(struct loop *loop)
{
    if (!loop->timer_count || (loop->alarm_ns && loop->alarm_ns <= loop->heap[0]->due_ns))
        return;
    loop->alarm_ns = loop->heap[0]->due_ns;
    struct itimerspec spec = {
        .it_value = {loop->alarm_ns / SECONDS_NS, (long)(loop->alarm_ns % SECONDS_NS)}};
    if (timerfd_settime(loop->alarm, TFD_TIMER_ABSTIME, &spec, NULL))
        log_fatal("loop.failed", F("what", "timer"), F("why", strerror(errno)));
}

// Fire in ns of the machine's time, and not before the next turn of the loop.
static void arm(struct loop_timer *timer, int64_t ns)
{
    struct loop *loop = timer->loop;
    take_out(timer);
    timer->due_ns = machine_ns() + (ns < 1 ? 1 : ns);
    if (loop->timer_count == loop->timer_room) {
        loop->timer_room = loop->timer_room ? 2 * loop->timer_room : 16;
        loop->heap = memory_grow(loop->heap, loop->timer_room, sizeof(struct loop_timer *));
    }
    timer->place = loop->timer_count++;
    rise(loop, timer);
    set_alarm(loop);
}

// The utc clock may be set while we wait, so look at it again now and then.
static void arm_by_utc(struct loop_timer *timer)
{
    int64_t wait = clock_real_ns(timer->at.ns - clock_utc().ns);
    arm(timer, wait < 10 * SECONDS_NS ? wait : 10 * SECONDS_NS);
}

// Those due now; what they set themselves is due later than that.
static void on_alarm(void *arg, uint32_t events)
{
    struct loop *loop = arg;
    (void)events;
    uint64_t times;
    if (read(loop->alarm, &times, sizeof times) < 0)
        return; // set anew in this very turn
    loop->alarm_ns = 0;
    int64_t now = machine_ns();
    while (loop->timer_count && loop->heap[0]->due_ns <= now) {
        struct loop_timer *timer = loop->heap[0];
        take_out(timer);
        if (timer->by_utc && clock_utc().ns < timer->at.ns)
            arm_by_utc(timer);
        else
            timer->fn(timer->arg);
    }
    set_alarm(loop);
}

struct loop_timer *loop_timer_new(struct loop *loop, void (*fn)(void *arg), void *arg)
{
    struct loop_timer *timer = memory_new(1, sizeof *timer);
    *timer = (struct loop_timer){.loop = loop, .place = NOT_SET, .fn = fn, .arg = arg};
    return timer;
}

void loop_timer_free(struct loop_timer *timer)
{
    if (!timer)
        return;
    take_out(timer);
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
    take_out(timer);
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
    loop->alarm = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (loop->epoll < 0 || loop->signals < 0 || loop->doorbell < 0 || loop->alarm < 0)
        log_fatal("loop.failed", F("what", "new"), F("why", strerror(errno)));
    loop->watches[0] = loop_watch(loop, loop->signals, EPOLLIN, on_signal, loop);
    loop->watches[1] = loop_watch(loop, loop->doorbell, EPOLLIN, on_doorbell, loop);
    loop->watches[2] = loop_watch(loop, loop->alarm, EPOLLIN, on_alarm, loop);
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
    for (int i = 0; i < WATCHES; i++)
        loop_unwatch(loop->watches[i]);
    free_gone(loop);
    close(loop->epoll);
    close(loop->signals);
    close(loop->doorbell);
    close(loop->alarm);
    pthread_mutex_destroy(&loop->lock);
    free(loop->posted);
    free(loop->heap);
    free(loop);
}

static int64_t real_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECONDS_NS + now.tv_nsec;
}

void loop_run(struct loop *loop)
{
    while (!loop->stopped) {
        struct epoll_event events[EVENTS_AT_ONCE];
        int count = epoll_wait(loop->epoll, events, EVENTS_AT_ONCE, -1);
        if (count < 0 && errno != EINTR)
            log_fatal("loop.failed", F("what", "epoll_wait"), F("why", strerror(errno)));
        int64_t start_ns = real_ns();
        for (int i = 0; i < count; i++) {
            struct loop_watch *watch = events[i].data.ptr;
            if (!watch->gone)
                watch->fn(watch->arg, events[i].events);
        }
        free_gone(loop);
        int64_t busy_ns = real_ns() - start_ns;
        loop->longest_ns = busy_ns > loop->longest_ns ? busy_ns : loop->longest_ns;
    }
    loop->stopped = false;
}

int64_t loop_longest_ns(const struct loop *loop)
{
    return loop->longest_ns;
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
