// SPDX-License-Identifier: Apache-2.0

#include "services/p3/delivery_table.h"
#include "base/log.h"
#include "base/memory.h"
#include "services/p3/sql_array.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TAKE_IN_BATCH = 5000,
    CONFIRM_BATCH = 10000,
    BACK_S = 60, // machine seconds in which a transaction that began earlier ends
    BACK_RECEIPTS = 2000,
    ALL_S = 86400, // a profile stands for hours
};

struct delivery_table {
    struct db *db;
    const char *name;
    char *routes;     // as an array of the server
    int owner;        // server process whose connection holds our name
    char created[40]; // of the last profile taken in, as the server writes it
    char profile[ROUTE_ID_LEN + 1];
    int64_t receipt; // the last one looked at
};

// --- Life ---

struct delivery_table *delivery_table_new(struct db *db, const char *name, const char *routes)
{
    struct delivery_table *table = memory_new(1, sizeof *table);
    table->db = db;
    table->name = name;
    struct sql_array array = {0};
    for (const char *at = routes; *at;) {
        size_t len = strcspn(at, " ");
        char *route = memory_text_n(at, len);
        sql_array_put(&array, route);
        free(route);
        at += len + (at[len] == ' ');
    }
    sql_array_end(&array);
    table->routes = array.text;
    return table;
}

void delivery_table_free(struct delivery_table *table)
{
    if (!table)
        return;
    free(table->routes);
    free(table);
}

// The first number says that the lock is ours ("p3"); 0 is the intake, others are names.
enum { LOCK_OF_P3 = 0x7033 };

// Every statement here takes a batch by its index, whatever the size of the tables; what the
// planner believes of tables that fill and empty within minutes only leads it to read them whole.
// For the same reason the statements find the waiting one of a meter by `lateral ... limit 1`.
static const char index_only[] = "set enable_seqscan = off; set enable_hashjoin = off;"
                                 " set enable_mergejoin = off; set enable_bitmapscan = off;"
                                 " set enable_material = off; set jit = off;"
                                 // A process that hangs in a claim must not hold up the others.
                                 " set idle_in_transaction_session_timeout = '20s'";

static enum err set_up(struct delivery_table *table)
{
    PGresult *result = db_query_once(table->db, index_only, 0, NULL);
    PQclear(result);
    return result ? ERR_NONE : ERR_IO;
}

enum err delivery_table_own_name(struct delivery_table *table)
{
    if (db_connect(table->db))
        return ERR_IO;
    if (table->owner == PQbackendPID(db_raw(table->db)))
        return ERR_NONE;
    table->owner = 0;
    if (set_up(table))
        return ERR_IO;
    static const char sql[] = "select pg_try_advisory_lock($1::int, hashtext($2) | 1)";
    char lock[16];
    snprintf(lock, sizeof lock, "%d", LOCK_OF_P3);
    PGresult *result = db_query(table->db, sql, 2, (const char *[]){lock, table->name});
    bool mine = result && *PQgetvalue(result, 0, 0) == 't';
    PQclear(result);
    if (mine)
        table->owner = PQbackendPID(db_raw(table->db));
    return mine ? ERR_NONE : ERR_IO;
}

// --- Intake ---

static const char intake_lock[] = "select pg_try_advisory_xact_lock($1::int, 0)";

// $1 now, $2 created and $3 id after which to look, $4 at most, $5 routes served.
// The replaced ones leave before the new ones come, or the unique index would refuse them: so
// the insert waits for the count of `replaced`.
static const char take_in_sql[] =
    "with new as materialized ("
    " select p.id, p.meter, p.digest, p.not_after, p.created, m.number is not null as known,"
    "  least(greatest(p.priority, 0), 9)::smallint as priority, coalesce(m.route, 'head-end') as "
    "route,"
    "  coalesce(m.route || coalesce('/' || case m.route when 'dlms' then m.cell else m.head_end "
    "end,"
    "   ''), '') as lane,"
    "  case m.route when 'dlms' then regexp_replace(m.address,"
    "   '^(\\[.*\\]|[^:]*):[0-9]+$', '\\1') else '' end as host,"
    "  p.valid_from, r.rest_until,"
    "  make_interval(secs => m.message_interval_s) as pause"
    " from plan.profile p left join grid.meter m on m.number = p.meter"
    " left join p3.reach r on r.meter = p.meter and r.failures > 0"
    " where (p.created, p.id) > ($2::timestamptz, $3::uuid)"
    " order by p.created, p.id limit $4::int),"
    "fresh as materialized ("
    " select n.*, case when not n.known then 'refused'"
    "   when exists (select from plan.profile f where f.meter = n.meter"
    "                and (f.created, f.id) > (n.created, n.id)) then 'superseded'"
    "   when n.not_after <= $1::timestamptz then 'expired' else 'queued' end as state,"
    "  case when n.priority = 0 then $1::timestamptz else greatest($1::timestamptz, n.rest_until,"
    "   n.pause + (select max(w.written_at) from p3.delivery w"
    "              where w.meter = n.meter and w.written_at is not null)) end as next_at"
    " from new n where not exists (select from p3.delivery d where d.profile = n.id)),"
    "replaced as ("
    " update p3.delivery d set state = 'superseded', cause = 'newer-profile', ended_at = $1"
    " from fresh f cross join lateral (select w.profile from p3.delivery w"
    "  where w.meter = f.meter and w.state = 'queued' limit 1) w"
    " where f.state in ('queued', 'expired') and d.profile = w.profile and d.state = 'queued'"
    " returning d.profile),"
    "added as ("
    " insert into p3.delivery (profile, meter, route, lane, destination, state, cause, priority,"
    "  digest, valid_from, not_after, next_at, queued_at, ended_at)"
    " select f.id, f.meter, f.route, f.lane, coalesce(f.host, ''), f.state,"
    "  case f.state when 'refused' then 'unknown-meter' when 'superseded' then 'newer-profile'"
    "   when 'expired' then 'came-too-late' else"
    "    case when f.route <> all ($5::text[]) then 'no-route-here'"
    "         when f.next_at > $1 and f.next_at = f.rest_until then 'meter-rests'"
    "         when f.next_at > $1 then 'message-interval' else '' end end,"
    "  f.priority, f.digest, f.valid_from, f.not_after, f.next_at, $1,"
    "  case when f.state <> 'queued' then $1::timestamptz end"
    " from fresh f where (select count(*) from replaced) >= 0"
    " on conflict (profile) do nothing returning profile, meter, state, cause),"
    "told as ("
    " insert into audit.event (at, program, kind, subject, data)"
    " select $1, 'socmod-p3', 'delivery.' || state, profile::text,"
    "  jsonb_build_object('meter', meter, 'cause', cause)"
    " from added where state in ('refused', 'expired')),"
    "rung as materialized ("
    " select pg_notify('p3_delivery', profile::text) from"
    "  (select profile from added union all select profile from replaced) both_)"
    "select (select count(*) from new), (select count(*) from added where state = 'queued'),"
    " l.created, l.id, (select count(*) from rung),"
    " (select count(*) from added where cause = 'no-route-here')"
    " from (select created, id from new order by created desc, id desc limit 1) l";

// Where to look from: after the last one taken in, or some time before.
static void position(const struct delivery_table *table, enum delivery_look look, struct utc now,
                     char *created, char *profile)
{
    if (look == LOOK_NEW && *table->created) {
        snprintf(created, sizeof table->created, "%s", table->created);
        snprintf(profile, sizeof table->profile, "%s", table->profile);
        return;
    }
    int64_t back = look == LOOK_BACK && *table->created ? clock_machine_ns(BACK_S * SECONDS_NS)
                                                        : ALL_S * SECONDS_NS;
    db_time((struct utc){now.ns - back}, created);
    snprintf(profile, sizeof table->profile, "00000000-0000-0000-0000-000000000000");
}

static PGresult *take_in(struct delivery_table *table, struct utc now, const char *created,
                         const char *profile)
{
    char at[DB_TIME_LEN + 1], limit[16], lock[16];
    db_time(now, at);
    snprintf(limit, sizeof limit, "%d", TAKE_IN_BATCH);
    snprintf(lock, sizeof lock, "%d", LOCK_OF_P3);
    // Two intakes at once would each queue another message of one meter. The lock must be had
    // before the statement looks, so it is a statement of its own.
    PGresult *locked = db_query(table->db, intake_lock, 1, (const char *[]){lock});
    bool mine = locked && *PQgetvalue(locked, 0, 0) == 't';
    PQclear(locked);
    if (!mine)
        return NULL;
    return db_query(table->db, take_in_sql, 5,
                    (const char *[]){at, created, profile, limit, table->routes});
}

static void log_taken_in(const PGresult *result)
{
    int64_t queued = db_get_integer(result, 0, 1), no_route = db_get_integer(result, 0, 5);
    if (queued)
        log_debug("p3.taken_in", F("queued", queued));
    if (no_route)
        log_warn("p3.no_route", F("messages", no_route),
                 F("why", "no route of these meters is served here; they wait until they expire"));
}

enum err delivery_table_take_in(struct delivery_table *table, enum delivery_look look,
                                struct utc now, bool *more)
{
    char created[sizeof table->created], profile[sizeof table->profile];
    position(table, look, now, created, profile);
    if (db_begin(table->db))
        return ERR_IO;
    PGresult *result = take_in(table, now, created, profile);
    if (!result || db_commit(table->db)) {
        PQclear(result);
        db_rollback(table->db);
        return ERR_IO;
    }
    *more = false;
    if (PQntuples(result)) {
        *more = db_get_integer(result, 0, 0) == TAKE_IN_BATCH;
        snprintf(table->created, sizeof table->created, "%s", PQgetvalue(result, 0, 2));
        snprintf(table->profile, sizeof table->profile, "%s", PQgetvalue(result, 0, 3));
        log_taken_in(result);
    } else if (!*table->created) {
        snprintf(table->created, sizeof table->created, "%s", created);
        snprintf(table->profile, sizeof table->profile, "%s", profile);
    }
    PQclear(result);
    return ERR_NONE;
}

// --- Receipts of gateways ---

// $1 now, $2 id after which to look, $3 at most.
// One that is under way keeps its state: how it ended is for its attempt to say, which finds
// the times set here. A receipt that came before the message was wanted is about another of
// the same text. Where a meter shows a later message, an earlier one that was not applied by
// then never will be.
static const char confirm_sql[] =
    "with told as materialized ("
    " select id, meter, digest, state, arrived from field.receipt"
    " where id > $2::bigint order by id limit $3::int),"
    "facts as materialized ("
    " select d.profile, d.meter, d.queued_at, min(t.arrived) as seen_at,"
    "  min(t.arrived) filter (where t.state = 'applied') as applied_at,"
    "  bool_or(t.state = 'refused') as refused"
    " from told t join p3.delivery d on d.digest = t.digest and d.meter = t.meter"
    "  and d.state in ('queued', 'connecting', 'written', 'verified', 'seen')"
    " where t.arrived >= d.queued_at group by d.profile),"
    "ranked as materialized ("
    " select f.*, f.queued_at < max(f.queued_at) over (partition by f.meter) as passed from facts "
    "f),"
    "passed as ("
    " update p3.delivery d set state = 'superseded', cause = 'overwritten', ended_at = $1"
    " from facts f where d.meter = f.meter and d.queued_at < f.queued_at"
    "  and d.state in ('written', 'verified', 'seen') and d.profile not in (select profile from "
    "facts)"
    " returning d.profile),"
    "moved as ("
    " update p3.delivery d set"
    "  state = case when d.state = 'connecting' then d.state"
    "   when f.applied_at is not null then 'applied' when f.passed then 'superseded' else 'seen' "
    "end,"
    "  cause = case when f.applied_at is not null then '' when f.passed then 'overwritten'"
    "   when f.refused then 'gateway-refused' else '' end,"
    "  ended_at = case when f.passed and f.applied_at is null and d.state <> 'connecting'"
    "   then $1 else d.ended_at end,"
    "  seen_at = coalesce(d.seen_at, f.seen_at),"
    "  applied_at = coalesce(d.applied_at, f.applied_at),"
    "  written_at = coalesce(d.written_at, f.seen_at)"
    " from ranked f where d.profile = f.profile"
    "  and d.state in ('queued', 'connecting', 'written', 'verified', 'seen')"
    "  and (f.passed or d.seen_at is null or d.applied_at is null and (f.applied_at is not null"
    "       or f.refused and d.cause <> 'gateway-refused'))"
    " returning d.profile, d.meter, d.cause),"
    "logged as ("
    " insert into audit.event (at, program, kind, subject, data)"
    " select $1::timestamptz, 'socmod-p3', 'delivery.refused_by_gateway', profile::text,"
    "  jsonb_build_object('meter', meter) from moved where cause = 'gateway-refused'),"
    "rung as materialized (select pg_notify('p3_delivery', profile::text) from"
    " (select profile from moved union all select profile from passed) both_)"
    "select (select count(*) from told), (select max(id) from told), (select count(*) from rung)";

// The receipts that came while no process listened are those of messages not yet confirmed.
static const char first_receipt_sql[] =
    "select coalesce(min(r.id), (select max(id) + 1 from field.receipt), 1) - 1"
    " from p3.delivery d join field.receipt r on r.digest = d.digest and r.meter = d.meter"
    " where d.state in ('queued', 'connecting', 'written', 'verified', 'seen')"
    "  and d.not_after > $1::timestamptz";

static enum err find_first_receipt(struct delivery_table *table, struct utc now, int64_t *first)
{
    char since[DB_TIME_LEN + 1];
    db_time((struct utc){now.ns - ALL_S * SECONDS_NS}, since);
    PGresult *result = db_query(table->db, first_receipt_sql, 1, (const char *[]){since});
    if (result)
        *first = db_get_integer(result, 0, 0);
    PQclear(result);
    return result ? ERR_NONE : ERR_IO;
}

enum err delivery_table_confirm(struct delivery_table *table, enum delivery_look look,
                                struct utc now, bool *more)
{
    int64_t after = table->receipt;
    if (look == LOOK_ALL && find_first_receipt(table, now, &after))
        return ERR_IO;
    if (look == LOOK_BACK)
        after = after > BACK_RECEIPTS ? after - BACK_RECEIPTS : 0;
    char at[DB_TIME_LEN + 1], from[24], limit[16];
    db_time(now, at);
    snprintf(from, sizeof from, "%jd", (intmax_t)after);
    snprintf(limit, sizeof limit, "%d", CONFIRM_BATCH);
    PGresult *result = db_query(table->db, confirm_sql, 3, (const char *[]){at, from, limit});
    if (!result)
        return ERR_IO;
    *more = db_get_integer(result, 0, 0) == CONFIRM_BATCH;
    table->receipt = PQgetisnull(result, 0, 1) ? after : db_get_integer(result, 0, 1);
    PQclear(result);
    return ERR_NONE;
}

// --- What waited too long, and what was left behind ---

static const char expire_sql[] =
    "with late as materialized ("
    " select profile from p3.delivery where state = 'queued' and not_after <= $1::timestamptz"
    " limit 5000 for update skip locked),"
    "ended as ("
    " update p3.delivery d set"
    "  state = case when d.written_at is null then 'expired' else 'written' end,"
    "  ended_at = case when d.written_at is null then $1 end,"
    "  cause = case d.cause when '' then 'never-tried' else d.cause end"
    " from late where d.profile = late.profile"
    " returning d.profile, d.meter, d.cause, d.attempts, d.state),"
    "logged as ("
    " insert into audit.event (at, program, kind, subject, data)"
    " select $1, 'socmod-p3', 'delivery.expired', profile::text,"
    "  jsonb_build_object('meter', meter, 'cause', cause, 'attempts', attempts) from ended"
    "  where state = 'expired'),"
    "rung as materialized (select pg_notify('p3_delivery', profile::text) from ended)"
    "select count(*) from rung";

// $1 now, $2 our name, $3 ours as well?
static const char abandon_sql[] =
    "with lost as materialized ("
    " select d.profile, d.attempts, d.claimed_at,"
    "  case when d.applied_at is not null then 'applied' when d.seen_at is not null then 'seen'"
    "   when exists (select from p3.delivery w where w.meter = d.meter and w.state = 'queued')"
    "   then 'superseded' when d.not_after > $1::timestamptz then 'queued'"
    "   when d.written_at is not null then 'written' else 'expired' end"
    "   as state"
    " from p3.delivery d where d.state = 'connecting'"
    "  and (d.claimed_until < $1 or $3::boolean and d.claimed_by = $2)"
    " for update of d skip locked),"
    "freed as ("
    " update p3.delivery d set state = l.state, next_at = $1, claimed_by = null,"
    "  claimed_at = null, claimed_until = null,"
    "  cause = case l.state when 'superseded' then 'newer-profile' else 'abandoned' end,"
    "  ended_at = case when l.state in ('superseded', 'expired') then $1::timestamptz end"
    " from lost l where d.profile = l.profile"
    " returning d.profile, d.meter, d.state, d.attempts),"
    "tried as ("
    " insert into p3.attempt (profile, number, started, finished, result, cause, detail)"
    " select profile, attempts, claimed_at, $1, 'retry', 'abandoned',"
    "  'the process that tried it is gone' from lost),"
    "logged as ("
    " insert into audit.event (at, program, kind, subject, data)"
    " select $1, 'socmod-p3', 'delivery.expired', profile::text,"
    "  jsonb_build_object('meter', meter, 'cause', 'abandoned', 'attempts', attempts)"
    " from freed where state = 'expired'),"
    "rung as materialized (select pg_notify('p3_delivery', profile::text) from freed)"
    "select count(*) from rung";

enum err delivery_table_sweep(struct delivery_table *table, struct utc now, bool ours)
{
    char at[DB_TIME_LEN + 1];
    db_time(now, at);
    PGresult *expired = db_query(table->db, expire_sql, 1, (const char *[]){at});
    PGresult *lost = expired ? db_query(table->db, abandon_sql, 3,
                                        (const char *[]){at, table->name, ours ? "true" : "false"})
                             : NULL;
    int64_t expired_count = expired ? db_get_integer(expired, 0, 0) : 0;
    int64_t lost_count = lost ? db_get_integer(lost, 0, 0) : 0;
    if (expired_count)
        log_warn("p3.expired", F("messages", expired_count));
    if (lost_count)
        log_info("p3.taken_over", F("messages", lost_count),
                 F("why", "the process that tried them is gone"));
    PQclear(expired);
    PQclear(lost);
    return lost ? ERR_NONE : ERR_IO;
}

// --- Results ---

// $1 now, $2 our name, then arrays. What a receipt has told meanwhile is stronger than a
// time-out; a newer message of the meter takes the place of one that would wait again. After
// a write, what waits for the same meter keeps its distance. What expired within an attempt keeps
// the cause of the one before: why it was late, not that it was.
static const char settle_sql[] =
    "with given as materialized ("
    " select g.*, d.meter, d.claimed_at,"
    "  case when d.applied_at is not null and g.state <> 'refused' then 'applied'"
    "   when d.seen_at is not null and g.state <> 'refused' then 'seen'"
    "   when g.state in ('queued', 'expired', 'failed') and exists (select from p3.delivery w"
    "    where w.meter = d.meter and w.state = 'queued' and w.profile <> d.profile)"
    "   then 'superseded' else g.state end as becomes"
    " from unnest($3::uuid[], $4::int[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],"
    "  $9::text[], $10::timestamptz[], $11::text[], $12::timestamptz[])"
    "  as g(profile, number, result, cause, detail, finished, state, next_at, reach, rest_until)"
    " join p3.delivery d on d.profile = g.profile and d.attempts = g.number"
    "  and (d.state = 'connecting' and d.claimed_by = $2"
    "       or d.state = 'queued' and g.result in ('verified', 'written'))"
    " for update of d),"
    "settled as ("
    " update p3.delivery d set state = g.becomes, next_at = g.next_at,"
    "  cause = case when g.becomes = 'superseded' then 'newer-profile'"
    "   when g.becomes = 'expired' and g.cause = 'too-late' and d.cause <> '' then d.cause"
    "   else g.cause end,"
    "  claimed_by = null, claimed_at = null, claimed_until = null,"
    "  written_at = case when g.result in ('verified', 'written')"
    "   then coalesce(d.written_at, g.finished) else d.written_at end,"
    "  verified_at = case g.result when 'verified' then g.finished else d.verified_at end,"
    "  ended_at = case when g.becomes in ('superseded', 'expired', 'refused', 'failed')"
    "   then $1::timestamptz end"
    " from given g where d.profile = g.profile"
    " returning d.profile, d.meter, d.state, d.cause, d.attempts),"
    "held as ("
    " update p3.delivery w set cause = 'message-interval',"
    "  next_at = greatest(w.next_at, g.finished + make_interval(secs => m.message_interval_s))"
    " from given g join grid.meter m on m.number = g.meter"
    " cross join lateral (select q.profile from p3.delivery q"
    "  where q.meter = g.meter and q.state = 'queued' and q.profile <> g.profile limit 1) q"
    " where g.result in ('verified', 'written') and m.message_interval_s > 0"
    "  and w.profile = q.profile and w.state = 'queued' and w.priority > 0),"
    "missed as ("
    " insert into p3.reach as r (meter, failures, since, rest_until, cause)"
    " select g.meter, 1, g.finished, g.rest_until, g.cause from given g"
    " where g.reach = 'missed'"
    " on conflict (meter) do update set failures = r.failures + 1,"
    "  since = case r.failures when 0 then excluded.since else r.since end,"
    "  rest_until = excluded.rest_until, cause = excluded.cause"
    " returning r.meter, r.failures, r.since, r.cause),"
    "reached as ("
    " update p3.reach r set failures = 0 from given g join p3.reach o on o.meter = g.meter"
    " where g.reach in ('reached', 'mistrusted') and r.meter = g.meter and o.failures > 0"
    " returning r.meter, o.failures),"
    "tried as ("
    " insert into p3.attempt (profile, number, started, finished, result, cause, detail)"
    " select profile, number, coalesce(claimed_at, finished), finished, result, cause, detail"
    " from given),"
    "logged as ("
    " insert into audit.event (at, program, kind, subject, data)"
    " select $1, 'socmod-p3', 'delivery.' || state, profile::text,"
    "  jsonb_build_object('meter', meter, 'cause', cause, 'attempts', attempts)"
    " from settled where state in ('written', 'verified', 'expired', 'refused', 'failed')),"
    "silent as ("
    " insert into audit.event (at, program, kind, subject, data)"
    " select $1, 'socmod-p3', 'meter.unreachable', 'meter ' || meter,"
    "  jsonb_build_object('meter', meter, 'cause', cause, 'attempts', failures)"
    " from missed where failures = $13::int"
    " union all"
    " select $1, 'socmod-p3', 'meter.reached', 'meter ' || meter,"
    "  jsonb_build_object('meter', meter, 'attempts', failures)"
    " from reached where failures >= $13"
    " union all"
    " select $1, 'socmod-p3', 'meter.mistrusted', 'meter ' || meter,"
    "  jsonb_build_object('meter', meter, 'cause', cause, 'profile', profile)"
    " from given where reach = 'mistrusted'),"
    "rung as materialized (select pg_notify('p3_delivery', profile::text) from settled)"
    "select count(*) from rung";

static const char *const result_names[ROUTE_STATUSES] = {
    [ROUTE_VERIFIED] = "verified",
    [ROUTE_WRITTEN] = "written",
    [ROUTE_RETRY] = "retry",
    [ROUTE_REFUSED] = "refused",
};

enum err delivery_table_settle(struct delivery_table *table, const struct delivery_result *results,
                               size_t count, struct utc now)
{
    enum { ARRAYS = 10 };
    struct sql_array arrays[ARRAYS] = {0};
    for (const struct delivery_result *r = results; r < results + count; r++) {
        assert(outbox_may_go(OUTBOX_CONNECTING, r->verdict.state));
        sql_array_put(&arrays[0], r->profile);
        sql_array_put_integer(&arrays[1], r->attempt);
        sql_array_put(&arrays[2], result_names[r->answer.status]);
        sql_array_put(&arrays[3], r->answer.cause);
        sql_array_put(&arrays[4], r->answer.detail);
        sql_array_put_time(&arrays[5], r->finished);
        sql_array_put(&arrays[6], outbox_state_name(r->verdict.state));
        sql_array_put_time(&arrays[7],
                           r->verdict.state == OUTBOX_QUEUED ? r->verdict.next_at : r->finished);
        sql_array_put(&arrays[8], outbox_reach_name(r->verdict.reach));
        sql_array_put_time(&arrays[9], r->verdict.rest_until);
    }
    char silent[16];
    snprintf(silent, sizeof silent, "%d", OUTBOX_SILENT);
    char at[DB_TIME_LEN + 1];
    db_time(now, at);
    const char *params[3 + ARRAYS] = {at, table->name};
    for (int i = 0; i < ARRAYS; i++)
        params[2 + i] = sql_array_end(&arrays[i]);
    params[2 + ARRAYS] = silent;
    PGresult *result = db_query(table->db, settle_sql, 3 + ARRAYS, params);
    for (int i = 0; i < ARRAYS; i++)
        free(arrays[i].text);
    int64_t lost = result ? (int64_t)count - db_get_integer(result, 0, 0) : 0;
    if (lost)
        log_warn("p3.claim_lost", F("messages", lost),
                 F("why", "another process took over, or a receipt came first"));
    PQclear(result);
    return result ? ERR_NONE : ERR_IO;
}
