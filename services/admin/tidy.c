// SPDX-License-Identifier: Apache-2.0

#include "services/admin/tidy.h"
#include "base/memory.h"
#include "services/admin/event_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

// What is older goes; as the database said it, or NULL for never.
struct cuts {
    PGresult *row;
    const char *days, *loads, *explanations, *records;
};

// SQL keeps the lines it was given.
// clang-format off

// Who drops a table waits for all that read it, and all that come after wait for him: not for long.
static const char begin_sql[] =
    "select pg_try_advisory_lock(7391520643), set_config('lock_timeout', '5s', false)";
static const char end_sql[] = "select pg_advisory_unlock(7391520643)";
// $1 now, then the job's numbers
static const char cuts_sql[] =
    "select case when $2::int > 0 then x.now - make_interval(years => $2::int) end, x.loads,"
    " x.explanations, plan.records_cut(x.now - make_interval(months => $5::int), x.explanations)"
    " from (select n.now, date_trunc('month', n.now - make_interval(months => $3::int)) as loads,"
    "  date_trunc('month', n.now - make_interval(months => $4::int)) as explanations"
    "  from (select $1::timestamptz as now) n) x";
static const char months_sql[] =
    "select month, to_char(month at time zone 'UTC', 'YYYY-MM')"
    " from dali.months_before($1::timestamptz - make_interval(days => $2::int)) month";
// $1 the day before, $2 cut
static const char first_rounds_sql[] =
    "select coalesce(max(before) - interval '1 day', '-infinity') from audit.retired"
    " where what = 'explanations'";
static const char next_rounds_sql[] =
    "select plan.day_of_rounds($1::timestamptz + interval '1 day', $2::timestamptz)";
static const char remove_rounds_sql[] =
    "select what, count from plan.remove_rounds($1::timestamptz) where count > 0"
    " and $2::timestamptz is not null";
static const char first_records_sql[] = "select '-infinity'";
static const char next_records_sql[] =
    "select plan.day_of_records($1::timestamptz + interval '1 day', $2::timestamptz)";
static const char remove_records_sql[] =
    "select what, count from plan.remove_records($1::timestamptz, $2::timestamptz) where count > 0";
static const char remove_rest_sql[] =
    "select what, count from dali.remove_rest($1::timestamptz, $2::timestamptz) where count > 0";
static const char parts_sql[] =
    "select p.part, k.what, p.ended from (values ('quarters', '{dali.day}', $1::timestamptz),"
    " ('loads', '{field.load}', $2::timestamptz),"
    " ('explanations', '{plan.forecast,plan.outlook,plan.share}', $3::timestamptz))"
    " k (what, parents, cut), grid.parts_before(k.parents::regclass[], k.cut) p";

// clang-format on

static const struct by_day {
    const char *name;
    const char *first, *next, *remove; // SQL
} rounds = {"rounds", first_rounds_sql, next_rounds_sql, remove_rounds_sql},
  records = {"records", first_records_sql, next_records_sql, remove_records_sql};

static enum err end(struct db *db, enum err err, bool dry)
{
    if (!err && !dry)
        err = db_commit(db);
    if (err || dry)
        db_rollback(db);
    return err;
}

static enum err roll(struct db *db, const char *month, const char *name)
{
    enum err err = db_begin(db);
    PGresult *result =
        err ? NULL : db_query(db, "select dali.roll_month($1::timestamptz)", 1, &month);
    int64_t count = result ? db_get_integer(result, 0, 0) : 0;
    char *data = memory_format("{\"quarters\":%" PRId64 "}", count);
    err = end(db, !result ? ERR_IO : event_table_add(db, "history.rolled", name, data), false);
    if (!err)
        printf("%s: %" PRId64 " quarter hours rolled up\n", name, count);
    PQclear(result);
    free(data);
    return err;
}

static enum err roll_all(struct db *db, const char *now, const struct tidy_job *job)
{
    char *text = memory_format("%" PRId64, job->quarters_days);
    PGresult *months = db_query(db, months_sql, 2, (const char *[]){now, text});
    enum err err = months ? ERR_NONE : ERR_IO;
    for (int i = 0; !err && i < PQntuples(months); i++)
        if (job->dry)
            printf("%s would be rolled up\n", PQgetvalue(months, i, 1));
        else
            err = roll(db, PQgetvalue(months, i, 0), PQgetvalue(months, i, 1));
    PQclear(months);
    free(text);
    return err;
}

// Rows of what and count, as people read it and as JSON. Owned.
static char *in_words(const PGresult *counts, bool as_json)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    for (int i = 0; i < PQntuples(counts); i++)
        if (as_json)
            fprintf(out, "%s\"%s\":%s", i ? "," : "{", PQgetvalue(counts, i, 0),
                    PQgetvalue(counts, i, 1));
        else
            fprintf(out, "%s%s %s", i ? ", " : "", PQgetvalue(counts, i, 1),
                    PQgetvalue(counts, i, 0));
    fputs(as_json ? "}" : "", out);
    fclose(out);
    return text;
}

// One transaction. Nothing is said where nothing went.
static enum err remove_some(struct db *db, const char *sql, const char *const *params,
                            const char *subject, bool dry)
{
    enum err err = db_begin(db);
    PGresult *counts = err ? NULL : db_query(db, sql, 2, params);
    bool any = counts && PQntuples(counts) > 0;
    char *data = any ? in_words(counts, true) : NULL, *text = any ? in_words(counts, false) : NULL;
    err = counts ? ERR_NONE : ERR_IO;
    if (any && !dry)
        err = event_table_add(db, "history.removed", subject, data);
    err = end(db, err, dry);
    if (!err && any)
        printf("%s: %s %s\n", subject, text, dry ? "would be removed" : "removed");
    PQclear(counts);
    free(text);
    free(data);
    return err;
}

static enum err remove_days(struct db *db, const struct by_day *kind, const char *cut, bool dry)
{
    PGresult *day = db_query(db, kind->first, 0, NULL);
    enum err err = day ? ERR_NONE : ERR_IO;
    while (!err) {
        const char *params[] = {PQgetvalue(day, 0, 0), cut};
        PGresult *next = db_query(db, kind->next, 2, params);
        PQclear(day);
        day = next;
        if (!day)
            return ERR_IO;
        if (PQgetisnull(day, 0, 0))
            break;
        params[0] = PQgetvalue(day, 0, 0);
        char *subject = memory_format("%s %.10s", kind->name, params[0]);
        err = remove_some(db, kind->remove, params, subject, dry);
        free(subject);
    }
    PQclear(day);
    return err;
}

static enum err drop(struct db *db, const char *part, const char *what, const char *ended)
{
    char *sql = memory_format("drop table %s", part);
    enum err err = db_begin(db);
    PGresult *result = err ? NULL : db_query_once(db, sql, 0, NULL);
    err = result ? db_do(db, "select audit.note_retired($1, $2::timestamptz)", 2,
                         (const char *[]){what, ended})
                 : ERR_IO;
    if (!err)
        err = event_table_add(db, "history.dropped", part, NULL);
    err = end(db, err, false);
    if (!err)
        printf("%s dropped\n", part);
    PQclear(result);
    free(sql);
    return err;
}

static enum err drop_all(struct db *db, const struct cuts *cuts, bool dry)
{
    const char *params[] = {cuts->days, cuts->loads, cuts->explanations};
    PGresult *parts = db_query(db, parts_sql, 3, params);
    enum err err = parts ? ERR_NONE : ERR_IO;
    for (int i = 0; !err && i < PQntuples(parts); i++)
        if (dry)
            printf("%s would be dropped\n", PQgetvalue(parts, i, 0));
        else
            err =
                drop(db, PQgetvalue(parts, i, 0), PQgetvalue(parts, i, 1), PQgetvalue(parts, i, 2));
    PQclear(parts);
    return err;
}

static enum err read_cuts(struct db *db, const char *now, const struct tidy_job *job,
                          struct cuts *cuts)
{
    char *numbers[] = {memory_format("%" PRId64, job->days_years),
                       memory_format("%" PRId64, job->loads_months),
                       memory_format("%" PRId64, job->explain_months),
                       memory_format("%" PRId64, job->keep_months)};
    const char *params[] = {now, numbers[0], numbers[1], numbers[2], numbers[3]};
    cuts->row = db_query(db, cuts_sql, 5, params);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        free(numbers[i]);
    if (!cuts->row)
        return ERR_IO;
    const char **texts[] = {&cuts->days, &cuts->loads, &cuts->explanations, &cuts->records};
    for (int i = 0; i < 4; i++)
        *texts[i] = PQgetisnull(cuts->row, 0, i) ? NULL : PQgetvalue(cuts->row, 0, i);
    return ERR_NONE;
}

static enum err run(struct db *db, const struct tidy_job *job)
{
    char now[DB_TIME_LEN + 1];
    db_time(clock_utc(), now);
    struct cuts cuts = {0};
    enum err err = read_cuts(db, now, job, &cuts);
    if (!err)
        err = roll_all(db, now, job);
    if (!err)
        err = remove_days(db, &rounds, cuts.explanations, job->dry);
    if (!err)
        err = remove_days(db, &records, cuts.records, job->dry);
    if (!err)
        err = remove_some(db, remove_rest_sql, (const char *[]){cuts.loads, cuts.records}, "rest",
                          job->dry);
    if (!err)
        err = drop_all(db, &cuts, job->dry);
    PQclear(cuts.row);
    return err;
}

const char *tidy_fault(const struct tidy_job *job)
{
    enum { MONTHS_A_YEAR = 12 };
    if (job->days_years && job->days_years * MONTHS_A_YEAR < job->keep_months)
        return "[history] days_years: the quarter hours behind profiles that [trail] keep_months"
               " keeps would go";
    return NULL;
}

enum err tidy_run(struct db *db, const struct tidy_job *job)
{
    PGresult *begun = db_query(db, begin_sql, 0, NULL);
    if (!begun)
        return ERR_IO;
    bool is_ours = *PQgetvalue(begun, 0, 0) == 't';
    PQclear(begun);
    if (!is_ours) {
        fputs("another process is at it: nothing done\n", stderr);
        return ERR_NONE;
    }
    enum err err = run(db, job);
    return db_do(db, end_sql, 0, NULL) ? ERR_IO : err;
}
