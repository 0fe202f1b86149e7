// SPDX-License-Identifier: Apache-2.0
// socmod-admin limit, release and limits: the emergency stop, and its end.

#ifndef ADMIN_LIMIT_JOB_H
#define ADMIN_LIMIT_JOB_H

#include "io/db.h"

#include <stdbool.h>

// As the command line says it; NULL for what it does not.
struct limit_job {
    const char *transformer, *feeder, *charger;
    const char *phase_w, *connection_w;
    const char *reason, *hours, *until, *by;
    bool all;
};

// Why these options set no limit, or NULL.
const char *limit_job_fault(const struct limit_job *job);

// Why they do not release one, or NULL.
const char *limit_job_release_fault(const struct limit_job *job);

// Set it, and print its number.
MUST_CHECK enum err limit_job_set(struct db *db, const struct limit_job *job);

// End the limit of that number, as text.
MUST_CHECK enum err limit_job_release(struct db *db, const struct limit_job *job,
                                      const char *number);

// Print those in force, or all, one a line.
MUST_CHECK enum err limit_job_list(struct db *db, const struct limit_job *job);

#endif
