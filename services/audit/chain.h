// SPDX-License-Identifier: Apache-2.0
// Does event follow event, and if not, what happened? Pure; wire/trail_link.h has the seal.

#ifndef AUDIT_CHAIN_H
#define AUDIT_CHAIN_H

#include "wire/trail_link.h"

#include <stdbool.h>
#include <stddef.h>

// How far a shard has been followed: the place and hash of its last good event.
struct chain {
    int shard;
    int64_t sequence;
    struct digest hash;
};

// Follow event. False, and chain stays, when it is not the one that comes next, or its hash is not
// that of what it says.
bool chain_follow(struct chain *chain, const struct trail_event *event);

// An event as far as its seal goes.
struct chain_place {
    int64_t sequence, id;
    struct digest content, hash;
};

enum chain_fault {
    CHAIN_MISSING,    // no event stands at sequence, up to other
    CHAIN_CHANGED,    // the event says what was never sealed there; or the one before does
    CHAIN_INSERTED,   // the event was never sealed; the one behind follows without it
    CHAIN_REORDERED,  // the event was sealed as number other
    CHAIN_DISPLACED,  // another event, and the one that was sealed here stands at other
    CHAIN_REMOVED,    // the one that was here was taken out, and the rest renumbered
    CHAIN_OTHER_HEAD, // the shard's own row says that its last event had another hash
    CHAIN_FAULTS
};

struct chain_finding {
    enum chain_fault fault;
    int64_t sequence, other;
    int64_t id; // 0: there is no event
};

// What is wrong behind chain, where chain_follow() said no.
//
//   window  the events around that place, by sequence, and any others that may belong there
struct chain_finding chain_explain(const struct chain *chain, const struct chain_place *window,
                                   size_t count);

// As a sentence without its end: "sequence 7 (id 12): changed: ...". Owned: free().
char *chain_finding_text(const struct chain_finding *finding);

#endif
