// SPDX-License-Identifier: Apache-2.0
// All SQL that reads what is known, for a batch of transformers at once.

#ifndef PLANNER_FACTS_TABLE_H
#define PLANNER_FACTS_TABLE_H

#include "services/planner/plan_table.h"

// Fill in the facts of the jobs of a batch, what they know and whether that is complete, for the
// quarter hour that starts at `quarter`. ERR_IO: the batch has been cleared.
MUST_CHECK enum err facts_table_read(struct db *db, int64_t quarter, int64_t now,
                                     struct plan_batch *batch);

#endif
