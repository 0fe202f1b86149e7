// SPDX-License-Identifier: Apache-2.0
// socmod-audit --sign-heads: a job for a timer, once a day or more often. It alone holds the key,
// not the process that talks to the network.

#ifndef AUDIT_SIGN_HEADS_H
#define AUDIT_SIGN_HEADS_H

struct sign_job {
    const char *connection;
    const char *key_file;
    const char *heads_file; // NULL: none
};

// Sign how the shards stand, into the database with an event; then add all signed heads that
// heads_file lacks to it, and tell this one in the log. Returns the exit status.
int sign_heads(const struct sign_job *job);

#endif
