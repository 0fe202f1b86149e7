// SPDX-License-Identifier: Apache-2.0
// The grid between a file and the database.

#ifndef ADMIN_GRID_IMPORT_H
#define ADMIN_GRID_IMPORT_H

#include "io/db.h"

#include <stdbool.h>

// Take in path ("-": standard input): all of it or, where anything is wrong with it, nothing.
// Says on standard output what changed, on standard error all that is wrong. What the file does
// not name stays; with replace, chargers that it does not name are removed and meters are taken
// off their connection.
MUST_CHECK enum err grid_import(struct db *db, const char *path, bool replace);

// Write path, or standard output where it is NULL. A file is there whole or not at all.
MUST_CHECK enum err grid_export(struct db *db, const char *path);

#endif
