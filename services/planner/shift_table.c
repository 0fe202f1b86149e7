// SPDX-License-Identifier: Apache-2.0

#include "services/planner/shift_table.h"
#include "services/planner/sql_list.h"

#define REPORT                                                                                     \
    "with me as (insert into plan.planner (name, seen) values ($1, $2::timestamptz)"               \
    " on conflict (name) do update set seen = excluded.seen)"                                      \
    " select count(*) filter (where name < $1), count(*) + 1 from plan.planner"                    \
    " where name <> $1 and seen > $2::timestamptz - interval '30 minutes'"

enum err shift_table_report(struct db *db, const char *name, struct utc now, struct shift *shift)
{
    char at[DB_TIME_LEN + 1];
    db_time(now, at);
    const char *params[] = {name, at};
    PGresult *rows = db_query(db, REPORT, 2, params);
    if (!rows)
        return ERR_IO;
    *shift = (struct shift){sql_integer(rows, 0, 0), sql_integer(rows, 0, 1)};
    PQclear(rows);
    return ERR_NONE;
}

void shift_table_leave(struct db *db, const char *name)
{
    const char *params[] = {name};
    if (db_raw(db) && db_do(db, "update plan.planner set seen = null where name = $1", 1, params))
        return; // it is taken for gone in half an hour
}
