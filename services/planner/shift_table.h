// SPDX-License-Identifier: Apache-2.0
// Who else plans. The planners at work share the transformers by number, so that each learns, and
// remembers, only its own; what another leaves undone anybody takes when the grace period is over.

#ifndef PLANNER_SHIFT_TABLE_H
#define PLANNER_SHIFT_TABLE_H

#include "io/db.h"

#include <stdint.h>

// Ours are the transformers whose number leaves `rank` when divided by `count`.
struct shift {
    int rank, count;
};

static inline bool shift_has(const struct shift *shift, int transformer)
{
    return transformer % shift->count == shift->rank;
}

// Say that `name` is at work; how the work is then shared. Who has not said so for half an hour has
// gone.
MUST_CHECK enum err shift_table_report(struct db *db, const char *name, struct utc now,
                                       struct shift *shift);

// Say that it stops. Nothing is wrong when that cannot be said.
void shift_table_leave(struct db *db, const char *name);

#endif
