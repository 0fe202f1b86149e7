// SPDX-License-Identifier: Apache-2.0
// socmod-admin explain: why was a charger limited as it was, in words and numbers.

#ifndef ADMIN_EXPLAIN_JOB_H
#define ADMIN_EXPLAIN_JOB_H

#include "io/db.h"

#include <stdbool.h>

struct explain_job {
    const char *charger, *at; // NULL: not given; at: RFC 3339, otherwise now
    bool json;                // as the database says it
};

// Why the options given ask nothing, or NULL.
const char *explain_job_fault(const struct explain_job *job);

// Print it. Complains itself and returns ERR_RANGE for a charger that is not in the grid.
MUST_CHECK enum err explain_job_run(struct db *db, const struct explain_job *job);

#endif
