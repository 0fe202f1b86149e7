// SPDX-License-Identifier: Apache-2.0
// A signed head of the audit trail: where each shard stood at a time. The text that is signed has
// lines, each ended by a newline:
//
//   socmod audit head 1
//   number <of this head, from 1 on>
//   at <RFC 3339, milliseconds>
//   before <SHA-256 of the text of the head before, hex; zeros for number 1>
//   shard <number> events <base> to <sequence> hash <base's, hex> to <sequence's, hex>   each shard
//
// Events up to base were retired; those behind it, up to sequence, stood in the trail. Nothing else
// that the same key signs begins like this.

#ifndef WIRE_TRAIL_HEAD_H
#define WIRE_TRAIL_HEAD_H

#include "base/digest.h"

#include <stddef.h>
#include <stdint.h>

struct trail_stand {
    int shard;
    int64_t base, sequence;
    struct digest base_hash, hash;
};

struct trail_head {
    int64_t number;
    int64_t at_ms; // since 1970
    struct digest before;
    struct trail_stand *stands; // owned; shards ascending
    size_t count;
};

// The text of it. Owned: free().
char *trail_head_write(const struct trail_head *head);

// Read a text of exactly that form. head is filled in, trail_head_clear(), and untouched on error.
//   ERR_SYNTAX  not of that form, or shards not ascending
MUST_CHECK enum err trail_head_read(const char *text, struct trail_head *head);
void trail_head_clear(struct trail_head *head);

// What it says of a shard, or NULL. Borrowed from head.
const struct trail_stand *trail_head_find(const struct trail_head *head, int shard);

#endif
