// SPDX-License-Identifier: Apache-2.0
// What a charger draws, told from peer-charger to those who measure it, as one datagram:
//   {"charger":"C01","p_w":[3680,0,0],"free_p_w":[3680,0,0],"at":"2026-01-14T16:00:00.123Z"}
// on L1, L2, L3 of the connection, from `at` on until the next one. free_p_w is what it would
// draw without any limit; without it p_w is taken, without at the receiver's time.

#ifndef PEER_COPPER_H
#define PEER_COPPER_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { COPPER_PHASES = 3, COPPER_ID_LEN = 64, COPPER_MAX = 512 };

struct copper {
    char charger[COPPER_ID_LEN + 1];
    int64_t at_ms; // UTC
    int64_t p_mw[COPPER_PHASES], free_mw[COPPER_PHASES];
};

void copper_write(const struct copper *copper, char text[static COPPER_MAX]);

// The reverse; copper stays untouched on error.
//   ERR_SYNTAX  not such an object     ERR_RANGE  a power below 0 or beyond 1 MW, or a bad time
MUST_CHECK enum err copper_read(const char *text, int64_t now_ms, struct copper *copper);

#endif
