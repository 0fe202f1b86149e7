// SPDX-License-Identifier: Apache-2.0

#include "services/audit/audit_table.h"
#include "services/audit/sql_text.h"

#include <string.h>

PGresult *audit_table_find(struct db *db, const char *thing, const char *id)
{
    const char *params[] = {id};
    const char *sql = !strcmp(thing, "feeder") ? "select 1 from grid.feeder where id = $1"
                      : !strcmp(thing, "connection")
                          ? "select 1 from grid.connection where ean = $1"
                          : "select 1 from grid.transformer where id = $1";
    return db_query(db, sql, 1, params);
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
        "    where f.round = r.id order by g.id nulls last, f.phase) x), '[]') as forecast,"
        "  coalesce((select json_agg(x) from (select c.ean as connection, s.demand_w, s.share_w,"
        "     s.bound_by, s.decision, s.reason, s.profile"
        "    from plan.share s left join grid.connection c on c.number = s.connection"
        "    where s.round = r.id order by c.ean) x), '[]') as share) item"
        " where r.id = $1",
        1, params);
}

// With what only a single profile tells.
#define PROFILE_WHOLE                                                                              \
    PROFILE_COLUMNS ", audit.at_s(p.not_after) as not_after, p.priority, p.text, p.digest"

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

// The quarter that the round was made of, all feeders of its transformer, and when the last of what
// the round knew had come.
#define LIFE_MEASURED_ROWS                                                                         \
    "(select json_agg(i order by i.feeder) as rows,"                                               \
    "  max(case when q.revised <= r.finished then q.revised"                                       \
    "      when q.arrived <= r.finished then q.arrived end) as arrived"                            \
    "  from grid.feeder g join dali.quarter q on q.feeder = g.number,"                             \
    "  lateral (select g.id as feeder, audit.at_s(q.quarter) as quarter,"                          \
    "    array[q.p_l1_w, q.p_l2_w, q.p_l3_w] as p_w, g.limit_w, q.quality, q.reason,"              \
    "    audit.at_ms(q.arrived) as arrived, audit.at_ms(q.revised) as revised, q.revision) i"      \
    "  where g.transformer = r.transformer and q.quarter = r.basis)"

// A receipt names meter and digest, not the profile. The same text may be sent twice, so what came
// in between the making of this profile and of the next one alike is its own.
#define LIFE_NEXT_ALIKE                                                                            \
    "(select coalesce(min(o.created), 'infinity') as created from plan.profile o"                  \
    "  where o.digest = p.digest and o.meter = p.meter and o.created > p.created)"
#define LIFE_RECEIPT_ROWS                                                                          \
    "(select json_agg(i order by e.at, e.id) as rows,"                                             \
    "  min(e.arrived) filter (where e.state = 'seen') as seen,"                                    \
    "  min(e.arrived) filter (where e.state = 'applied') as applied,"                              \
    "  max(e.arrived) filter (where e.state = 'ended') as ended"                                   \
    "  from field.receipt e, lateral (select" RECEIPT_COLUMNS ") i"                                \
    "  where e.digest = p.digest and e.meter = p.meter"                                            \
    "  and e.arrived >= p.created and e.arrived < n.created)"

PGresult *audit_table_life(struct db *db, const char *id)
{
    const char *params[] = {id};
    return db_query(
        db,
        "select row_to_json(pd), row_to_json(rd), coalesce(q.rows, '[]'),"
        " coalesce((select json_agg(x) from (select" FORECAST_COLUMNS
        "   from plan.forecast f, lateral (select case when f.feeder = c.feeder then o.id end as "
        "id) g"
        "   where f.round = r.id and (f.feeder = c.feeder or f.feeder is null)"
        "   order by f.feeder, f.phase) x), '[]'),"
        " (select row_to_json(x) from (select s.demand_w, s.share_w, s.bound_by, "
        "s.decision,"
        "   s.reason, s.profile from plan.share s"
        "   where s.round = r.id and s.connection = p.connection) x),"
        " case when d.profile is not null then row_to_json(dd) end,"
        " coalesce((select json_agg(x) from (select a.number, audit.at_ms(a.started) "
        "as started,"
        "   audit.at_ms(a.finished) as finished, a.result, a.cause, a.detail"
        "   from p3.attempt a where a.profile = p.id order by a.number, a.id) x), "
        "'[]'),"
        " coalesce(e.rows, '[]'),"
        // A gateway may refuse what the meter took.
        " case when d.state = 'seen' and d.cause = 'gateway-refused' then 'refused'"
        "   else coalesce(d.state, 'planned') end,"
        " audit.at_us(r.basis + interval '15 minutes'), audit.at_us(q.arrived),"
        " audit.at_us(p.created), audit.at_us(d.queued_at), audit.at_us(d.written_at),"
        " audit.at_us(d.verified_at), audit.at_us(coalesce(d.seen_at, e.seen)),"
        " audit.at_us(coalesce(d.applied_at, e.applied)),"
        " audit.at_us(coalesce(d.ended_at, e.ended))"
        " from plan.profile p"
        " join plan.round r on r.id = p.round"
        " left join p3.delivery d on d.profile = p.id"
        " left join grid.transformer t on t.number = r.transformer"
        " left join grid.connection c on c.number = p.connection"
        " left join grid.feeder o on o.number = c.feeder"
        " left join grid.meter m on m.number = p.meter,"
        " lateral (select" PROFILE_WHOLE ") pd,"
        " lateral (select" ROUND_COLUMNS ") rd,"
        " lateral (select d.route, d.state, d.cause, d.attempts,"
        "   audit.at_ms(d.queued_at) as queued_at, audit.at_ms(d.written_at) as written_at,"
        "   audit.at_ms(d.verified_at) as verified_at, audit.at_ms(d.seen_at) as seen_at,"
        "   audit.at_ms(d.applied_at) as applied_at, audit.at_ms(d.ended_at) as ended_at) dd,"
        " lateral " LIFE_MEASURED_ROWS " q, lateral " LIFE_NEXT_ALIKE " n,"
        " lateral " LIFE_RECEIPT_ROWS " e"
        " where p.id = $1",
        1, params);
}

struct step_times audit_table_times(const PGresult *life)
{
    struct step_times times;
    for (int i = 0; i < STEP_COUNT; i++)
        times.us[i] = PQgetisnull(life, 0, LIFE_TIMES + i)
                          ? STEP_NOT
                          : db_get_integer(life, 0, LIFE_TIMES + i);
    return times;
}
