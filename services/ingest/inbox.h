// SPDX-License-Identifier: Apache-2.0
// From the spool into the tables: a batch of messages, one transaction. Only when that stands
// is the batch forgotten, so that nothing is lost; and every table takes repeats, so that
// nothing is doubled.

#ifndef INGEST_INBOX_H
#define INGEST_INBOX_H

#include "io/db.h"
#include "services/ingest/quarter_table.h"
#include "services/ingest/spool.h"

struct inbox;

// All are borrowed. Owned: inbox_free().
struct inbox *inbox_new(struct db *db, struct quarter_table *quarters, struct spool *spool,
                        const struct arrival_bounds *bounds);
void inbox_free(struct inbox *inbox);

// Take the next batch.
//   ERR_NONE  it is in the tables; there may be more
//   ERR_MORE  there is nothing to take
//   ERR_IO    the database did not take it; it stays, try again later
MUST_CHECK enum err inbox_take(struct inbox *inbox);

#endif
