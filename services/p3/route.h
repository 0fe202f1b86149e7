// SPDX-License-Identifier: Apache-2.0
// How a message gets to a meter: submit it, hear what became of it. The caller neither knows
// nor cares whether a head-end or a DLMS session did it.

#ifndef P3_ROUTE_H
#define P3_ROUTE_H

#include "base/clock.h"

#include <stdbool.h>

enum {
    ROUTE_ID_LEN = 36,
    ROUTE_NAME_LEN = 64, // of a meter or a head-end
    ROUTE_TEXT_LEN = 1024,
    ROUTE_ADDRESS_LEN = 64,
    ROUTE_CAUSE_LEN = 32,
    ROUTE_DETAIL_LEN = 120,
};

// One attempt to deliver one message. Times are of the program's clock.
struct errand {
    char profile[ROUTE_ID_LEN + 1];
    int64_t meter; // grid.meter.number: what logs say
    int attempt;   // 1, 2, ...
    char equipment_id[ROUTE_NAME_LEN + 1];
    char head_end[ROUTE_NAME_LEN + 1];   // "" where the route has none
    char address[ROUTE_ADDRESS_LEN + 1]; // host:port, "" where the route has none
    char type[ROUTE_NAME_LEN + 1];       // of meter
    int failures; // attempts in a row, of this message or earlier ones, that did not reach the
                  // meter
    char text[ROUTE_TEXT_LEN + 1];
    struct utc not_after; // useless later
};

enum route_status {
    ROUTE_VERIFIED, // read back, and equal
    ROUTE_WRITTEN,  // accepted, not read back
    ROUTE_RETRY,    // not this time, see cause
    ROUTE_REFUSED,  // never, see cause
    ROUTE_STATUSES,
};

struct route_answer {
    enum route_status status;
    char cause[ROUTE_CAUSE_LEN + 1]; // "timeout", "no-route", ...; [a-z0-9-]; "" when it went well
    char detail[ROUTE_DETAIL_LEN + 1]; // for a person
};

struct route {
    const char *name; // "head-end", "dlms"; a lane is that, or name/what it is capped by
    void *self;

    // Would a message submitted now have a chance to leave?
    bool (*is_ready)(void *self);

    // Deliver errand, which is borrowed until done(arg, answer) is called: exactly once,
    // perhaps before this returns, and within the answer time-out.
    void (*submit)(void *self, const struct errand *errand,
                   void (*done)(void *arg, const struct route_answer *answer), void *arg);

    // A newer message waits for the meter of an errand under way: give it up, unless all of it has
    // been sent. It is answered all the same, perhaps within this call. NULL: cannot.
    void (*recall)(void *self, const struct errand *errand);

    // The program ends: recall all. NULL: cannot.
    void (*stop)(void *self);
};

#endif
