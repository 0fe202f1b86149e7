// SPDX-License-Identifier: Apache-2.0
// Signed heads against the trail: signed by a key we trust, in one row without a gap, and the trail
// still has what each says.

#ifndef AUDIT_HEAD_CHECK_H
#define AUDIT_HEAD_CHECK_H

#include "services/audit/trail_faults.h"
#include "services/audit/trail_table.h"
#include "wire/seal.h"

enum { HEAD_KEYS = 2 };

struct head_keys {
    struct seal_public list[HEAD_KEYS];
    size_t count;
};

// Of a setting: up to two public keys, separated by a blank. ERR_SYNTAX otherwise.
MUST_CHECK enum err head_keys_parse(const char *text, struct head_keys *keys);

// Check all heads of the database, and those of file (as --sign-heads writes it) where it is not
// NULL. What is wrong is added to faults.
//
//   after  number of the signed head whose former ones are only checked for their signatures
//   count  heads looked at
//
//   ERR_IO     the database or the file; told
//   ERR_RANGE  there are heads, but no key to check them with
MUST_CHECK enum err head_check(struct db *db, const struct trail_shards *shards,
                               const struct head_keys *keys, const char *file, int64_t after,
                               struct trail_faults *faults, int64_t *count);

// The signed head of that number, checked by keys; 0: the newest. ERR_SYNTAX where there is none
// such, which was told on standard error.
MUST_CHECK enum err head_find(struct db *db, int64_t number, const struct head_keys *keys,
                              struct trail_head *head);

#endif
