// SPDX-License-Identifier: Apache-2.0
// Limits set by hand: grid.manual_limit, changed by the functions of sql/015_limits.sql, which also
// tell the planner and the trail.

#ifndef ADMIN_LIMIT_TABLE_H
#define ADMIN_LIMIT_TABLE_H

#include "io/db.h"

#include <stdbool.h>
#include <stdint.h>

struct limit_order {
    const char *place;  // 'transformer', 'feeder' or 'charger' ...
    const char *id;     // ... and which
    bool per_phase;     // else per connection
    int64_t limit_w;    // 0 to 1000000000
    const char *reason; // 1 to 300 octets
    const char *by;     // who
    int64_t until;      // UTC seconds, in the future
};

// Set it; one of the same kind that is in force at the same place ends. Complains itself and
// returns ERR_RANGE where the place is not in the grid. *number: of the limit.
MUST_CHECK enum err limit_table_set(struct db *db, const struct limit_order *order,
                                    int64_t *number);

// End limit `number` now. Complains itself and returns ERR_RANGE where it is not in force.
MUST_CHECK enum err limit_table_release(struct db *db, int64_t number, const char *reason,
                                        const char *by);

// Those in force, or all, newest first: number, place, limit, from, until, by, reason, end. Owned:
// PQclear(); NULL: no answer.
PGresult *limit_table_list(struct db *db, bool all);

#endif
