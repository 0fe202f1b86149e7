// SPDX-License-Identifier: Apache-2.0
// Seals by hand: make the operator's key, show its public half, seal one message.

#ifndef ADMIN_SEAL_JOB_H
#define ADMIN_SEAL_JOB_H

#include "base/err.h"

#include <stdint.h>

struct seal_job {
    const char *make_key; // file for a new private key; NULL: none is to be made
    const char *key;      // file of the private key
    const char *meter;    // equipment identifier; NULL: show the public key
    int64_t seq;          // 0: now, in milliseconds
};

// Do it; path is the file of the message, "-" for standard input. What it makes goes to standard
// output as one line, what is wrong to standard error.
MUST_CHECK enum err seal_job_run(const struct seal_job *job, const char *path);

#endif
