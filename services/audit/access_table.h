// SPDX-License-Identifier: Apache-2.0
// The rows behind access: tokens, and the trail of refusals.

#ifndef AUDIT_ACCESS_TABLE_H
#define AUDIT_ACCESS_TABLE_H

#include "io/db.h"

// All tokens: name, hash, role, expires as microseconds since 1970; at most limit + 1 of them.
// Owned: PQclear(); NULL as db_query().
PGresult *access_table_tokens(struct db *db, int limit);

// Add an event "access.refused" of client. reason is ours; path and name are printable ASCII;
// untold is how many were refused since the last one that was added.
MUST_CHECK enum err access_table_refused(struct db *db, struct utc at, const char *client,
                                         const char *path, const char *name, const char *reason,
                                         int64_t untold);

// Add the events of reads.c to the trail: [{"at", "subject", "data"}, ...]
MUST_CHECK enum err access_table_reads(struct db *db, const char *events);

#endif
