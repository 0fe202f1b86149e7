// SPDX-License-Identifier: Apache-2.0

#include "services/audit/audit_table.h"
#include "services/audit/sql_text.h"

#include <stdio.h>
#include <string.h>

PGresult *audit_table_find(struct db *db, const char *thing, const char *id)
{
    const char *params[] = {id};
    const char *sql = !strcmp(thing, "feeder")  ? "select 1 from grid.feeder where id = $1"
                      : !strcmp(thing, "round") ? "select 1 from plan.round where id = $1"
                      : !strcmp(thing, "connection")
                          ? "select 1 from grid.connection where ean = $1"
                          : "select 1 from grid.transformer where id = $1";
    return db_query(db, sql, 1, params);
}

// The hours that the round looked ahead, as objects; a phase that it knew nothing of is null. Which
// round has some is asked round by round, so that the server does not gather all that ever had.
#define OUTLOOK_PHASES(column)                                                                     \
    "array[max(o." column "[n]) filter (where o.phase = 1), max(o." column                         \
    "[n]) filter (where o.phase = 2), max(o." column "[n]) filter (where o.phase = 3)] as " column
#define OUTLOOK(place, limit, which)                                                               \
    "select row_to_json(item) from " place                                                         \
    " left join lateral (select * from plan.round r where r.transformer = x.transformer"           \
    "   and r.quarter <= $2 and (select true from plan.outlook o where o.round = r.id"             \
    "    and o.feeder " which " limit 1) order by r.quarter desc, r.finished desc limit 1) r"      \
    " on true,"                                                                                    \
    " lateral (select coalesce(json_agg(h order by h.quarter), '[]') as items from"                \
    "   (select audit.at_s(r.quarter + (n - 1) * interval '1 hour') as quarter,"                   \
    "    " OUTLOOK_PHASES("base_w") ", " OUTLOOK_PHASES("p90_w") ", " OUTLOOK_PHASES(              \
        "p95_w") "    from plan.outlook o, generate_subscripts(o.base_w, 1) n"                     \
                 "    where o.round = r.id and o.feeder " which " group by n) h) i,"               \
                 " lateral (select r.id as round, audit.at_s(r.quarter) as quarter,"               \
                 "   audit.at_ms(r.finished) as finished, " limit " as limit_w, i.items) item"

PGresult *audit_table_outlook(struct db *db, const char *thing, const char *id, const char *at)
{
    const char *params[] = {id, at};
    const char *sql =
        !strcmp(thing, "feeder")
            ? OUTLOOK("(select * from grid.feeder where id = $1) x", "x.limit_w", "= x.number")
            : OUTLOOK(
                "(select number as transformer, limit_w from grid.transformer where id = $1) x",
                "x.limit_w", "is null");
    return db_query(db, sql, 2, params);
}

PGresult *audit_table_explain(struct db *db, const char *charger, const char *at)
{
    const char *params[] = {charger, at};
    return db_query(db, "select e from plan.explain($1, $2) e where e is not null", 2, params);
}

PGresult *audit_table_limit(struct db *db, const char *number, bool of_chargers)
{
    const char *params[] = {number, of_chargers ? "t" : "f"};
    return db_query(db,
                    "select row_to_json(item) from grid.manual_limit h"
                    " left join grid.transformer t on t.number = h.transformer"
                    " left join grid.feeder f on f.number = h.feeder,"
                    " lateral (select" LIMIT_COLUMNS ") item where h.number = $1"
                    " and (h.connection is null or $2)",
                    2, params);
}

PGresult *audit_table_set_limit(struct db *db, const struct limit_order *order, const char *who)
{
    char now[DB_TIME_LEN + 1], until[DB_TIME_LEN + 1], watts[16];
    db_time(clock_utc(), now);
    db_time((struct utc){order->until * SECONDS_NS}, until);
    snprintf(watts, sizeof watts, "%d", (int)order->limit_w);
    const char *params[] = {now,   order->place,  order->id, order->per,
                            watts, order->reason, who,       until};
    return db_query(db, "select grid.set_limit($1, $2, $3, $4, $5, $6, $7, $8)", 8, params);
}

PGresult *audit_table_release_limit(struct db *db, const char *number, const char *reason,
                                    const char *who)
{
    char now[DB_TIME_LEN + 1];
    db_time(clock_utc(), now);
    const char *params[] = {now, number, reason, who};
    return db_query(db, "select grid.release_limit($1, $2, $3, $4)", 4, params);
}

PGresult *audit_table_gateways(struct db *db)
{
    return db_query(
        db,
        "select json_build_object('gateways', count(*), 'online', count(*) filter (where"
        " online), 'offline', count(*) filter (where not online), 'by_mode',"
        " json_build_object('starting', count(*) filter (where online and mode ="
        " 'starting'), 'own', count(*) filter (where online and mode = 'own'), 'limited',"
        " count(*) filter (where online and mode = 'limited'), 'safe',"
        " count(*) filter (where online and mode = 'safe'))) from field.gateway",
        0, NULL);
}

PGresult *audit_table_round(struct db *db, const char *id)
{
    const char *params[] = {id};
    return db_query(
        db,
        "select row_to_json(item) from plan.round r"
        " left join grid.transformer t on t.number = r.transformer,"
        " lateral (select" ROUND_COLUMNS ","
        "  coalesce((select json_agg(x) from (select" FORECAST_COLUMNS
        "    from plan.forecast f left join grid.feeder g on g.number = f.feeder"
        "    where f.round = r.id order by g.id nulls last, f.phase) x), '[]') as forecast) item"
        " where r.id = $1",
        1, params);
}

// With what only a single profile tells.
#define PROFILE_WHOLE                                                                              \
    PROFILE_COLUMNS(TEXT_S, TEXT_MS)                                                               \
    ", audit.at_s(p.not_after) as not_after, p.priority, p.text, p.digest"

PGresult *audit_table_profile(struct db *db, const char *id)
{
    const char *params[] = {id};
    return db_query(db,
                    "select row_to_json(item), item.text from plan.profile p"
                    " left join p3.delivery d on d.profile = p.id"
                    " left join grid.connection c on c.number = p.connection"
                    " left join grid.meter m on m.number = p.meter,"
                    " lateral (select" PROFILE_WHOLE ") item where p.id = $1",
                    1, params);
}
