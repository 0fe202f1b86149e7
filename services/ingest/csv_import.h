// SPDX-License-Identifier: Apache-2.0
// A CSV file of quarter hours into the tables. Good lines go in, chunk by chunk, each chunk
// one transaction; a bad line is named on standard error as "file:line: column: why", kept in
// dali.refused, and hinders no other. To import a file again is harmless.

#ifndef INGEST_CSV_IMPORT_H
#define INGEST_CSV_IMPORT_H

#include "io/db.h"
#include "services/ingest/quarter_table.h"

// Import the file at path ("-": standard input); tells what became of it on standard output,
// and its progress, when it takes long, on standard error. Waits up to a minute of machine time
// for a database that is away.
//
//   ERR_SYNTAX  at least one line was refused, or the header: then nothing was taken
//   ERR_IO      file or database failed; what stands in the tables by then stays
MUST_CHECK enum err csv_import(struct db *db, struct quarter_table *quarters, const char *path,
                               int64_t future_s);

#endif
