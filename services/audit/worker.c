// SPDX-License-Identifier: Apache-2.0

#include "services/audit/worker.h"
#include "base/memory.h"

#include <stdlib.h>

void *worker_new(void *arg)
{
    struct worker *worker = memory_new(1, sizeof *worker);
    worker->audit = arg;
    worker->db = db_new(worker->audit->connection, "socmod-audit");
    return worker;
}

void worker_free(void *arg)
{
    struct worker *worker = arg;
    db_free(worker->db);
    free(worker);
}

struct db *worker_db(struct worker *worker)
{
    struct db *db = worker->db;
    if (db_connect(db) || PQbackendPID(db_raw(db)) == worker->session)
        return db;
    // A question that asks too much must not hold a thread. JIT would compile a life for longer
    // than it takes to read. An answer is a few rows by an index, whose price the server otherwise
    // takes from disks that turn: then it may read a table instead. A table of many months looks
    // dear to a plan for any values, though it opens one month: it would be planned at each use.
    char *sql =
        memory_format("set statement_timeout = %jd; set jit = off;"
                      " set random_page_cost = 1.1; set max_parallel_workers_per_gather = 0;"
                      " set plan_cache_mode = force_generic_plan",
                      (intmax_t)worker->audit->statement_ms);
    PGresult *result = db_query_once(db, sql, 0, NULL);
    if (result)
        worker->session = PQbackendPID(db_raw(db));
    PQclear(result);
    free(sql);
    return db;
}
