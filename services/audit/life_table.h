// SPDX-License-Identifier: Apache-2.0
// All that is known of one profile, from the quarter hour that caused it to the register.

#ifndef AUDIT_LIFE_TABLE_H
#define AUDIT_LIFE_TABLE_H

#include "io/db.h"
#include "services/audit/step.h"

// In the groups and columns that row_json.h takes.
enum life_part {
    LIFE_MAIN, // one row: the profile; "/round", "/share", "/delivery"
    LIFE_MEASURED,
    LIFE_FORECAST,
    LIFE_ATTEMPTS,
    LIFE_RECEIPTS,
    LIFE_PARTS
};
struct life {
    PGresult *parts[LIFE_PARTS];
};

// Of the profile with that id, checked by parameter_parse(). Owned: life_table_clear(). Where there
// is no such profile LIFE_MAIN has no row.
MUST_CHECK enum err life_table_read(struct db *db, const char *id, struct life *life);
void life_table_clear(struct life *life);

// There must be the row of LIFE_MAIN.
enum life_group { LIFE_SHARE, LIFE_DELIVERY };
bool life_table_has(const struct life *life, enum life_group group);
const char *life_table_state(const struct life *life); // as the API calls it
struct step_times life_table_times(const struct life *life);

#endif
