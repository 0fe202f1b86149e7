// SPDX-License-Identifier: Apache-2.0
// What could not be taken, kept where an operator finds it: dali.refused, an audit event per
// source and batch, and one line in the log.

#ifndef INGEST_REFUSED_TABLE_H
#define INGEST_REFUSED_TABLE_H

#include "io/db.h"

struct refused_table;

// Owned: refused_table_free(). db is borrowed.
struct refused_table *refused_table_new(struct db *db);
void refused_table_free(struct refused_table *refused);

// Note a refusal, for the next write. Everything is copied.
//   kind     of the audit event: "dali.refused", "field.refused"
//   subject  what the events are counted by: the topic, or the file
//   source   the topic, or file:line
//   content  len octets; what is not printable ASCII is kept as \xNN
void refused_table_note(struct refused_table *refused, struct utc at, const char *kind,
                        const char *subject, const char *source, const char *reason,
                        const void *content, size_t len);

// Write what was noted, within the caller's transaction.
MUST_CHECK enum err refused_table_write(struct refused_table *refused, struct utc now);

// Forget what was noted: it has been committed, or the batch will come again. A commit is also
// told to the log.
void refused_table_committed(struct refused_table *refused);
void refused_table_forget(struct refused_table *refused);

#endif
