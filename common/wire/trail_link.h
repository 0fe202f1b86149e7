// SPDX-License-Identifier: Apache-2.0
// The seal of the audit trail: SHA-256 over an event and the hash of the event before it in its
// shard. The database seals by SQL (sql/006_audit.sql, which tells the form); this is the same in
// C, for whoever checks it.

#ifndef WIRE_TRAIL_LINK_H
#define WIRE_TRAIL_LINK_H

#include "base/digest.h"

#include <stddef.h>
#include <stdint.h>

struct trail_text {
    const char *at; // borrowed, no terminator
    size_t len;
};

// An event, and where it stands.
struct trail_event {
    int shard;
    int64_t sequence, id;
    int64_t at_us; // since 1970, UTC
    struct trail_text program, kind, subject, data;
    struct digest hash; // as it stands in the row
};

// Seconds since 1970 with six decimals, as the seal writes them: "1768406400.000000".
enum { TRAIL_AT_LEN = 27 };
void trail_at(int64_t us, char text[static TRAIL_AT_LEN + 1]);

// The digest of what the event says.
struct digest trail_content(const struct trail_event *event);

// The hash that an event of that content has at that place. Before the first event of a shard
// stands a digest of zeros.
struct digest trail_link(const struct digest *before, int shard, int64_t sequence,
                         const struct digest *content);

#endif
