// SPDX-License-Identifier: Apache-2.0
// How what was learnt of transformers outlives the process: each place's octets go to plan.series
// now and then, and what was measured since, or, without them, of the last four weeks, is read
// once from the tables. So a round reads and writes none of it but a small share, whatever is
// known; a transformer of which this process knows nothing yet is planned without foresight once,
// and recovered after the round.
//
// Where another planner had a transformer for a round, that is made up for from the quarters read.

#ifndef PLANNER_FORESIGHT_TABLE_H
#define PLANNER_FORESIGHT_TABLE_H

#include "io/db.h"
#include "services/planner/foresight_store.h"

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
