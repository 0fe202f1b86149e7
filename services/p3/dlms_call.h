// SPDX-License-Identifier: Apache-2.0
// One session over TCP: connects, carries octets, keeps the time, closes. The loop drives it; it
// never waits. Any number may be under way.

#ifndef P3_DLMS_CALL_H
#define P3_DLMS_CALL_H

#include "base/err.h"
#include "io/loop.h"
#include "services/p3/session.h"

#include <sys/socket.h>

struct dlms_call;

struct dlms_address {
    struct sockaddr_storage socket;
    socklen_t len;
};

// A numeric IPv4 or IPv6 address; no name is looked up. ERR_SYNTAX: it is none.
MUST_CHECK enum err dlms_address_parse(const char *host, int port, struct dlms_address *address);

struct dlms_call_events {
    // It wants counters, none below least: answer with dlms_call_supply(), at once or later.
    void (*supply)(void *arg, uint32_t least);
    // It has ended. result is borrowed for the call of done, which may free it.
    void (*done)(void *arg, const struct session_result *result);
};

// Nothing happens before dlms_call_start(). What job points to and events are borrowed for its
// life. Owned: dlms_call_free(), which hangs up without a goodbye and without done.
struct dlms_call *dlms_call_new(struct loop *loop, const struct dlms_address *address,
                                const struct session_job *job,
                                const struct dlms_call_events *events, void *arg);
void dlms_call_free(struct dlms_call *call);
void dlms_call_start(struct dlms_call *call);

// End it: as session_recall() and session_abandon() say. cause is a constant. May call done.
void dlms_call_recall(struct dlms_call *call, const char *cause);
void dlms_call_abandon(struct dlms_call *call, const char *cause);

// NULL: there are no counters; the session ends with that cause.
void dlms_call_supply(struct dlms_call *call, const struct counter_range *counters);

#endif
