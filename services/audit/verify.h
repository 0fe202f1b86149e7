// SPDX-License-Identifier: Apache-2.0
// socmod-audit --verify: the whole trail, or what came after a signed head, computed again from its
// events and compared. In parallel: a shard is walked through in pieces, each behind the event
// before it. In constant memory.

#ifndef AUDIT_VERIFY_H
#define AUDIT_VERIFY_H

#include "services/audit/head_check.h"

enum { EXIT_BROKEN = 3 };

struct verify_job {
    const char *connection;
    int64_t threads;
    struct head_keys keys;
    const char *heads_file; // heads kept outside the database; NULL: none
    const char *after;      // number of a signed head, "last", or NULL for everything
};

// What it finds goes to standard output, progress to a terminal at standard error, and the result
// into the database where the role may write it. Returns the exit status: 0 intact, 1 could not be
// done, EXIT_BROKEN, EXIT_SETTINGS for want of a key.
int verify_run(const struct verify_job *job);

#endif
