// SPDX-License-Identifier: Apache-2.0

#include "services/admin/event_table.h"

static bool has_trail(struct db *db)
{
    PGresult *result = db_query(db, "select to_regclass('audit.event') is not null", 0, NULL);
    bool has = result && *PQgetvalue(result, 0, 0) == 't';
    PQclear(result);
    return has;
}

enum err event_table_add(struct db *db, const char *kind, const char *subject, const char *data)
{
    if (!has_trail(db))
        return ERR_NONE;
    char at[DB_TIME_LEN + 1];
    db_time(clock_utc(), at);
    const char *params[] = {at, kind, subject, data};
    if (db_do(db, "select audit.ensure_months($1)", 1, params))
        return ERR_IO;
    return db_do(db,
                 "insert into audit.event (at, program, kind, subject, data) values ($1,"
                 " 'socmod-admin', $2, $3, coalesce($4::jsonb, '{}')"
                 " || jsonb_build_object('by', session_user))",
                 4, params);
}
