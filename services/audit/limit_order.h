// SPDX-License-Identifier: Apache-2.0
// What an operator asks for: a limit by hand, as JSON:
//
//   {"transformer": "T1" | "feeder": "F1" | "charger": "C01",
//    "phase_w": W | "connection_w": W, "until": "2026-01-14T18:00:00Z", "reason": "..."}
//
// phase_w: what each phase there may carry in all; connection_w: what each connection there may
// draw. Pure.

#ifndef AUDIT_LIMIT_ORDER_H
#define AUDIT_LIMIT_ORDER_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { LIMIT_REASON_MAX = 300, LIMIT_ID_MAX = 64, LIMIT_DAYS_MAX = 31 };

struct limit_order {
    const char *place; // "transformer", "feeder" or "charger"
    char id[LIMIT_ID_MAX + 1];
    const char *per; // "phase" or "connection"
    int32_t limit_w;
    int64_t until; // UTC, seconds
    char reason[LIMIT_REASON_MAX + 1];
};

// Read len octets; now in seconds UTC. On error *fault says what is wrong, naming the member;
// owned: free(). ERR_SYNTAX not of the form, ERR_RANGE an impossible value; order is then
// untouched.
MUST_CHECK enum err limit_order_read(const char *text, size_t len, int64_t now,
                                     struct limit_order *order, char **fault);

#endif
