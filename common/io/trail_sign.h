// SPDX-License-Identifier: Apache-2.0
// Make the next signed head of the audit trail (wire/trail_head.h) of how its shards stand.

#ifndef IO_TRAIL_SIGN_H
#define IO_TRAIL_SIGN_H

#include "io/db.h"
#include "wire/seal.h"

// Into audit.head, in the transaction that is open, where it also waits for another one that does
// the same. number of it; ERR_IO as db_do().
MUST_CHECK enum err trail_sign(struct db *db, const struct seal_key *key, struct utc now,
                               int64_t *number);

#endif
