// SPDX-License-Identifier: Apache-2.0

#include "services/audit/gauge_table.h"
#include "services/audit/sql_text.h"

#define NEWEST_ROUND                                                                               \
    "(select max(finished) from plan.round where quarter ="                                        \
    " (select quarter from plan.round order by quarter desc limit 1))"

#define NEWEST_QUARTER "(select quarter from dali.quarter order by quarter desc limit 1)"

PGresult *gauge_table_round(struct db *db)
{
    return db_query(
        db, "select audit.at_us(r.at), audit.at_ms(r.at) from (select " NEWEST_ROUND " as at) r", 0,
        NULL);
}

PGresult *gauge_table_metrics(struct db *db, struct utc now)
{
    char at[DB_TIME_LEN + 1];
    db_time(now, at);
    const char *params[] = {at};
    return db_query(
        db,
        "select 'counters', 'near_end', (near_end - used_up)::float8 from p3.counter_health"
        " union all select 'counters', 'used_up', used_up from p3.counter_health"
        " union all select 'deliveries', coalesce(d.state, 'planned'), count(*)::float8"
        "  from plan.profile p left join p3.delivery d on d.profile = p.id"
        "  where p.created > $1::timestamptz - interval '1 hour' and p.created <= $1 group by 2"
        " union all select 'rounds', '', coalesce(sum(rounds), 0) from plan.turn"
        " union all select 'quarters', quality, count(*) from dali.quarter"
        "  where quarter >= $1::timestamptz - interval '75 minutes' and quarter <= $1 group by 2"
        " union all select 'quarter_age', '',"
        "  extract(epoch from $1::timestamptz - " NEWEST_QUARTER " - interval '15 minutes')"
        " union all select 'round_age', '', extract(epoch from $1::timestamptz - " NEWEST_ROUND ")"
        " union all select 'gateways', case when online then mode else 'offline' end, count(*)"
        "  from field.gateway group by 2"
        " union all select 'events', kind, count(*) from audit.event"
        "  where at > $1::timestamptz - interval '1 hour' and at <= $1 group by 2"
        " order by 1, 2",
        1, params);
}
