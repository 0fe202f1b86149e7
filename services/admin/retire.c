// SPDX-License-Identifier: Apache-2.0

#include "services/admin/retire.h"
#include "base/memory.h"
#include "base/rfc3339.h"
#include "io/seal_file.h"
#include "io/trail_sign.h"
#include "services/admin/event_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// Months since the year 0 of a text like "2024-03"; -1: it is none.
static int month_of(const char *text)
{
    char day[RFC3339_LEN + 1];
    int64_t utc;
    if (strlen(text) != 7)
        return -1;
    snprintf(day, sizeof day, "%.7s-01T00:00:00Z", text);
    if (rfc3339_parse(day, strlen(day), &utc))
        return -1;
    return (int)strtol(text, NULL, 10) * 12 + (int)strtol(text + 5, NULL, 10) - 1;
}

static int month_now(void)
{
    time_t now = clock_utc_s();
    struct tm tm;
    gmtime_r(&now, &tm);
    return (tm.tm_year + 1900) * 12 + tm.tm_mon;
}

const char *retire_fault(const struct retire_job *job)
{
    if (!job->before || month_of(job->before) < 0)
        return "--before YYYY-MM must be given: the first month that stays";
    if (!job->key)
        return "--key FILE must be given: the private key that signs heads of the trail";
    if (month_of(job->before) > month_now() - job->keep_months)
        return "[trail] keep_months does not allow it yet";
    return NULL;
}

// Whoever verifies the trail must not lose it under his hands.
static enum err keep_readers_out(struct db *db)
{
    PGresult *result = db_query(db, "select pg_try_advisory_xact_lock(7391520642)", 0, NULL);
    if (!result)
        return ERR_IO;
    bool is_ours = *PQgetvalue(result, 0, 0) == 't';
    PQclear(result);
    if (!is_ours)
        fputs("the trail is being verified or exported: later\n", stderr);
    return is_ours ? ERR_NONE : ERR_IO;
}

static enum err remove_events(struct db *db, const char *cut, int64_t *count)
{
    PGresult *result =
        db_query(db, "select audit.retire($1::timestamptz)", 1, (const char *[]){cut});
    if (!result)
        return ERR_IO;
    *count = db_get_integer(result, 0, 0);
    PQclear(result);
    return ERR_NONE;
}

static enum err retire(struct db *db, const struct retire_job *job, const struct seal_key *key)
{
    int64_t count = 0, number = 0;
    char *cut = memory_format("%s-01 00:00Z", job->before);
    enum err err = keep_readers_out(db);
    if (!err)
        err = remove_events(db, cut, &count);
    if (!err)
        err = trail_sign(db, key, clock_utc(), &number);
    char *data = memory_format("{\"before\":\"%s\",\"events\":%" PRId64 ",\"head\":%" PRId64 "}",
                               job->before, count, number);
    if (!err)
        err = event_table_add(db, "trail.retired", job->before, data);
    if (!err)
        err = db_commit(db);
    if (!err)
        printf("%" PRId64 " events retired; signed head %" PRId64 "\n", count, number);
    free(data);
    free(cut);
    return err;
}

enum err retire_run(struct db *db, const struct retire_job *job)
{
    char why[SEAL_FILE_REASON];
    struct seal_key *key = NULL;
    enum err err = seal_file_read(job->key, &key, why);
    if (err) {
        fprintf(stderr, "socmod-admin: retire: %s\n", why);
        return err;
    }
    err = db_begin(db);
    if (!err)
        err = retire(db, job, key);
    if (err)
        db_rollback(db);
    seal_key_free(key);
    return err;
}
