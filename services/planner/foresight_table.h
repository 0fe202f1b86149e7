// SPDX-License-Identifier: Apache-2.0
// What this process has learnt of transformers, kept in memory from round to round, and how it
// outlives the process: each place's octets go to plan.series now and then, and what was measured
// since, or, without them, of the last four weeks, is read once from the tables. So a round reads
// and writes none of it but a small share, whatever is known; a transformer of which this process
// knows nothing yet is planned without foresight once, and recovered after the round.
//
// Where another planner had a transformer for a round, that is made up for from the quarters read.

#ifndef PLANNER_FORESIGHT_TABLE_H
#define PLANNER_FORESIGHT_TABLE_H

#include "io/db.h"
#include "services/planner/foresight.h"

struct foresight_store;

// Owned: foresight_store_free().
struct foresight_store *foresight_store_new(void);
void foresight_store_free(struct foresight_store *store);

// What is known of a transformer, when the quarter hour that starts at `quarter` is decided about.
// NULL: nothing, or too old; then it is wanted. Borrowed until the next recovery.
struct foresight *foresight_store_get(struct foresight_store *store, int transformer,
                                      int64_t quarter);

// Forget what has become too old, because another planner has those transformers now.
void foresight_store_trim(struct foresight_store *store, int64_t quarter);

// Is something wanted?
bool foresight_store_wants(const struct foresight_store *store);

// Recover some of the transformers that are wanted, up to before the quarter hour `quarter`, keep
// what was not kept, and add to *count how many.
MUST_CHECK enum err foresight_table_recover(struct db *db, struct foresight_store *store,
                                            int64_t quarter, const struct round_rules *rules,
                                            int *count);

// Keep those of `count` transformers (NULL: none) of which it is the turn in this quarter hour: of
// each once in eight hours.
MUST_CHECK enum err foresight_table_keep(struct db *db, struct foresight *const *foresights,
                                         int count, int64_t quarter);

#endif
