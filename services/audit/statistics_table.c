// SPDX-License-Identifier: Apache-2.0

#include "services/audit/statistics_table.h"
#include "services/audit/sql_text.h"

#include <stdio.h>

PGresult *statistics_table_transformers(struct db *db)
{
    return db_query(db,
                    "select number, id, limit_w[1], limit_w[2], limit_w[3] from grid.transformer"
                    " order by number",
                    0, NULL);
}

PGresult *statistics_table_feeders(struct db *db)
{
    return db_query(db,
                    "select number, id, limit_w[1], limit_w[2], limit_w[3], transformer"
                    " from grid.feeder order by number",
                    0, NULL);
}

PGresult *statistics_table_quarters(struct db *db, const char *from, const char *to,
                                    const char *quarter, const char *feeder)
{
    const char *params[] = {from, to, quarter, feeder};
    return db_query(db,
                    "select audit.at_us(quarter), feeder, p_l1_w, p_l2_w, p_l3_w, quarter"
                    " from dali.quarter where quarter >= $1 and quarter < $2"
                    " and (quarter, feeder) > ($3, $4)"
                    " and quality = 'good' order by quarter, feeder limit 20000",
                    4, params);
}

PGresult *statistics_table_days(struct db *db, const char *from, const char *to)
{
    const char *params[] = {from, to};
    return db_query(db,
                    "select s.day from generate_series(date_trunc('day', $1::timestamptz), $2,"
                    " interval '1 day') s (day) where s.day < $2"
                    " and exists (select from dali.day d where d.day = s.day) order by s.day",
                    2, params);
}

PGresult *statistics_table_day(struct db *db, const char *from, const char *to, const char *day,
                               int first, int last)
{
    char numbers[2][16];
    snprintf(numbers[0], sizeof numbers[0], "%d", first);
    snprintf(numbers[1], sizeof numbers[1], "%d", last);
    const char *params[] = {from, to, day, numbers[0], numbers[1]};
    return db_query(db,
                    "select audit.at_us(x.quarter), x.feeder, x.p_l1_w, x.p_l2_w, x.p_l3_w"
                    " from grid.feeder f join dali.day d on d.feeder = f.number and d.day = $3,"
                    " dali.unpack(d) x where f.transformer >= $4 and f.transformer <= $5"
                    " and x.quarter >= $1 and x.quarter < $2 and x.quality = 'good'"
                    " and (select true from dali.quarter q where q.feeder = x.feeder"
                    "  and q.quarter = x.quarter) is null order by x.quarter, x.feeder",
                    5, params);
}

PGresult *statistics_table_rounds(struct db *db, const char *from, const char *to)
{
    const char *params[] = {from, to};
    return db_query(db,
                    "select count(*), count(*) filter (where congested) from plan.round"
                    " where quarter >= $1 and quarter < $2",
                    2, params);
}

PGresult *statistics_table_states(struct db *db, const char *from, const char *to, const char *now)
{
    const char *params[] = {from, to, now};
    return db_query(
        db,
        "select coalesce(d.state, 'planned') as state, count(*),"
        " count(coalesce(d.written_at, d.verified_at)),"
        " count(*) filter (where case coalesce(d.state, 'planned')"
        "   when 'applied' then false when 'superseded' then false"
        "   when 'expired' then d.cause = '' when 'refused' then d.cause = ''"
        "   when 'failed' then d.cause = '' when 'seen' then d.cause = '' and p.valid_to <= $3"
        "   else p.valid_to <= $3 end)"
        " from plan.profile p left join p3.delivery d on d.profile = p.id"
        " where p.created >= $1 and p.created < $2 group by 1 order by 1",
        3, params);
}

PGresult *statistics_table_steps(struct db *db, const char *from, const char *to)
{
    const char *params[] = {from, to};
    return db_query(
        db,
        "select x.step, x.a[1], x.a[2], x.a[3] from (select s.step,"
        // Never below 0: the clocks of several machines may differ by some.
        "   percentile_disc(array[0.5, 0.99, 1]) within group"
        "    (order by greatest(0, round(extract(epoch from s.took), 3))) as a"
        "  from plan.profile p"
        "  left join (select r.id, r.basis + interval '15 minutes' as measured,"
        "      max(case when q.revised <= r.finished then q.revised"
        "        when q.arrived <= r.finished then q.arrived end) as arrived"
        "    from plan.round r left join grid.feeder g on g.transformer = r.transformer"
        "    left join lateral (select * from dali.quarter_of(g.number, r.basis) limit 1) q"
        "      on true"
        "    where r.id in (select o.round from plan.profile o"
        "      where o.created >= $1 and o.created < $2)"
        "    group by r.id) r on r.id = p.round"
        "  left join p3.delivery d on d.profile = p.id,"
        "  lateral (values (0, r.arrived - r.measured), (1, p.created - r.arrived),"
        "    (2, d.verified_at - p.created), (3, d.seen_at - d.verified_at),"
        "    (4, d.applied_at - d.seen_at)) s (step, took)"
        "  where p.created >= $1 and p.created < $2 and s.took is not null"
        "  group by s.step) x",
        2, params);
}

PGresult *statistics_table_control(struct db *db, const char *from, const char *to)
{
    const char *params[] = {from, to};
    return db_query(
        db,
        "select f.feeder, r.transformer, sum(greatest(0, f.demand_w - f.given_w)) / 4000.0,"
        " sum(coalesce(greatest(0, f.base_w + f.demand_w - f.limit_w)"
        "   - greatest(0, f.base_w + f.given_w - f.limit_w), 0)) / 4000.0"
        " from plan.round r join plan.forecast f on f.round = r.id"
        " where r.quarter >= $1 and r.quarter < $2 and not exists"
        "  (select 1 from plan.round n where n.transformer = r.transformer"
        "    and n.quarter = r.quarter and (n.finished, n.id) > (r.finished, r.id))"
        " group by f.feeder, r.transformer",
        2, params);
}

PGresult *statistics_table_fairness(struct db *db, const char *from, const char *to)
{
    const char *params[] = {from, to};
    return db_query(
        db,
        "select count(*), sum(x.got) * sum(x.got) / nullif(count(*) * sum(x.got * x.got), 0),"
        " min(x.got) from (select s.connection,"
        "   avg(least(1, s.share_w::float8 / s.demand_w)) as got"
        "  from plan.round r join plan.share s on s.round = r.id"
        "  where r.quarter >= $1 and r.quarter < $2 and r.congested and s.demand_w > 0"
        "  group by s.connection) x",
        2, params);
}

PGresult *statistics_table_not_kept(struct db *db, const char *from)
{
    return db_query(db, "select audit.not_kept($1)", 1, &from);
}
