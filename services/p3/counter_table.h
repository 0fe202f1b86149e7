// SPDX-License-Identifier: Apache-2.0
// Invocation counters, reserved in the database before they are used: none is given out twice
// for the same key and title, and each block lies above all blocks before it.
//
// What that holds against:
// - A process that dies at any moment: a block is committed, and flushed to disk (also where
//   synchronous_commit is off), before the first counter of it is given; what is not used is lost.
// - Several processes: a reservation locks the one row of p3.counter_state until its commit.
// - Two keys of one meter: counters belong to the key (struct key_use), so that those reserved
//   after a change of key are never used with the key from before it.
// - A database put back from a backup, or a replica promoted that lacks the last commits: then the
//   tables know less than was used, and nothing in them can tell. So every reservation raises a
//   serial number, and each process keeps the highest that it saw in a file of its own (the mark)
//   before it gives the counters out. A database that is behind the mark of any process is closed
//   by that process, for all: nothing is sent, the log and an event say why, until the operator
//   lifts all counters over the gap (socmod-admin keys restored --skip N). Idle processes look
//   every ten seconds, so that the mark of each is close to the last backup.
//
// Why not ask the meter: the value that its public client tells is not authentic, so that it must
// not raise a counter without bounds, the read costs a second association, and a meter of DSMR
// 4.2 keeps none. What the meter says remains the second look: where it has seen more than was
// ever reserved here (request.least), somebody else uses the key, or file and tables were put
// back together, as by a snapshot of a whole machine: that is logged, and an event.
//
// Not seen: such a snapshot, until a meter says so; the manual page says what to do after one.

#ifndef P3_COUNTER_TABLE_H
#define P3_COUNTER_TABLE_H

#include "io/db.h"
#include "services/p3/session.h"
#include "wire/key_wrap.h"

#include <stddef.h>

struct counter_table;

// Texts are borrowed for its life.
struct counter_settings {
    const char *name; // of this process, unique among those that run, the same after a restart
    const char *mark; // file of its mark; not shared, not on a disk that is put back with the
                      // database, and never in the same backup
    int64_t warn_at;  // a key whose counters reach this is told of, once
    int64_t stop_at;  // and here they end; at most UINT32_MAX
};

// Borrows db. Owned: counter_table_free().
struct counter_table *counter_table_new(struct db *db, const struct counter_settings *settings);
void counter_table_free(struct counter_table *table);

// See whether this database is the one that the mark is of, and keep the mark up to date. At the
// start, after each new connection and every ten seconds; no reservation is given before.
//   ERR_IO     no database, or the mark cannot be written: try again
//   ERR_RANGE  refused, see counter_table_refusal(); look again, for the operator may lift it
MUST_CHECK enum err counter_table_look(struct counter_table *table, struct utc now);

// Why no counters are given, as the last look or reservation found: "restored" (the database is
// behind a mark), "other-database", "mark-lost" (the file is gone); NULL: they are.
const char *counter_table_refusal(const struct counter_table *table);

struct counter_request {
    struct key_use use;
    uint32_t least;             // none below; 0: any
    struct counter_range range; // given; its count is 0 where there are none for this key:
                                // unknown, or used up (then an event says so)
};

// Reserve a block of each counters for every request, a use at most once in a call. Above what
// was reserved before, committed and marked when this returns ERR_NONE. A session takes one
// block of SESSION_COUNTERS_MAX, so that no other block is between its counters.
//   ERR_IO     nothing was given; try again later (what was committed without an answer is lost)
//   ERR_RANGE  refused, as above
MUST_CHECK enum err counter_table_reserve(struct counter_table *table,
                                          struct counter_request *requests, size_t count,
                                          uint32_t each, struct utc now);

// What a session has learnt of the meter.
struct counter_sighting {
    struct key_use use;
    int64_t meter_counter; // highest of the meter's own; SESSION_NO_RESULT: none
    bool knows_title;      // proven
    uint8_t meter_title[CIPHER_TITLE_LEN];
};

// Keep it, for what key_table_load() tells of later sessions: frames of the meter that are not
// above meter_counter are old ones, played again. ERR_IO: not kept.
MUST_CHECK enum err counter_table_note(struct counter_table *table,
                                       const struct counter_sighting *sightings, size_t count);

#endif
