// SPDX-License-Identifier: Apache-2.0
// What was applied to a database: public.socmod_migration, one row a file.

#ifndef ADMIN_MIGRATION_TABLE_H
#define ADMIN_MIGRATION_TABLE_H

#include "io/db.h"
#include "services/admin/migration.h"

// Be the only one that migrates this database until the connection ends: wait for another.
// Makes the table where it is missing.
MUST_CHECK enum err migration_table_open(struct db *db);

// All rows. Owned: free(); the texts in it are borrowed from *result, which is then PQclear()ed.
// NULL when the database did not answer.
struct migration_row *migration_table_read(struct db *db, PGresult **result, size_t *count);

// Make the roles of the programs where they are missing: they may log in and own nothing.
MUST_CHECK enum err migration_table_roles(struct db *db);

// Apply one file and note it, in one transaction. What the server says against it goes to
// standard error with the name, and the line where the server tells it.
MUST_CHECK enum err migration_table_apply(struct db *db, const struct migration *file);

#endif
