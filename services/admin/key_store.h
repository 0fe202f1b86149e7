// SPDX-License-Identifier: Apache-2.0
// All SQL of the keys' jobs. Keys pass through here wrapped only.
//
// Whoever changes counters or what they belong to holds the one row of p3.counter_state, as a
// reservation does: key_store_begin().

#ifndef ADMIN_KEY_STORE_H
#define ADMIN_KEY_STORE_H

#include "io/db.h"
#include "services/admin/findings.h"
#include "services/admin/key_file.h"
#include "wire/key_wrap.h"

#include <stdio.h>

// Begin a transaction with that lock.
MUST_CHECK enum err key_store_begin(struct db *db);

// --- Master keys; all in a transaction begun above ---

// Let id be the one that wraps; where there is none yet, it becomes it.
//   ERR_RANGE  another one is: that was told on standard error
MUST_CHECK enum err key_store_use_master(struct db *db, const char *id);

// Let to take the place of from, or go on with that.
//   ERR_RANGE  neither wraps what is new: that was told on standard error
MUST_CHECK enum err key_store_replace_master(struct db *db, const char *from, const char *to);

// Forget master keys that wrap nothing any more.
MUST_CHECK enum err key_store_forget_masters(struct db *db);

// --- Import ---

struct key_wrapped {
    uint8_t encryption[KEY_WRAPPED_LEN], authentication[KEY_WRAPPED_LEN];
    struct key_use use;
};

// Rows on their way in: start, rows, then check; with no finding, apply.
MUST_CHECK enum err key_store_rows_start(struct db *db);
MUST_CHECK enum err key_store_row(struct db *db, const struct key_row *row,
                                  const struct key_wrapped *wrapped);
MUST_CHECK enum err key_store_rows_end(struct db *db);

// What is wrong with them: no such meter, keys are there already (unless replace), an encryption
// key of two meters. name: what findings begin with.
MUST_CHECK enum err key_store_check(struct db *db, const char *name, bool replace,
                                    struct findings *findings);
MUST_CHECK enum err key_store_apply(struct db *db, const char *master, int64_t *added,
                                    int64_t *replaced);

// --- Rotation ---

// Meters above `above` whose keys are wrapped under a master key, in their order, at most count;
// locked until the commit. NULL: no database. Owned. Columns: meter, equipment id, encryption and
// authentication key as \x and digits.
PGresult *key_store_wrapped_under(struct db *db, const char *master, int64_t above, int count);
MUST_CHECK enum err key_store_rewrap(struct db *db, int64_t meter, const char *master,
                                     const struct key_wrapped *wrapped);

// --- What else an operator does ---

// Every meter that has keys, as CSV, with nothing of the keys.
MUST_CHECK enum err key_store_list(struct db *db, FILE *out);

// After the database was put back: lift all counters by skip and let p3 use them again. lifted: how
// many keys; ended: of these, how many have no counters left.
MUST_CHECK enum err key_store_restored(struct db *db, int64_t skip, int64_t *lifted,
                                       int64_t *ended);

#endif
