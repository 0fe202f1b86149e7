// SPDX-License-Identifier: Apache-2.0
// Limits set by hand (grid.manual_limit), into the facts of a batch.

#ifndef PLANNER_HAND_TABLE_H
#define PLANNER_HAND_TABLE_H

#include "services/planner/plan_table.h"

// ROUND_BY_HAND, for statements.
#define HAND_PRIORITY "1"

// Bring those in force at `now` into the facts of the jobs, which stand in the order of their
// numbers: as lower limits of places, and as caps of connections. ERR_IO: none or some are.
MUST_CHECK enum err hand_table_read(struct db *db, int64_t now, struct plan_batch *batch);

#endif
