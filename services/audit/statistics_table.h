// SPDX-License-Identifier: Apache-2.0
// The rows behind the statistics of a span of time, read along indexes of time. from and to as
// span_asked() gives them. All results are owned: PQclear(); NULL as db_query().

#ifndef AUDIT_STATISTICS_TABLE_H
#define AUDIT_STATISTICS_TABLE_H

#include "io/db.h"

// The grid: number, id, limit of L1, L2, L3 (NULL: none), and of feeders the transformer's number.
PGresult *statistics_table_transformers(struct db *db);
PGresult *statistics_table_feeders(struct db *db);

// Good quarters by quarter and feeder: quarter as microseconds, feeder, W on L1, L2, L3, quarter.
// One batch of at most STATISTICS_BATCH, behind the quarter and feeder of the batch before, at
// first STATISTICS_BEFORE and "0".
#define STATISTICS_BEFORE "-infinity"
enum { STATISTICS_BATCH = 20000 };
PGresult *statistics_table_quarters(struct db *db, const char *from, const char *to,
                                    const char *quarter, const char *feeder);

// The same of days that were rolled up: which there are, and one of them for the feeders of the
// transformers with numbers from first to last.
PGresult *statistics_table_days(struct db *db, const char *from, const char *to);
PGresult *statistics_table_day(struct db *db, const char *from, const char *to, const char *day,
                               int first, int last);

// One row: rounds, congested rounds.
PGresult *statistics_table_rounds(struct db *db, const char *from, const char *to);

// Of the profiles made in the span, by state: state, count, of these written, of these unexplained
// at now (they should have ended and did not, or ended badly without a cause).
PGresult *statistics_table_states(struct db *db, const char *from, const char *to, const char *now);

// How long the steps of these profiles took, a row for each that there was: its number, p50, p99
// and maximum in seconds.
enum {
    STATISTICS_MEASURED_TO_ARRIVED,
    STATISTICS_ARRIVED_TO_PLANNED,
    STATISTICS_PLANNED_TO_VERIFIED,
    STATISTICS_VERIFIED_TO_SEEN,
    STATISTICS_SEEN_TO_APPLIED,
    STATISTICS_STEPS
};
PGresult *statistics_table_steps(struct db *db, const char *from, const char *to);

// Per feeder, or where that is null per transformer, kWh over the last rounds about the quarter
// hours of the span: what cars could have drawn and were not given, and how much of that lay above
// the limit of the place. Columns: feeder, transformer, curtailed, avoided.
PGresult *statistics_table_control(struct db *db, const char *from, const char *to);

// Over congested rounds: connections that asked, Jain's index of the part that each got of what it
// asked, 1 where all got the same part, and the least of these parts.
PGresult *statistics_table_fairness(struct db *db, const char *from, const char *to);

// One row: what of a time may be gone, as JSON.
PGresult *statistics_table_not_kept(struct db *db, const char *from);

#endif
