// SPDX-License-Identifier: Apache-2.0

#include "services/audit/life_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// SQL keeps the lines it was given.
// clang-format off

// Statements apart: each is found by an index or two and planned once; the server would take far
// longer to begin one that had them all in it.
static const char *const sql[LIFE_PARTS] = {
    // A gateway may refuse what the meter took.
    [LIFE_MAIN] =
        "select p.id, p.round, c.ean as connection, m.equipment_id as meter,"
        "  p.valid_from::timestamptz(0), p.valid_to::timestamptz(0), p.limit_w, p.created,"
        "  coalesce(d.state, 'planned') as state, coalesce(d.cause, '') as cause,"
        "  p.not_after::timestamptz(0), p.priority, p.text, p.digest,"
        " r.id as \"/round\", r.id, t.id as transformer, r.quarter::timestamptz(0),"
        "  r.basis::timestamptz(0), r.revision::text, r.started, r.finished, r.planner, r.congested,"
        "  r.blind,"
        " s.round as \"/share\", s.demand_w, s.share_w, s.bound_by, s.decision, s.reason, s.profile,"
        " d.profile as \"/delivery\", d.route, d.state, d.cause, d.attempts, d.queued_at, d.written_at,"
        "  d.verified_at, d.seen_at, d.applied_at, d.ended_at,"
        " case when d.state = 'seen' and d.cause = 'gateway-refused' then 'refused'"
        "  else coalesce(d.state, 'planned') end as \"/state\","
        " null as \"/times\", audit.at_us(r.basis + interval '15 minutes'), null, audit.at_us(p.created),"
        "  audit.at_us(d.queued_at), audit.at_us(d.written_at), audit.at_us(d.verified_at),"
        "  audit.at_us(d.seen_at), audit.at_us(d.applied_at), audit.at_us(d.ended_at)"
        " from plan.profile p join plan.round r on r.id = p.round"
        " left join plan.share s on s.round = p.round and s.connection = p.connection"
        " left join p3.delivery d on d.profile = p.id"
        " left join grid.transformer t on t.number = r.transformer"
        " left join grid.connection c on c.number = p.connection"
        " left join grid.meter m on m.number = p.meter"
        " where p.id = $1",
    // The quarter hour that the round was made of, of all feeders of its transformer; and when the
    // last of what the round knew had come.
    [LIFE_MEASURED] =
        "select g.id as feeder, q.quarter::timestamptz(0), array[q.p_l1_w, q.p_l2_w, q.p_l3_w] as p_w,"
        "  g.limit_w, q.quality, q.reason, q.arrived, q.revised, q.revision,"
        " audit.at_us(case when q.revised <= r.finished then q.revised"
        "  when q.arrived <= r.finished then q.arrived end) as \"/arrived\""
        " from plan.profile p join plan.round r on r.id = p.round"
        " join grid.feeder g on g.transformer = r.transformer"
        " join lateral (select * from dali.quarter_of(g.number, r.basis) limit 1) q on true"
        " where p.id = $1 order by g.id",
    // Of its feeder and of the transformer.
    [LIFE_FORECAST] =
        "select case when f.feeder = c.feeder then g.id end as feeder, f.phase, f.limit_w, f.measured_w,"
        "  f.measured_at::timestamptz(0), f.controlled_w, f.base_w, f.margin_w, f.headroom_w,"
        "  f.reserved_w, f.demand_w, f.given_w, f.chargers, f.p90_w, f.p95_w, f.method"
        " from plan.profile p join plan.forecast f on f.round = p.round"
        " left join grid.connection c on c.number = p.connection"
        " left join grid.feeder g on g.number = c.feeder"
        " where p.id = $1 and (f.feeder = c.feeder or f.feeder is null)"
        " order by f.feeder, f.phase",
    [LIFE_ATTEMPTS] =
        "select number, started, finished, result, cause, detail from p3.attempt"
        " where profile = $1 order by number, id",
    // A receipt names meter and digest, not the profile. The same text may be sent twice, so what
    // came in between the making of this profile and of the next one alike is its own.
    [LIFE_RECEIPTS] =
        "select e.at, e.arrived, e.state, e.digest, e.mode, e.reason, e.limit_w, e.register,"
        "  e.register_w, audit.at_us(e.arrived) as \"/arrived\""
        " from plan.profile p join field.receipt e on e.digest = p.digest and e.meter = p.meter"
        " where p.id = $1 and e.arrived >= p.created and e.arrived < (select"
        "  coalesce(min(o.created), 'infinity') from plan.profile o"
        "  where o.digest = p.digest and o.meter = p.meter and o.created > p.created)"
        " order by e.at, e.id",
};

// clang-format on

enum err life_table_read(struct db *db, const char *id, struct life *life)
{
    struct db_ask asks[LIFE_PARTS];
    for (int i = 0; i < LIFE_PARTS; i++)
        asks[i] = (struct db_ask){sql[i], 1, &id};
    return db_query_all(db, asks, LIFE_PARTS, life->parts);
}

void life_table_clear(struct life *life)
{
    for (int i = 0; i < LIFE_PARTS; i++)
        PQclear(life->parts[i]);
}

static int column_of(const PGresult *result, const char *group)
{
    int column = PQnfields(result) - 1;
    while (column >= 0 && strcmp(PQfname(result, column), group) != 0)
        column--;
    assert(column >= 0);
    return column;
}

bool life_table_has(const struct life *life, const char *group)
{
    const PGresult *main = life->parts[LIFE_MAIN];
    return !PQgetisnull(main, 0, column_of(main, group));
}

const char *life_table_state(const struct life *life)
{
    const PGresult *main = life->parts[LIFE_MAIN];
    return PQgetvalue(main, 0, column_of(main, "/state"));
}

static int64_t time_at(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column) ? STEP_NOT : db_get_integer(result, row, column);
}

static int64_t last_measured(const PGresult *measured)
{
    int64_t last = STEP_NOT;
    for (int row = 0; row < PQntuples(measured); row++) {
        int64_t at = time_at(measured, row, column_of(measured, "/arrived"));
        last = at > last ? at : last;
    }
    return last;
}

// When the first receipt with that state came, or the last.
static int64_t receipt_time(const PGresult *receipts, const char *state, bool last)
{
    int64_t found = STEP_NOT;
    for (int row = 0; row < PQntuples(receipts); row++) {
        if (strcmp(PQgetvalue(receipts, row, PQfnumber(receipts, "state")), state) != 0)
            continue;
        int64_t at = time_at(receipts, row, column_of(receipts, "/arrived"));
        if (found == STEP_NOT || (last ? at > found : at < found))
            found = at;
    }
    return found;
}

struct step_times life_table_times(const struct life *life)
{
    static const struct {
        enum step step;
        const char *state;
        bool last;
    } by_receipt[] = {
        {STEP_SEEN, "seen", false}, {STEP_APPLIED, "applied", false}, {STEP_ENDED, "ended", true}};
    struct step_times times;
    const PGresult *main = life->parts[LIFE_MAIN];
    int first = column_of(main, "/times") + 1;
    for (int i = 0; i < STEP_COUNT; i++)
        times.us[i] = time_at(main, 0, first + i);
    times.us[STEP_ARRIVED] = last_measured(life->parts[LIFE_MEASURED]);
    for (size_t i = 0; i < sizeof by_receipt / sizeof *by_receipt; i++)
        if (times.us[by_receipt[i].step] == STEP_NOT)
            times.us[by_receipt[i].step] =
                receipt_time(life->parts[LIFE_RECEIPTS], by_receipt[i].state, by_receipt[i].last);
    return times;
}
