// SPDX-License-Identifier: Apache-2.0
// The tables of the schema grid: a whole file in, all of it out.
//
// What comes in lands in a temporary table first, is compared with what is known, and then
// changes the grid in one transaction or not at all.

#ifndef ADMIN_GRID_TABLE_H
#define ADMIN_GRID_TABLE_H

#include "io/db.h"
#include "services/admin/grid_file.h"

#include <stdio.h>

// What an import did.
struct grid_changes {
    int64_t added[GRID_KINDS], changed[GRID_KINDS];
    int64_t gone[GRID_KINDS]; // chargers removed, meters taken off their connection
};

// Begin a transaction that excludes other imports, and make room for the rows.
MUST_CHECK enum err grid_table_begin(struct db *db);

// A row for the file's objects, as struct grid_sink gives them.
MUST_CHECK enum err grid_table_row(struct db *db, enum grid_kind kind,
                                   const char *const fields[GRID_FIELDS]);
MUST_CHECK enum err grid_table_reference(struct db *db, enum grid_kind kind, const char *id,
                                         const char *place);
MUST_CHECK enum err grid_table_rows_end(struct db *db);

// A finding for each reference to what is not in the grid.
MUST_CHECK enum err grid_table_check(struct db *db, struct findings *findings);

// Change the grid: add and change; with replace also take out the chargers and meters that the
// file does not name. Rings "grid_changed" when it commits and something changed.
MUST_CHECK enum err grid_table_apply(struct db *db, bool replace, struct grid_changes *changes);

// Write the whole grid as the file's JSON, in the order of the identifiers, one line for each
// object. What reading it sees is one moment.
MUST_CHECK enum err grid_table_write(struct db *db, FILE *out);

#endif
