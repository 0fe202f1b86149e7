// SPDX-License-Identifier: Apache-2.0
// What all threads of the server share, and what each has of its own: a connection to the database.

#ifndef AUDIT_WORKER_H
#define AUDIT_WORKER_H

#include "io/db.h"
#include "services/audit/access.h"
#include "services/audit/rate_limit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct gauges; // gauges.h
struct reads;  // reads.h

struct audit {
    const char *connection; // to the database
    const char *version;
    bool tls;
    int64_t statement_ms; // machine time that one statement may take
    int64_t export_s;     // likewise one export
    int64_t span_days;    // that loads and statistics may be asked for at once
    int64_t ready_s;      // age of the newest round above which we are not ready; 0: any
    struct access *access;
    struct reads *reads;
    struct gauges *gauges;
    pthread_mutex_t lock; // of the three below
    struct rate_limit *clients;
    struct rate_limit *trail; // bounds the events that refusals make, all clients together
    int64_t untold;           // refusals that made no event since the last that did
    atomic_llong requests, refused;
};

struct worker {
    struct audit *audit;
    struct db *db;
    int session;          // that was set up: the server's process
    struct reader reader; // who asks what is being answered
};

// For http_new(): arg is struct audit.
void *worker_new(void *arg);
void worker_free(void *worker);

// The worker's database with its session set up, connected or not.
struct db *worker_db(struct worker *worker);

#endif
