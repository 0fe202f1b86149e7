// SPDX-License-Identifier: Apache-2.0
// Every invocation counter that ever came with one key, as runs of neighbours. Pure.
//
// Whoever uses a counter twice under one key has given the key away (GCM), so that is what the peer
// looks for above all else: in any order, over any number of connections.

#ifndef PEER_SEEN_H
#define PEER_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Begins as {0}; the runs are the owner's to free() by seen_free().
struct seen {
    struct seen_run {
        uint32_t first, last;
    } * runs; // apart from each other, ascending
    size_t count, room;
};

enum seen_what {
    SEEN_NEW,      // above all before
    SEEN_LOWER,    // never before, but below one that was: fine within a reserved range only
    SEEN_REPEATED, // came before: never fine
};

enum seen_what seen_note(struct seen *seen, uint32_t counter);
void seen_free(struct seen *seen);

#endif
