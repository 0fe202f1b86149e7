// SPDX-License-Identifier: Apache-2.0

#include "services/audit/upkeep.h"
#include "base/log.h"
#include "base/memory.h"
#include "io/db.h"

#include <stdlib.h>

#define UPKEEP_NS (3600 * SECONDS_NS)
#define RETRY_NS (10 * SECONDS_NS) // of the machine

struct upkeep {
    const char *connection;
    struct loop_timer *timer;
};

static enum err make_months(struct db *db)
{
    char at[DB_TIME_LEN + 1];
    db_time(clock_utc(), at);
    enum err err = db_connect(db);
    return err ? err : db_do(db, "select audit.ensure_months($1)", 1, (const char *[]){at});
}

static void on_timer(void *arg)
{
    struct upkeep *upkeep = arg;
    struct db *db = db_new(upkeep->connection, "socmod-audit upkeep");
    loop_timer_in(upkeep->timer, make_months(db) ? clock_machine_ns(RETRY_NS) : UPKEEP_NS);
    db_free(db);
}

struct upkeep *upkeep_new(struct loop *loop, const char *connection)
{
    struct upkeep *upkeep = memory_new(1, sizeof *upkeep);
    upkeep->connection = connection;
    upkeep->timer = loop_timer_new(loop, on_timer, upkeep);
    loop_timer_in(upkeep->timer, 0);
    return upkeep;
}

void upkeep_free(struct upkeep *upkeep)
{
    if (!upkeep)
        return;
    loop_timer_free(upkeep->timer);
    free(upkeep);
}
