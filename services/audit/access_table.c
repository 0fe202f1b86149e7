// SPDX-License-Identifier: Apache-2.0

#include "services/audit/access_table.h"
#include "services/audit/sql_text.h"

#include <inttypes.h>
#include <stdio.h>

PGresult *access_table_tokens(struct db *db, int limit)
{
    char most[16];
    snprintf(most, sizeof most, "%d", limit + 1);
    const char *params[] = {most};
    return db_query(
        db, "select name, hash, role, audit.at_us(expires) from audit.token order by id limit $1",
        1, params);
}

enum err access_table_refused(struct db *db, struct utc at, const char *client, const char *path,
                              const char *name, const char *reason, int64_t untold)
{
    char time[DB_TIME_LEN + 1], count[24];
    db_time(at, time);
    snprintf(count, sizeof count, "%" PRId64, untold);
    const char *params[] = {time, client, path, name, reason, count};
    return db_do(db,
                 "insert into audit.event (at, program, kind, subject, data) values"
                 " ($1, 'socmod-audit', 'access.refused', $2, jsonb_build_object('path', $3::text,"
                 " 'name', $4::text, 'reason', $5::text, 'untold', $6::bigint))",
                 6, params);
}

enum err access_table_reads(struct db *db, const char *events)
{
    const char *params[] = {events};
    return db_do(
        db,
        "insert into audit.event (at, program, kind, subject, data)"
        " select x.at, 'socmod-audit', 'access.read', x.subject, x.data"
        " from jsonb_to_recordset($1::jsonb) as x (at timestamptz, subject text, data jsonb)"
        " order by x.at",
        1, params);
}
