// SPDX-License-Identifier: Apache-2.0
// Quarter hours into dali.quarter: judged, in bulk, any order, any repetition. All SQL about
// them is here.

#ifndef INGEST_QUARTER_TABLE_H
#define INGEST_QUARTER_TABLE_H

#include "io/db.h"
#include "services/ingest/arrival.h"

struct quarter_table;

// Owned: quarter_table_free(). db is borrowed.
struct quarter_table *quarter_table_new(struct db *db);
void quarter_table_free(struct quarter_table *table);

struct feeder {
    int32_t number;
    char *id, *transformer; // the operator's names
    struct rating rating;
};

// Know the grid as it is in the tables: read when told to do so anew, or when what is known is
// older than ten seconds of machine time.
MUST_CHECK enum err quarter_table_learn(struct quarter_table *table, bool anew);

// The feeder of that name, borrowed until the next learning; NULL: not in the grid.
const struct feeder *quarter_table_feeder(struct quarter_table *table, const char *id);

// One measurement to write.
struct quarter_row {
    int64_t quarter; // seconds since 1970, of a quarter that arrival_refusal() takes
    const struct feeder *feeder;
    struct measured values;
    char said[QUALITY_LEN + 1]; // its sender's word
    struct utc arrived;
};

enum quarter_source { QUARTER_MQTT, QUARTER_CSV };

// What became of them.
struct quarter_counts {
    int64_t read;    // given
    int64_t fresh;   // not there before
    int64_t changed; // another value or mark than before
    int64_t marked;  // of the fresh and changed: not good
};

// What must be there before a transaction with these rows begins: the partitions of their months.
MUST_CHECK enum err quarter_table_prepare(struct quarter_table *table,
                                          const struct quarter_row *rows, size_t count);
MUST_CHECK enum err quarter_table_prepare_load(struct quarter_table *table, int64_t quarter);

// Judge and write within the caller's transaction; of two for the same quarter the later in
// rows counts. Reorders rows. Rings the doorbell of each transformer with news, and notes in
// audit.event what an operator wants to hear. Adds to counts.
MUST_CHECK enum err quarter_table_write(struct quarter_table *table, struct quarter_row *rows,
                                        size_t count, enum quarter_source source, struct utc now,
                                        struct quarter_counts *counts);

// Tell once of each feeder that used to report and has been silent for so many quarters.
MUST_CHECK enum err quarter_table_tell_silence(struct quarter_table *table, struct utc now,
                                               int64_t quarters);

#endif
