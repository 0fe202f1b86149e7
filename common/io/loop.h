// SPDX-License-Identifier: Apache-2.0
// The one thread of a daemon waits here: descriptors, timers, signals, and work handed over
// by the threads of a library. SIGTERM and SIGINT leave loop_run().

#ifndef IO_LOOP_H
#define IO_LOOP_H

#include "base/clock.h"

#include <stdint.h>
#include <sys/epoll.h>

struct loop;
struct loop_watch;
struct loop_timer;

// Blocks SIGTERM and SIGINT and ignores SIGPIPE, so call it before any library starts a
// thread. Owned: loop_free(), after all that was made with it.
struct loop *loop_new(void);
void loop_free(struct loop *loop);

// Run until loop_stop() or a signal; then it may be run again, to bring things to an end.
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

// The longest that the loop was busy with what was ready at once: as long, at most, as anything
// that became ready meanwhile had to wait. Real time, since loop_new().
int64_t loop_longest_ns(const struct loop *loop);

// Call fn(arg, events) whenever fd is ready for events (EPOLLIN, EPOLLOUT). The descriptor
// stays the caller's. Unwatch before closing it; allowed inside any callback.
struct loop_watch *loop_watch(struct loop *loop, int fd, uint32_t events,
                              void (*fn)(void *arg, uint32_t events), void *arg);
void loop_watch_events(struct loop_watch *watch, uint32_t events);
void loop_unwatch(struct loop_watch *watch);

// A timer that calls fn(arg) once each time it was set. Owned: loop_timer_free().
struct loop_timer *loop_timer_new(struct loop *loop, void (*fn)(void *arg), void *arg);
void loop_timer_free(struct loop_timer *timer);

// Fire ns from now on the mono clock (it runs with the hands; for a wait for a machine, give
// clock_machine_ns(ns)), or when the utc clock shows at least at: also when that clock is
// set meanwhile, within ten seconds.
void loop_timer_in(struct loop_timer *timer, int64_t ns);
void loop_timer_at(struct loop_timer *timer, struct utc at);
void loop_timer_stop(struct loop_timer *timer);

// From any thread: call fn(arg) in the loop's thread, in the order posted. What is still
// posted when the loop is freed is not called.
void loop_post(struct loop *loop, void (*fn)(void *arg), void *arg);

#endif
