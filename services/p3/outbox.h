// SPDX-License-Identifier: Apache-2.0
// What to send now, again, or never. No clock, no table: both are arguments.
//
//   queued -> connecting -> written | verified -> seen -> applied
//     |  ^________|                          (seen may be skipped: an answer or receipt was lost)
//     `-> superseded, expired, refused, failed

#ifndef P3_OUTBOX_H
#define P3_OUTBOX_H

#include "base/clock.h"
#include "services/p3/route.h"

#include <stdbool.h>
#include <stddef.h>

enum outbox_state {
    OUTBOX_QUEUED,
    OUTBOX_CONNECTING,
    OUTBOX_WRITTEN,
    OUTBOX_VERIFIED,
    OUTBOX_SEEN,
    OUTBOX_APPLIED,
    OUTBOX_SUPERSEDED, // a newer one took its place
    OUTBOX_EXPIRED,    // useless before it was delivered
    OUTBOX_REFUSED,    // by the meter, its head-end or us: will never be taken
    OUTBOX_FAILED,     // tried often enough
    OUTBOX_STATES,
};

// As the tables and logs say it. Borrowed for ever.
const char *outbox_state_name(enum outbox_state state);

// May a delivery go from one state to another? Not into the state that it is in.
bool outbox_may_go(enum outbox_state from, enum outbox_state to);

// Why this text must not be sent to a meter: a cause; NULL when it may. P1 readers take 1 to
// 1024 printable ASCII characters (P1 companion, 0-0:96.13.0; DSMR-M 4.5.79).
const char *outbox_text_fault(const char *text);

// What an attempt tells of the meter itself.
enum outbox_reach {
    OUTBOX_NOT_TOLD,   // it ended for another reason, or behind a head-end
    OUTBOX_REACHED,    // it is there
    OUTBOX_MISSED,     // it is not
    OUTBOX_MISTRUSTED, // something is there that is not what it should be: an operator must look
    OUTBOX_REACHES,
};

// As the tables say it. Borrowed for ever.
const char *outbox_reach_name(enum outbox_reach reach);

// So often in a row missed, a meter is told as unreachable.
enum { OUTBOX_SILENT = 5 };

// An attempt that has ended.
struct outbox_attempt {
    enum route_status status;
    const char *cause;    // of a retry, or of what was written and not read back
    int number;           // 1, 2, ...
    int failures;         // attempts in a row that missed this meter, before this one
    struct utc now;       // when it ended
    struct utc not_after; // useless from then on
    uint64_t seed;        // for the jitter: any, but another for each delivery
};

struct outbox_verdict {
    enum outbox_state state; // written, verified, queued, refused, failed or expired
    struct utc next_at;      // for queued: not tried before
    enum outbox_reach reach;
    struct utc rest_until; // for missed: no later message of this meter is tried before
};

// What follows from it.
//
// A pause grows by two with each attempt, between the bounds of its cause's class, give or
// take a quarter. One that would end too late is cut to half of the time left, so that the
// last chances are used, until that is shorter than half the class's first pause: then expired.
//
// A meter that was missed rests: there the pause grows with the failures in a row, over all its
// messages, and once it is silent nothing is cut.
struct outbox_verdict outbox_judge(const struct outbox_attempt *attempt);

#endif
