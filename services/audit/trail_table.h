// SPDX-License-Identifier: Apache-2.0
// The rows of the trail as they are checked and exported.

#ifndef AUDIT_TRAIL_TABLE_H
#define AUDIT_TRAIL_TABLE_H

#include "io/db.h"
#include "services/audit/chain.h"
#include "wire/trail_head.h"

// A shard as its row says it, and what its events say besides.
struct trail_shard {
    struct trail_stand stand;
    int64_t id;       // of the last event
    int64_t greatest; // sequence among its events; 0 for none
    int64_t stray;    // one that stands at or before the base; 0 for none
    bool is_known;    // false: there are events, but no such row
};

struct trail_shards {
    struct trail_shard *list; // owned: free(); ascending
    size_t count;
};

// A session that walks through the trail by its index; keeps retirement away until it ends.
MUST_CHECK enum err trail_table_open(struct db *db);

// All shards at one moment.
MUST_CHECK enum err trail_table_shards(struct db *db, struct trail_shards *shards);

// Signed heads behind that number: number, document, key, signature as hex. Owned: PQclear().
PGresult *trail_table_heads(struct db *db, int64_t after, int limit);

// The hash of each event that stands at one of the places, "shard:sequence" as text arrays
// ("{1,2}"): columns shard, sequence, hash as hex. Owned: PQclear().
PGresult *trail_table_hashes(struct db *db, const char *shards, const char *sequences);

// Give the events of a shard from first to last, by sequence, to row until it says false. In
// constant memory, here and in the server. A trail_event is borrowed for the call.
MUST_CHECK enum err trail_table_walk(struct db *db, int shard, int64_t first, int64_t last,
                                     bool (*row)(void *arg, const struct trail_event *event),
                                     void *arg);

// The same for events whose id lies between two, in any order: reads the whole trail.
MUST_CHECK enum err trail_table_walk_ids(struct db *db, int shard, int64_t after, int64_t before,
                                         bool (*row)(void *arg, const struct trail_event *event),
                                         void *arg);

// What is exported: whole seconds of UTC, from on and before to.
struct trail_asked {
    int64_t from, to;
    const char *subjects; // with commas between them; NULL: all
};

// The same for the events asked for, by time.
MUST_CHECK enum err trail_table_walk_time(struct db *db, const struct trail_asked *asked,
                                          bool (*row)(void *arg, const struct trail_event *event),
                                          void *arg);

// Of each shard with events in the span, whatever their subject: shard, their first and last
// sequence, and its end. Owned: PQclear().
PGresult *trail_table_spans(struct db *db, const struct trail_asked *asked);

// Tell in the trail that events were exported; digest is that of the export.
MUST_CHECK enum err trail_table_exported(struct db *db, struct utc now,
                                         const struct trail_asked *asked, int64_t events,
                                         const char *digest);

// Keep what a verification found, and as an event.
struct trail_verdict {
    struct utc started, finished;
    int64_t after; // signed head; 0: everything
    int64_t events, heads;
    const char *fault; // the first; NULL: intact
};
MUST_CHECK enum err trail_table_keep(struct db *db, const struct trail_verdict *verdict);

#endif
