// SPDX-License-Identifier: Apache-2.0

#include "services/admin/limit_table.h"
#include "base/rfc3339.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST                                                                                       \
    "select h.number, case when h.transformer is not null then 'transformer ' || t.id"             \
    "   when h.feeder is not null then 'feeder ' || f.id"                                          \
    "   else 'charger ' || (select string_agg(g.id, ' ' order by g.id) from grid.charger g"        \
    "     where g.connection = h.connection) end,"                                                 \
    " h.limit_w || ' W per ' || h.per, audit.at_s(h.started), audit.at_s(h.ends), h.made_by,"      \
    " h.reason, case when h.released is not null then 'released ' || audit.at_s(h.released)"       \
    "   || ' by ' || h.released_by || ': ' || h.released_why"                                      \
    "   when h.ends <= $1::timestamptz then 'over' else 'in force' end"                            \
    " from grid.manual_limit h left join grid.transformer t on t.number = h.transformer"           \
    " left join grid.feeder f on f.number = h.feeder"                                              \
    " where $2::boolean or (h.released is null and h.ends > $1::timestamptz)"                      \
    " order by h.number desc"

enum err limit_table_set(struct db *db, const struct limit_order *order, int64_t *number)
{
    char at[DB_TIME_LEN + 1], until[RFC3339_LEN + 1], limit[24];
    db_time(clock_utc(), at);
    rfc3339_format(order->until, until);
    snprintf(limit, sizeof limit, "%jd", (intmax_t)order->limit_w);
    const char *params[] = {
        at,    order->place,  order->id, order->per_phase ? "phase" : "connection",
        limit, order->reason, order->by, until};
    PGresult *rows =
        db_query(db, "select grid.set_limit($1, $2, $3, $4, $5, $6, $7, $8)", 8, params);
    if (!rows)
        return ERR_IO;
    bool is_place = !PQgetisnull(rows, 0, 0);
    if (is_place)
        *number = db_get_integer(rows, 0, 0);
    else
        fprintf(stderr, "there is no %s \"%s\"\n", order->place, order->id);
    PQclear(rows);
    return is_place ? ERR_NONE : ERR_RANGE;
}

enum err limit_table_release(struct db *db, int64_t number, const char *reason, const char *by)
{
    char at[DB_TIME_LEN + 1], which[24];
    db_time(clock_utc(), at);
    snprintf(which, sizeof which, "%jd", (intmax_t)number);
    const char *params[] = {at, which, reason, by};
    PGresult *rows = db_query(db, "select grid.release_limit($1, $2, $3, $4)", 4, params);
    if (!rows)
        return ERR_IO;
    bool gone = *PQgetvalue(rows, 0, 0) == 't';
    if (!gone)
        fprintf(stderr, "limit %jd is not in force\n", (intmax_t)number);
    PQclear(rows);
    return gone ? ERR_NONE : ERR_RANGE;
}

PGresult *limit_table_list(struct db *db, bool all)
{
    char at[DB_TIME_LEN + 1];
    db_time(clock_utc(), at);
    const char *params[] = {at, all ? "true" : "false"};
    return db_query(db, LIST, 2, params);
}
