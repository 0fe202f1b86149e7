// SPDX-License-Identifier: Apache-2.0
// Old months of the audit trail go, and a signed head stays that says so.

#ifndef ADMIN_RETIRE_H
#define ADMIN_RETIRE_H

#include "io/db.h"

struct retire_job {
    const char *before; // "2024-03": the first month that stays
    const char *key;    // file of the private key that signs heads
    int64_t keep_months;
};

// Why the job cannot be done, or NULL.
const char *retire_fault(const struct retire_job *job);

// All in one transaction: the events, the signed head and an event that tells.
MUST_CHECK enum err retire_run(struct db *db, const struct retire_job *job);

#endif
