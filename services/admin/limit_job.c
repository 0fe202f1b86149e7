// SPDX-License-Identifier: Apache-2.0

#include "services/admin/limit_job.h"
#include "base/rfc3339.h"
#include "services/admin/limit_table.h"

#include <math.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_W = 1000000000, REASON_MOST = 300, LONGEST_DAYS = 31, HOUR_S = 3600 };

static int64_t now_s(void)
{
    return clock_utc().ns / SECONDS_NS;
}

// When a limit shall end; -1: the options do not tell.
static int64_t ends_at(const struct limit_job *job)
{
    int64_t until = -1;
    if (job->until)
        return rfc3339_parse(job->until, strlen(job->until), &until) ? -1 : until;
    char *end;
    double hours = strtod(job->hours, &end);
    return *end || end == job->hours || !isfinite(hours) || hours > LONGEST_DAYS * 24.0
               ? -1
               : now_s() + llround(hours * HOUR_S);
}

static bool is_power(const char *text)
{
    char *end;
    long long power_w = strtoll(text, &end, 10);
    return end != text && !*end && power_w >= 0 && power_w <= MOST_W;
}

static const char *reason_fault(const struct limit_job *job)
{
    if (!job->reason || !job->reason[strspn(job->reason, " ")] || strlen(job->reason) > REASON_MOST)
        return "--reason TEXT must be given, at most 300 octets, not only blanks";
    return job->by && (!*job->by || strlen(job->by) > 100) ? "--by takes 1 to 100 octets" : NULL;
}

const char *limit_job_fault(const struct limit_job *job)
{
    if (!!job->transformer + !!job->feeder + !!job->charger != 1)
        return "one of --transformer, --feeder and --charger must be given";
    if (!job->phase_w == !job->connection_w)
        return "either --phase-w W or --connection-w W must be given";
    if (!is_power(job->phase_w ? job->phase_w : job->connection_w))
        return "a limit is 0 to 1000000000 W";
    if (!job->hours == !job->until)
        return "either --hours HOURS or --until TIME must be given";
    int64_t ends = ends_at(job), now = now_s();
    if (ends <= now || ends > now + LONGEST_DAYS * 24 * (int64_t)HOUR_S)
        return "a limit ends in the future, within 31 days; TIME as 2026-01-14T18:00:00Z";
    return reason_fault(job);
}

const char *limit_job_release_fault(const struct limit_job *job)
{
    return reason_fault(job);
}

// Who sits there: the login, also behind sudo.
static const char *person(const struct limit_job *job)
{
    static char name[101];
    if (job->by)
        return job->by;
    if (!getlogin_r(name, sizeof name))
        return name;
    const struct passwd *user = getpwuid(getuid());
    snprintf(name, sizeof name, "%s", user ? user->pw_name : "unknown");
    return name;
}

enum err limit_job_set(struct db *db, const struct limit_job *job)
{
    const struct limit_order order = {
        .place = job->transformer ? "transformer"
                 : job->feeder    ? "feeder"
                                  : "charger",
        .id = job->transformer ? job->transformer
              : job->feeder    ? job->feeder
                               : job->charger,
        .per_phase = job->phase_w,
        .limit_w = strtoll(job->phase_w ? job->phase_w : job->connection_w, NULL, 10),
        .reason = job->reason,
        .by = person(job),
        .until = ends_at(job),
    };
    int64_t number;
    enum err err = limit_table_set(db, &order, &number);
    if (err)
        return err;
    char until[RFC3339_LEN + 1];
    rfc3339_format(order.until, until);
    printf("limit %jd: %s %s, %jd W per %s until %s\n", (intmax_t)number, order.place, order.id,
           (intmax_t)order.limit_w, order.per_phase ? "phase" : "connection", until);
    return ERR_NONE;
}

enum err limit_job_release(struct db *db, const struct limit_job *job, const char *number)
{
    char *end;
    long long which = strtoll(number, &end, 10);
    if (*end || which < 1 || which > INT32_MAX) {
        fprintf(stderr, "\"%s\" is no number of a limit\n", number);
        return ERR_SYNTAX;
    }
    return limit_table_release(db, which, job->reason, person(job));
}

enum err limit_job_list(struct db *db, const struct limit_job *job)
{
    PGresult *rows = limit_table_list(db, job->all);
    if (!rows)
        return ERR_IO;
    for (int i = 0; i < PQntuples(rows); i++)
        printf("%s  %s  %s  %s to %s  by %s: %s  (%s)\n", PQgetvalue(rows, i, 0),
               PQgetvalue(rows, i, 1), PQgetvalue(rows, i, 2), PQgetvalue(rows, i, 3),
               PQgetvalue(rows, i, 4), PQgetvalue(rows, i, 5), PQgetvalue(rows, i, 6),
               PQgetvalue(rows, i, 7));
    PQclear(rows);
    return ERR_NONE;
}
