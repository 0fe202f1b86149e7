// SPDX-License-Identifier: Apache-2.0
// All SQL of socmod-p3: the wanted messages (plan.profile) become deliveries, and these what
// became of them. Each call is one transaction; ERR_IO means that nothing of it stands (or, of a
// commit whose answer was lost, all of it) and that the same call may be made again.
//
// Any number of processes share the tables. What one has claimed, no other takes before the
// lease ends, which is after the attempt itself has timed out.

#ifndef P3_DELIVERY_TABLE_H
#define P3_DELIVERY_TABLE_H

#include "io/db.h"
#include "services/p3/outbox.h"
#include "services/p3/route.h"

#include <stddef.h>

struct delivery_table;

// name: of this process, unique among those that run. routes: names of those served here,
// separated by blanks. Both borrowed, as db is. Owned: delivery_table_free().
struct delivery_table *delivery_table_new(struct db *db, const char *name, const char *routes);
void delivery_table_free(struct delivery_table *table);

// Set up this connection where it is new, and be the one process of our name on it. Held as long as
// the connection; ERR_IO while another process holds it, or without a database.
MUST_CHECK enum err delivery_table_own_name(struct delivery_table *table);

// What to look at: only what is new, also what may have been committed out of order since, or
// all of the last days (at the start, and now and then).
enum delivery_look { LOOK_NEW, LOOK_BACK, LOOK_ALL };

// Take in new profiles, at most a batch: the newest of a meter is queued and replaces what
// waits; older and useless ones get a row that says so. *more: call again.
MUST_CHECK enum err delivery_table_take_in(struct delivery_table *table, enum delivery_look look,
                                           struct utc now, bool *more);

// Let gateways' receipts tell what was seen and applied, at most a batch. *more: call again.
MUST_CHECK enum err delivery_table_confirm(struct delivery_table *table, enum delivery_look look,
                                           struct utc now, bool *more);

// Expire what waited too long, and queue again what a process has abandoned: leases that have
// ended, and with ours, all that was claimed under our name (at the start, when there can
// be none of ours under way).
MUST_CHECK enum err delivery_table_sweep(struct delivery_table *table, struct utc now, bool ours);

// An attempt that has ended.
struct delivery_result {
    char profile[ROUTE_ID_LEN + 1];
    int attempt;
    struct utc finished;
    struct route_answer answer;
    struct outbox_verdict verdict;
};

// Write down count of them. A result of a claim that was lost meanwhile only counts if it says
// that the text was written.
MUST_CHECK enum err delivery_table_settle(struct delivery_table *table,
                                          const struct delivery_result *results, size_t count,
                                          struct utc now);

#endif
