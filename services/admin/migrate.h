// SPDX-License-Identifier: Apache-2.0
// Bring a database to the state that the migrations describe.

#ifndef ADMIN_MIGRATE_H
#define ADMIN_MIGRATE_H

#include "io/db.h"

// Apply what is wanted of the files in folder, or of those built in where it is NULL. Each
// stands or falls as a whole; the first that fails ends it. Tells on standard output what was
// applied and on standard error what is wrong. Safe to run at any time, also twice at once.
MUST_CHECK enum err migrate(struct db *db, const char *folder);

#endif
