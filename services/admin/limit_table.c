// SPDX-License-Identifier: Apache-2.0

#include "services/admin/limit_table.h"
#include "base/rfc3339.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// $1 now, $2 place, $3 its id, $4 per, $5 limit, $6 reason, $7 by, $8 until.
#define SET                                                                                        \
    "with place as (select t.number as transformer, null::int as feeder, null::int as connection," \
    "  t.number as under from grid.transformer t where $2 = 'transformer' and t.id = $3"           \
    " union all select null, f.number, null, f.transformer from grid.feeder f"                     \
    "  where $2 = 'feeder' and f.id = $3"                                                          \
    " union all select null, null, c.number, f.transformer from grid.charger g"                    \
    "  join grid.connection c on c.number = g.connection"                                          \
    "  join grid.feeder f on f.number = c.feeder where $2 = 'charger' and g.id = $3),"             \
    " replaced as (update grid.manual_limit h set released = $1::timestamptz, released_by = $7,"   \
    "  released_why = 'replaced' from place p where h.per = $4 and h.released is null"             \
    "  and h.ends > $1::timestamptz and (h.transformer = p.transformer or h.feeder = p.feeder"     \
    "  or h.connection = p.connection) returning h.number),"                                       \
    " added as (insert into grid.manual_limit (transformer, feeder, connection, per, limit_w,"     \
    "  reason, made_by, started, ends) select transformer, feeder, connection, $4, $5::int, $6,"   \
    "  $7, $1::timestamptz, $8::timestamptz from place returning number),"                         \
    " told as (insert into audit.event (at, program, kind, subject, data)"                         \
    "  select $1::timestamptz, 'socmod-admin', 'limit.set', $2 || ' ' || $3,"                      \
    "  jsonb_build_object('number', a.number, 'per', $4, 'limit_w', $5::int, 'reason', $6,"        \
    "  'who', $7, 'until', $8, 'replaces', (select coalesce(jsonb_agg(number), '[]')"              \
    "  from replaced), 'by', session_user) from added a)"                                          \
    " select number, (select count(pg_notify('grid_limit', under::text)) from place) from added"

#define RELEASE                                                                                    \
    "with gone as (update grid.manual_limit set released = $1::timestamptz, released_by = $4,"     \
    "  released_why = $3 where number = $2::int and released is null and ends > $1::timestamptz"   \
    "  returning *),"                                                                              \
    " place as (select g.*, coalesce(g.transformer, f.transformer) as under,"                      \
    "  case when g.transformer is not null then 'transformer ' || t.id"                            \
    "   when g.feeder is not null then 'feeder ' || f.id"                                          \
    "   else 'connection ' || c.ean end as name from gone g"                                       \
    "  left join grid.connection c on c.number = g.connection"                                     \
    "  left join grid.feeder f on f.number = coalesce(g.feeder, c.feeder)"                         \
    "  left join grid.transformer t on t.number = g.transformer),"                                 \
    " told as (insert into audit.event (at, program, kind, subject, data)"                         \
    "  select $1::timestamptz, 'socmod-admin', 'limit.released', name,"                            \
    "  jsonb_build_object('number', number, 'reason', $3::text, 'who', $4::text,"                  \
    "  'by', session_user) from place)"                                                            \
    " select pg_notify('grid_limit', under::text) from place"

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
    // Nobody else sets or releases meanwhile: of one kind and place, one is in force.
    if (db_begin(db) || db_do(db, "lock grid.manual_limit in share row exclusive mode", 0, NULL))
        return ERR_IO;
    PGresult *rows = db_query(db, SET, 8, params);
    enum err err = rows ? ERR_NONE : ERR_IO;
    if (rows && !PQntuples(rows)) {
        fprintf(stderr, "there is no %s \"%s\"\n", order->place, order->id);
        err = ERR_RANGE;
    } else if (rows) {
        *number = db_get_integer(rows, 0, 0);
    }
    PQclear(rows);
    if (!err)
        err = db_commit(db);
    else
        db_rollback(db);
    return err;
}

enum err limit_table_release(struct db *db, int64_t number, const char *reason, const char *by)
{
    char at[DB_TIME_LEN + 1], which[24];
    db_time(clock_utc(), at);
    snprintf(which, sizeof which, "%jd", (intmax_t)number);
    const char *params[] = {at, which, reason, by};
    PGresult *rows = db_query(db, RELEASE, 4, params);
    if (!rows)
        return ERR_IO;
    bool gone = PQntuples(rows);
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
