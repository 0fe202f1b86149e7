// SPDX-License-Identifier: Apache-2.0

#include "services/audit/life_table.h"

#include <string.h>

#define QUARTER_US INT64_C(900000000)

// SQL keeps the lines it was given.
// clang-format off

// Statements apart: each is found by an index or two and planned once; the server would take far
// longer to begin one that had them all in it. Those of the second exchange take values that the
// first one found, so that they look nothing up again, and need no part of a table but the one that
// the values say.

// The columns of the row of main behind p.id, in order.
#define MAIN(COLUMN) \
    COLUMN(ROUND, "p.round") \
    COLUMN(EAN, "c.ean as connection") \
    COLUMN(EQUIPMENT, "m.equipment_id as meter") \
    COLUMN(VALID_FROM, "p.valid_from::timestamptz(0)") \
    COLUMN(VALID_TO, "p.valid_to::timestamptz(0)") \
    COLUMN(LIMIT, "p.limit_w") \
    COLUMN(CREATED, "p.created") \
    COLUMN(STATE_SHOWN, "coalesce(d.state, 'planned') as state") \
    COLUMN(CAUSE_SHOWN, "coalesce(d.cause, '') as cause") \
    COLUMN(NOT_AFTER, "p.not_after::timestamptz(0)") \
    COLUMN(PRIORITY, "p.priority") \
    COLUMN(TEXT, "p.text") \
    COLUMN(DIGEST, "p.digest") \
    COLUMN(OF_ROUND, "null as \"/round\"") \
    COLUMN(ROUND_ID, "r.id") \
    COLUMN(TRANSFORMER_ID, "t.id as transformer") \
    COLUMN(QUARTER, "r.quarter::timestamptz(0)") \
    COLUMN(BASIS, "r.basis::timestamptz(0)") \
    COLUMN(REVISION, "r.revision::text") \
    COLUMN(STARTED, "r.started") \
    COLUMN(FINISHED, "r.finished") \
    COLUMN(PLANNER, "r.planner") \
    COLUMN(CONGESTED, "r.congested") \
    COLUMN(BLIND, "r.blind") \
    COLUMN(OF_SHARE, "s.round as \"/share\"") \
    COLUMN(DEMAND, "s.demand_w") \
    COLUMN(SHARE, "s.share_w") \
    COLUMN(BOUND_BY, "s.bound_by") \
    COLUMN(DECISION, "s.decision") \
    COLUMN(REASON, "s.reason") \
    COLUMN(PROFILE, "s.profile") \
    COLUMN(OF_DELIVERY, "d.profile as \"/delivery\"") \
    COLUMN(ROUTE, "d.route") \
    COLUMN(STATE, "d.state") \
    COLUMN(CAUSE, "d.cause") \
    COLUMN(ATTEMPTS, "d.attempts") \
    COLUMN(QUEUED, "d.queued_at") \
    COLUMN(WRITTEN, "d.written_at") \
    COLUMN(VERIFIED, "d.verified_at") \
    COLUMN(SEEN, "d.seen_at") \
    COLUMN(APPLIED, "d.applied_at") \
    COLUMN(ENDED, "d.ended_at") \
    COLUMN(TRANSFORMER, "r.transformer as \"/transformer\"") \
    COLUMN(FEEDER, "c.feeder as \"/feeder\"") \
    COLUMN(FEEDER_ID, "f.id as \"/feeder_id\"") \
    COLUMN(METER, "p.meter as \"/meter\"")
#define AS_PLACE(name, sql) MAIN_##name,
#define AS_SQL(name, sql) ", " sql
enum main_column { MAIN_ID, MAIN(AS_PLACE) };

static const char main_sql[] =
    "select p.id" MAIN(AS_SQL)
    " from plan.profile p join plan.round r on r.id = p.round"
    " left join plan.share s on s.round = p.round and s.connection = p.connection"
    " left join p3.delivery d on d.profile = p.id"
    " left join grid.transformer t on t.number = r.transformer"
    " left join grid.connection c on c.number = p.connection"
    " left join grid.feeder f on f.number = c.feeder"
    " left join grid.meter m on m.number = p.meter"
    " where p.id = $1";

static const char attempts_sql[] =
    "select number, started, finished, result, cause, detail from p3.attempt"
    " where profile = $1 order by number, id";

// The quarter hour that the round was made of, of all feeders of its transformer; and when the last
// of what the round knew had come.
#define MEASURED_COLUMNS \
    "g.id as feeder, q.quarter::timestamptz(0), array[q.p_l1_w, q.p_l2_w, q.p_l3_w] as p_w," \
    " g.limit_w, q.quality, q.reason, q.arrived, q.revised, q.revision," \
    " case when q.revised <= $3 then q.revised when q.arrived <= $3 then q.arrived end as \"/arrived\""
static const enum main_column measured_keys[] = {MAIN_TRANSFORMER, MAIN_BASIS, MAIN_FINISHED};
enum { MEASURED_QUARTER = 1, MEASURED_ARRIVED = 9 };
static const char measured_sql[] =
    "select " MEASURED_COLUMNS " from grid.feeder g"
    " left join dali.quarter q on q.feeder = g.number and q.quarter = $2"
    " where g.transformer = $1 order by g.id";
// Where one of them does not stand by the quarter hour, or not any more.
static const char measured_rolled_sql[] =
    "select " MEASURED_COLUMNS " from grid.feeder g"
    " join lateral (select * from dali.quarter_of(g.number, $2) limit 1) q on true"
    " where g.transformer = $1 order by g.id";

// Of its feeder and of the transformer.
static const enum main_column forecast_keys[] = {MAIN_ROUND, MAIN_FEEDER, MAIN_FEEDER_ID};
static const char forecast_sql[] =
    "select case when f.feeder is not null then $3::text end as feeder, f.phase, f.limit_w, f.measured_w,"
    "  f.measured_at::timestamptz(0), f.controlled_w, f.base_w, f.margin_w, f.headroom_w,"
    "  f.reserved_w, f.demand_w, f.given_w, f.chargers, f.p90_w, f.p95_w, f.method"
    " from plan.forecast f"
    " where f.round = $1 and (f.feeder = $2 or f.feeder is null)"
    " order by f.feeder, f.phase";

// A receipt names meter and digest, not the profile. The same text may be sent twice, so what came
// in between the making of this profile and of the next one alike is its own.
static const enum main_column receipts_keys[] = {MAIN_DIGEST, MAIN_METER, MAIN_CREATED};
enum { RECEIPT_ARRIVED = 1, RECEIPT_STATE = 2 };
static const char receipts_sql[] =
    "select e.at, e.arrived, e.state, e.digest, e.mode, e.reason, e.limit_w, e.register,"
    "  e.register_w from field.receipt e"
    " where e.digest = $1 and e.meter = $2 and e.arrived >= $3 and e.arrived < (select"
    "  coalesce(min(o.created), 'infinity') from plan.profile o"
    "  where o.digest = $1 and o.meter = $2 and o.created > $3)"
    " order by e.at, e.id";

// clang-format on

enum { ASK_KEYS = 3 };

// The values that a statement takes, as they came.
struct keys {
    const char *values[ASK_KEYS];
    int lengths[ASK_KEYS];
};

static struct db_ask ask_by_keys(const char *sql, const PGresult *main,
                                 const enum main_column places[static ASK_KEYS], struct keys *keys)
{
    for (int i = 0; i < ASK_KEYS; i++) {
        int column = (int)places[i];
        keys->values[i] = PQgetisnull(main, 0, column) ? NULL : PQgetvalue(main, 0, column);
        keys->lengths[i] = PQgetlength(main, 0, column);
    }
    return (struct db_ask){sql, ASK_KEYS, keys->values, keys->lengths, true};
}

// Has each feeder a quarter hour?
static bool is_measured(const PGresult *measured)
{
    for (int row = 0; row < PQntuples(measured); row++)
        if (PQgetisnull(measured, row, MEASURED_QUARTER))
            return false;
    return true;
}

static enum err read_rolled(struct db *db, struct life *life)
{
    struct keys keys;
    const struct db_ask ask =
        ask_by_keys(measured_rolled_sql, life->parts[LIFE_MAIN], measured_keys, &keys);
    PGresult *rolled;
    enum err err = db_query_all(db, &ask, 1, &rolled);
    if (err)
        return err;
    PQclear(life->parts[LIFE_MEASURED]);
    life->parts[LIFE_MEASURED] = rolled;
    return ERR_NONE;
}

// What hangs on the row of main.
static enum err read_rest(struct db *db, struct life *life)
{
    struct keys keys[3];
    const PGresult *main = life->parts[LIFE_MAIN];
    const struct db_ask asks[] = {
        ask_by_keys(measured_sql, main, measured_keys, &keys[0]),
        ask_by_keys(forecast_sql, main, forecast_keys, &keys[1]),
        ask_by_keys(receipts_sql, main, receipts_keys, &keys[2]),
    };
    PGresult *results[3];
    enum err err = db_query_all(db, asks, 3, results);
    if (err)
        return err;
    life->parts[LIFE_MEASURED] = results[0];
    life->parts[LIFE_FORECAST] = results[1];
    life->parts[LIFE_RECEIPTS] = results[2];
    return is_measured(results[0]) ? ERR_NONE : read_rolled(db, life);
}

enum err life_table_read(struct db *db, const char *id, struct life *life)
{
    const struct db_ask asks[] = {{main_sql, 1, &id, NULL, true},
                                  {attempts_sql, 1, &id, NULL, true}};
    PGresult *results[2];
    *life = (struct life){0};
    enum err err = db_query_all(db, asks, 2, results);
    if (err)
        return err;
    life->parts[LIFE_MAIN] = results[0];
    life->parts[LIFE_ATTEMPTS] = results[1];
    if (PQntuples(results[0]))
        err = read_rest(db, life);
    if (err)
        life_table_clear(life);
    return err;
}

void life_table_clear(struct life *life)
{
    for (int i = 0; i < LIFE_PARTS; i++)
        PQclear(life->parts[i]);
    *life = (struct life){0};
}

bool life_table_has(const struct life *life, enum life_group group)
{
    return !PQgetisnull(life->parts[LIFE_MAIN], 0,
                        group == LIFE_SHARE ? MAIN_OF_SHARE : MAIN_OF_DELIVERY);
}

// A gateway may refuse what the meter took.
const char *life_table_state(const struct life *life)
{
    const PGresult *main = life->parts[LIFE_MAIN];
    const char *state = PQgetvalue(main, 0, MAIN_STATE_SHOWN);
    bool is_refused =
        !strcmp(state, "seen") && !strcmp(PQgetvalue(main, 0, MAIN_CAUSE_SHOWN), "gateway-refused");
    return is_refused ? "refused" : state;
}

static int64_t time_at(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column) ? STEP_NOT : db_binary_us(result, row, column);
}

static int64_t end_of_basis(const PGresult *main)
{
    int64_t basis = time_at(main, 0, MAIN_BASIS);
    return basis == STEP_NOT ? STEP_NOT : basis + QUARTER_US;
}

static int64_t last_measured(const PGresult *measured)
{
    int64_t last = STEP_NOT;
    for (int row = 0; row < PQntuples(measured); row++) {
        int64_t at = time_at(measured, row, MEASURED_ARRIVED);
        last = at > last ? at : last;
    }
    return last;
}

// When the first receipt with that state came, or the last.
static int64_t receipt_time(const PGresult *receipts, const char *state, bool last)
{
    int64_t found = STEP_NOT;
    for (int row = 0; row < PQntuples(receipts); row++) {
        if (strcmp(PQgetvalue(receipts, row, RECEIPT_STATE), state) != 0)
            continue;
        int64_t at = time_at(receipts, row, RECEIPT_ARRIVED);
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
    const PGresult *main = life->parts[LIFE_MAIN];
    struct step_times times = {{
        [STEP_MEASURED] = end_of_basis(main),
        [STEP_ARRIVED] = last_measured(life->parts[LIFE_MEASURED]),
        [STEP_PLANNED] = time_at(main, 0, MAIN_CREATED),
        [STEP_QUEUED] = time_at(main, 0, MAIN_QUEUED),
        [STEP_WRITTEN] = time_at(main, 0, MAIN_WRITTEN),
        [STEP_VERIFIED] = time_at(main, 0, MAIN_VERIFIED),
        [STEP_SEEN] = time_at(main, 0, MAIN_SEEN),
        [STEP_APPLIED] = time_at(main, 0, MAIN_APPLIED),
        [STEP_ENDED] = time_at(main, 0, MAIN_ENDED),
    }};
    for (size_t i = 0; i < sizeof by_receipt / sizeof *by_receipt; i++)
        if (times.us[by_receipt[i].step] == STEP_NOT)
            times.us[by_receipt[i].step] =
                receipt_time(life->parts[LIFE_RECEIPTS], by_receipt[i].state, by_receipt[i].last);
    return times;
}
