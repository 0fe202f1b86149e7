// SPDX-License-Identifier: Apache-2.0

#include "services/audit/upkeep.h"
#include "base/log.h"
#include "base/memory.h"
#include "io/db.h"
#include "io/http.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define UPKEEP_NS (3600 * SECONDS_NS)
#define TELL_NS (900 * SECONDS_NS)
// Of the machine.
#define RETRY_NS (10 * SECONDS_NS)
#define LOOK_NS SECONDS_NS

struct upkeep {
    const char *connection;
    struct loop_timer *months, *door;
    int64_t told; // of http_refused_handshakes()
    struct utc since;
};

static enum err make_months(struct db *db)
{
    char at[DB_TIME_LEN + 1];
    db_time(clock_utc(), at);
    enum err err = db_connect(db);
    return err ? err : db_do(db, "select audit.ensure_months($1)", 1, (const char *[]){at});
}

static enum err tell_refused(struct db *db, int64_t count, struct utc since)
{
    char at[DB_TIME_LEN + 1], from[DB_TIME_LEN + 1], text[24];
    db_time(clock_utc(), at);
    db_time(since, from);
    snprintf(text, sizeof text, "%" PRId64, count);
    enum err err = db_connect(db);
    return err ? err
               : db_do(db,
                       "insert into audit.event (at, program, kind, subject, data) values"
                       " ($1, 'socmod-audit', 'tls.refused', 'a client over HTTP',"
                       "  jsonb_build_object('count', $2::bigint, 'since', audit.at_s($3)))",
                       3, (const char *[]){at, text, from});
}

static void on_months(void *arg)
{
    struct upkeep *upkeep = arg;
    struct db *db = db_new(upkeep->connection, "socmod-audit upkeep");
    loop_timer_in(upkeep->months, make_months(db) ? clock_machine_ns(RETRY_NS) : UPKEEP_NS);
    db_free(db);
}

static void on_door(void *arg)
{
    struct upkeep *upkeep = arg;
    int64_t refused = http_refused_handshakes();
    int64_t next_ns = clock_machine_ns(LOOK_NS);
    if (refused > upkeep->told) {
        struct db *db = db_new(upkeep->connection, "socmod-audit upkeep");
        if (tell_refused(db, refused - upkeep->told, upkeep->since)) {
            next_ns = clock_machine_ns(RETRY_NS);
        } else {
            upkeep->told = refused;
            upkeep->since = clock_utc();
            next_ns = TELL_NS;
        }
        db_free(db);
    }
    loop_timer_in(upkeep->door, next_ns);
}

struct upkeep *upkeep_new(struct loop *loop, const char *connection)
{
    struct upkeep *upkeep = memory_new(1, sizeof *upkeep);
    upkeep->connection = connection;
    upkeep->since = clock_utc();
    upkeep->months = loop_timer_new(loop, on_months, upkeep);
    upkeep->door = loop_timer_new(loop, on_door, upkeep);
    loop_timer_in(upkeep->months, 0);
    loop_timer_in(upkeep->door, clock_machine_ns(LOOK_NS));
    return upkeep;
}

void upkeep_free(struct upkeep *upkeep)
{
    if (!upkeep)
        return;
    loop_timer_free(upkeep->months);
    loop_timer_free(upkeep->door);
    free(upkeep);
}
