// SPDX-License-Identifier: Apache-2.0
// What an administrator did, into the audit trail.

#ifndef ADMIN_EVENT_TABLE_H
#define ADMIN_EVENT_TABLE_H

#include "io/db.h"

// Note "thing.happened" of a subject, with data as JSON text or NULL. Belongs into the
// transaction that does it. Nothing in a database that has no audit trail yet.
MUST_CHECK enum err event_table_add(struct db *db, const char *kind, const char *subject,
                                    const char *data);

#endif
