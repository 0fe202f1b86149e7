// SPDX-License-Identifier: Apache-2.0
// The jobs of socmod-admin keys. What they change goes to standard output, what is wrong to
// standard error; nothing of a key to either.

#ifndef ADMIN_KEY_JOBS_H
#define ADMIN_KEY_JOBS_H

#include "io/db.h"

struct key_job {
    const char *verb;   // import, rotate, list, new-master, restored
    const char *file;   // import: keys; new-master: the file to be made; else NULL
    const char *master; // file of the master key in use; import and rotate: to be in use
    const char *former; // rotate: file of the one that is replaced
    const char *skip;   // restored
    bool replace;       // import
};

// Why this is no job, or NULL.
const char *key_job_fault(const struct key_job *job);

// new-master alone has no use for db, which may then be NULL.
bool key_job_is_offline(const struct key_job *job);

MUST_CHECK enum err key_job_run(const struct key_job *job, struct db *db);

#endif
