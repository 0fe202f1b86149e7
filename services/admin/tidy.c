// SPDX-License-Identifier: Apache-2.0

#include "services/admin/tidy.h"
#include "base/memory.h"
#include "services/admin/event_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

// SQL keeps the lines it was given.
// clang-format off

// $1 now, $2 the job's number
static const char months_sql[] =
    "select month, to_char(month at time zone 'UTC', 'YYYY-MM')"
    " from dali.months_before($1::timestamptz - make_interval(days => $2::int)) month";
static const char drop_sql[] =
    "select part from unnest(dali.drop_before("
    " case when $2::int > 0 then $1::timestamptz - make_interval(years => $2::int) end,"
    " $1::timestamptz - make_interval(months => $3::int))) part";

// clang-format on

static enum err roll(struct db *db, const char *month, const char *name)
{
    enum err err = db_begin(db);
    PGresult *result =
        err ? NULL : db_query(db, "select dali.roll_month($1::timestamptz)", 1, &month);
    int64_t count = result ? db_get_integer(result, 0, 0) : 0;
    char *data = memory_format("{\"quarters\":%" PRId64 "}", count);
    err = !result ? ERR_IO : event_table_add(db, "history.rolled", name, data);
    if (!err)
        err = db_commit(db);
    if (err)
        db_rollback(db);
    else
        printf("%s: %" PRId64 " quarter hours rolled up\n", name, count);
    PQclear(result);
    free(data);
    return err;
}

static enum err roll_all(struct db *db, const char *now, int64_t days)
{
    char *text = memory_format("%" PRId64, days);
    PGresult *months = db_query(db, months_sql, 2, (const char *[]){now, text});
    enum err err = months ? ERR_NONE : ERR_IO;
    for (int i = 0; !err && i < PQntuples(months); i++)
        err = roll(db, PQgetvalue(months, i, 0), PQgetvalue(months, i, 1));
    PQclear(months);
    free(text);
    return err;
}

static enum err drop(struct db *db, const char *now, const struct tidy_job *job)
{
    char *years = memory_format("%" PRId64, job->days_years),
         *months = memory_format("%" PRId64, job->loads_months);
    enum err err = db_begin(db);
    PGresult *parts = err ? NULL : db_query(db, drop_sql, 3, (const char *[]){now, years, months});
    err = parts ? ERR_NONE : ERR_IO;
    for (int i = 0; !err && i < PQntuples(parts); i++)
        err = event_table_add(db, "history.dropped", PQgetvalue(parts, i, 0), NULL);
    if (!err)
        err = db_commit(db);
    if (err)
        db_rollback(db);
    for (int i = 0; !err && i < PQntuples(parts); i++)
        printf("%s dropped\n", PQgetvalue(parts, i, 0));
    PQclear(parts);
    free(years);
    free(months);
    return err;
}

enum err tidy_run(struct db *db, const struct tidy_job *job)
{
    char now[DB_TIME_LEN + 1];
    db_time(clock_utc(), now);
    enum err err = roll_all(db, now, job->quarters_days);
    return err ? err : drop(db, now, job);
}
