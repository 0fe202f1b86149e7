// SPDX-License-Identifier: Apache-2.0
// The jobs of socmod-admin pki. What they made goes to standard output, a line of log for each act
// and what is wrong to standard error; nothing of a key to either.

#ifndef ADMIN_PKI_JOBS_H
#define ADMIN_PKI_JOBS_H

#include "io/db.h"

struct pki_job {
    const char *verb;            // init, issue, sign, renew, revoke, crl, list
    const char *word;            // a name, a serial, or the file of a request; NULL: none
    const char *folder;          // where the authority lives
    const char *passphrase_file; // ""; its key is not encrypted
    const char *name;            // sign
    const char *server;          // issue, sign: its addresses; NULL: it is for a client
    const char *days, *within;   // NULL: as usual
    const char *reason;          // revoke
    int64_t list_days;           // that the list of revoked ones is good
};

// Why this is no job, or NULL.
const char *pki_job_fault(const struct pki_job *job);

// db: each act is an event of its trail, or is not done; NULL: there is none.
MUST_CHECK enum err pki_job_run(const struct pki_job *job, struct db *db);

#endif
