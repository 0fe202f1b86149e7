// SPDX-License-Identifier: Apache-2.0

#include "services/p3/claim_table.h"
#include "base/memory.h"
#include "services/p3/outbox.h"
#include "services/p3/sql_array.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Beside those of delivery_table.c.
static const char claim_lock[] = "select pg_try_advisory_xact_lock(28723, 2)";

// Tokens left in a bucket: next_at is when the next one would come if all were evenly spaced.
#define TOKENS                                                                                     \
    "case when b.pace_s is not null then greatest(0, floor(b.burst - greatest(0,"                  \
    " extract(epoch from coalesce(p.next_at, $1) - $1)::float8) / b.pace_s + 1e-6)::int) end"

// $1 now, and bounds: scope, route, most, seconds between two, burst.
#define BOUNDS                                                                                     \
    "bound as materialized ("                                                                      \
    " select b.scope, b.route, nullif(b.most, 0) as most, nullif(b.pace_s, 0) as pace_s, b.burst"  \
    " from unnest($2::text[], $3::text[], $4::int[], $5::float8[], $6::float8[])"                  \
    "  as b(scope, route, most, pace_s, burst))"

// What may be claimed: rows of scope, name, priority, room. Of all and each route, where they
// are bounded; of each lane with each priority of what waits there; and the destinations that have
// no room. The lanes are found by steps in the index, not by reading what waits, which may be a
// million. $7 routes.
static const char room_sql[] =
    "with recursive waiting as ("
    " (select d.lane, d.priority from p3.delivery d where d.state = 'queued'"
    "  order by d.lane, d.priority limit 1)"
    " union all select n.lane, n.priority from waiting w cross join lateral ("
    "  select d.lane, d.priority from p3.delivery d where d.state = 'queued'"
    "   and (d.lane, d.priority) > (w.lane, w.priority) order by d.lane, d.priority limit 1) "
    "n)," BOUNDS ", lane as ("
    " select w.lane, w.priority, split_part(w.lane, '/', 1) as route"
    " from waiting w where split_part(w.lane, '/', 1) = any ($7::text[]))"
    " select b.scope, b.route, 0, least(b.most - u.count, " TOKENS ")"
    " from bound b left join p3.pace p"
    "  on b.pace_s is not null and p.place = case b.scope when 'all' then 'all' else b.route end"
    " cross join lateral (select count(*) from p3.delivery c where b.most is not null"
    "  and c.state = 'connecting' and (b.scope = 'all' or c.route = b.route)) u"
    " where b.scope in ('all', 'route') and (b.most is not null or b.pace_s is not null)"
    " union all select 'lane', l.lane, l.priority, least(b.most - u.count, " TOKENS ")"
    " from lane l left join bound b on b.scope = 'lane' and b.route = l.route"
    " left join p3.pace p on b.pace_s is not null and p.place = l.lane"
    " cross join lateral (select count(*) from p3.delivery c where b.most is not null"
    "  and c.state = 'connecting' and c.lane = l.lane) u"
    " union all select 'destination', c.destination, 0, 0"
    " from bound b join p3.delivery c on c.state = 'connecting'"
    "  and c.route = b.route and c.destination > ''"
    " where b.scope = 'destination' and b.most is not null"
    " group by c.destination, b.most having count(*) >= b.most"
    " union all select 'destination', substr(p.place, 2), 0, 0"
    " from bound b join p3.pace p on p.next_at > $1::timestamptz and p.place like '@%'"
    " where b.scope = 'destination' and b.pace_s is not null and " TOKENS " = 0";

// $1 and bounds as above; $7 until, $8 our name, $9 lanes, $10 priorities, $11 room there, $12
// destinations without room, $13 routes with bounds, $14 room there, $15 at most.
//
// A lane's index is read no further than it has room; `place` and its like then count what is
// really chosen, by lane, destination and route.
static const char take_sql[] =
    "with " BOUNDS ",due as materialized ("
    " select d.*, l.room, l.lane, split_part(l.lane, '/', 1) as route, l.priority,"
    "  row_number() over (partition by l.lane order by l.priority, d.valid_from) as place"
    " from unnest($9::text[], $10::int[], $11::int[]) as l(lane, priority, room)"
    " cross join lateral ("
    "  select d.profile, d.destination, d.valid_from from p3.delivery d"
    "  where d.lane = l.lane and d.priority = l.priority and d.state = 'queued'"
    "   and d.next_at <= $1::timestamptz and d.not_after > $1"
    "   and d.destination <> all ($12::text[])"
    "   and not exists (select from p3.delivery c"
    "                   where c.meter = d.meter and c.state = 'connecting')"
    "  order by d.valid_from, d.next_at limit l.room for update skip locked) d),"
    "host as materialized ("
    " select d.destination, least(b.most - u.count, " TOKENS ") as room"
    " from (select distinct route, destination from due where destination > '') d"
    " join bound b on b.scope = 'destination' and b.route = d.route"
    " left join p3.pace p on b.pace_s is not null and p.place = '@' || d.destination"
    " cross join lateral (select count(*) from p3.delivery c where b.most is not null"
    "  and c.state = 'connecting' and c.destination > '' and c.destination = d.destination) u),"
    "for_host as materialized ("
    " select d.*, row_number() over (partition by d.destination order by d.priority, d.valid_from)"
    "   as at_host from due d where d.place <= d.room),"
    "for_route as materialized ("
    " select d.*, row_number() over (partition by d.route order by d.priority, d.valid_from)"
    "   as on_route from for_host d left join host h on h.destination = d.destination"
    " where d.at_host <= coalesce(h.room, d.at_host)),"
    "chosen as materialized ("
    " select d.profile, d.priority, d.valid_from from for_route d"
    " left join unnest($13::text[], $14::int[]) as r(route, room) on r.route = d.route"
    " where d.on_route <= coalesce(r.room, d.on_route)"
    " order by d.priority, d.valid_from limit $15::int),"
    "taken as ("
    " update p3.delivery d set state = 'connecting', attempts = d.attempts + 1,"
    "  claimed_by = $8, claimed_at = $1, claimed_until = $7::timestamptz"
    " from chosen c where d.profile = c.profile"
    " returning d.profile, d.meter, d.attempts, d.lane, d.not_after, c.priority, c.valid_from)"
    "select t.profile, t.meter, t.attempts, t.lane, t.not_after, m.equipment_id, m.head_end,"
    " p.text, m.address, m.type, r.failures"
    " from taken t join plan.profile p on p.id = t.profile"
    " left join grid.meter m on m.number = t.meter left join p3.reach r on r.meter = t.meter"
    " order by t.priority, t.valid_from";

// $1 and bounds as above; $7 what was claimed.
static const char pace_sql[] =
    "with " BOUNDS "insert into p3.pace as p (place, next_at)"
    " select s.place, $1::timestamptz + make_interval(secs => s.count * s.pace_s) from ("
    "  select case b.scope when 'all' then 'all' when 'route' then c.route when 'lane' then c.lane"
    "   else '@' || c.destination end as place, b.pace_s, count(*)"
    "  from unnest($7::uuid[]) as t(profile) join p3.delivery c on c.profile = t.profile"
    "  join bound b on b.pace_s is not null and (b.scope = 'all' or b.route = c.route)"
    "   and (b.scope <> 'destination' or c.destination > '')"
    "  group by 1, 2) s order by s.place"
    " on conflict (place) do update"
    "  set next_at = greatest(p.next_at, $1) + (excluded.next_at - $1)";

static const char *const scope_names[CLAIM_SCOPES] = {
    [CLAIM_ALL] = "all",
    [CLAIM_ROUTE] = "route",
    [CLAIM_LANE] = "lane",
    [CLAIM_DESTINATION] = "destination",
};

static void copy(char *to, size_t size, const PGresult *result, int row, int column)
{
    snprintf(to, size, "%s", PQgetvalue(result, row, column));
}

static void read_claim(const PGresult *result, int row, struct claim *claim)
{
    struct errand *errand = &claim->errand;
    copy(errand->profile, sizeof errand->profile, result, row, 0);
    errand->meter = db_get_integer(result, row, 1);
    errand->attempt = (int)db_get_integer(result, row, 2);
    copy(claim->lane, sizeof claim->lane, result, row, 3);
    errand->not_after.ns = db_get_time(result, row, 4) * SECONDS_NS;
    copy(errand->equipment_id, sizeof errand->equipment_id, result, row, 5);
    copy(errand->head_end, sizeof errand->head_end, result, row, 6);
    copy(errand->address, sizeof errand->address, result, row, 8);
    copy(errand->type, sizeof errand->type, result, row, 9);
    errand->failures = (int)db_get_integer(result, row, 10);
    claim->fault = PQgetisnull(result, row, 5) ? "unknown-meter"
                                               : outbox_text_fault(PQgetvalue(result, row, 7));
    if (!claim->fault)
        copy(errand->text, sizeof errand->text, result, row, 7);
}

static void put_seconds(struct sql_array *array, double seconds)
{
    char text[32];
    snprintf(text, sizeof text, "%.9f", seconds);
    sql_array_put(array, text);
}

static void put_routes(struct sql_array *array, const struct claim_order *order)
{
    for (size_t i = 0; i < order->route_count; i++)
        sql_array_put(array, order->routes[i]);
    sql_array_end(array);
}

// What the statements of one claim share: now, the bounds, and room for the rest.
struct params {
    char now[DB_TIME_LEN + 1], until[DB_TIME_LEN + 1], most[16];
    struct sql_array bounds[5];
    struct sql_array lanes, priorities, rooms, full, routes, route_rooms, profiles;
    bool is_paced;
};

static void set_times(struct params *params, const struct claim_order *order)
{
    struct utc now = clock_utc();
    db_time(now, params->now);
    db_time((struct utc){now.ns + order->lease_ns}, params->until);
}

static void begin_params(struct params *params, const struct claim_order *order)
{
    double machine_s = (double)clock_machine_ns(SECONDS_NS) / 1e9;
    *params = (struct params){0};
    set_times(params, order);
    for (const struct claim_bound *bound = order->bounds;
         bound < order->bounds + order->bound_count; bound++) {
        sql_array_put(&params->bounds[0], scope_names[bound->scope]);
        sql_array_put(&params->bounds[1], bound->route);
        sql_array_put_integer(&params->bounds[2], bound->most);
        put_seconds(&params->bounds[3], bound->per_s ? machine_s / (double)bound->per_s : 0);
        put_seconds(&params->bounds[4], bound->per_s > 10 ? (double)bound->per_s / 10 : 1);
        params->is_paced |= bound->per_s > 0;
    }
    for (int i = 0; i < 5; i++)
        sql_array_end(&params->bounds[i]);
}

static void end_params(struct params *params)
{
    for (int i = 0; i < 5; i++)
        free(params->bounds[i].text);
    free(params->lanes.text);
    free(params->priorities.text);
    free(params->rooms.text);
    free(params->full.text);
    free(params->routes.text);
    free(params->route_rooms.text);
    free(params->profiles.text);
}

#define SHARED(params)                                                                             \
    (params)->now, (params)->bounds[0].text, (params)->bounds[1].text, (params)->bounds[2].text,   \
        (params)->bounds[3].text, (params)->bounds[4].text

static int64_t lower(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

// Share what may be claimed among the lanes. ERR_MORE: nothing may.
static enum err share_room(struct params *params, const PGresult *rooms, int most)
{
    int64_t all = most, lanes = 0;
    for (int row = 0; row < PQntuples(rooms); row++) {
        const char *scope = PQgetvalue(rooms, row, 0);
        if (!strcmp(scope, "all"))
            all = lower(all, db_get_integer(rooms, row, 3));
        lanes += !strcmp(scope, "lane");
    }
    if (!lanes || all <= 0)
        return ERR_MORE;
    for (int row = 0; row < PQntuples(rooms); row++) {
        const char *scope = PQgetvalue(rooms, row, 0), *name = PQgetvalue(rooms, row, 1);
        int64_t room = PQgetisnull(rooms, row, 3) ? INT64_MAX : db_get_integer(rooms, row, 3);
        if (!strcmp(scope, "route")) {
            sql_array_put(&params->routes, name);
            sql_array_put_integer(&params->route_rooms, room > 0 ? room : 0);
        } else if (!strcmp(scope, "destination")) {
            sql_array_put(&params->full, name);
        } else if (!strcmp(scope, "lane") && room > 0) {
            sql_array_put(&params->lanes, name);
            sql_array_put(&params->priorities, PQgetvalue(rooms, row, 2));
            sql_array_put_integer(&params->rooms, lower(room, (all + lanes - 1) / lanes));
        }
    }
    snprintf(params->most, sizeof params->most, "%d", (int)all);
    return params->lanes.len ? ERR_NONE : ERR_MORE;
}

// Keep the pace of what was claimed. False: the database failed.
static bool pace(struct db *db, struct params *params, const PGresult *claimed)
{
    if (!params->is_paced || !PQntuples(claimed))
        return true;
    for (int row = 0; row < PQntuples(claimed); row++)
        sql_array_put(&params->profiles, PQgetvalue(claimed, row, 0));
    return !db_do(db, pace_sql, 7,
                  (const char *[]){SHARED(params), sql_array_end(&params->profiles)});
}

// What is claimed, within a transaction that has the lock: owned; *none: there is no room.
static PGresult *take(struct db *db, const struct claim_order *order, bool *none)
{
    struct params params;
    PGresult *claimed = NULL;
    begin_params(&params, order);
    struct sql_array routes = {0};
    put_routes(&routes, order);
    PGresult *rooms = db_query(db, room_sql, 7, (const char *[]){SHARED(&params), routes.text});
    *none = rooms && share_room(&params, rooms, order->most) == ERR_MORE;
    // What had ended when room was counted ended before what is claimed now begins, also by the
    // times in the tables.
    set_times(&params, order);
    if (rooms && !*none)
        claimed =
            db_query(db, take_sql, 15,
                     (const char *[]){
                         SHARED(&params), params.until, order->name, sql_array_end(&params.lanes),
                         sql_array_end(&params.priorities), sql_array_end(&params.rooms),
                         sql_array_end(&params.full), sql_array_end(&params.routes),
                         sql_array_end(&params.route_rooms), params.most});
    if (claimed && !pace(db, &params, claimed)) {
        PQclear(claimed);
        claimed = NULL;
    }
    PQclear(rooms);
    free(routes.text);
    end_params(&params);
    return claimed;
}

enum err claim_table_take(struct db *db, const struct claim_order *order, struct claim **claims,
                          size_t *count)
{
    bool none = false;
    // The lock must be had before the statements look, so it is one of its own.
    if (db_begin(db))
        return ERR_IO;
    PGresult *locked = db_query(db, claim_lock, 0, NULL), *claimed = NULL;
    bool mine = locked && *PQgetvalue(locked, 0, 0) == 't', fine = locked;
    PQclear(locked);
    if (mine) {
        claimed = take(db, order, &none);
        fine = claimed || none;
    }
    if (!fine || db_commit(db)) {
        PQclear(claimed);
        db_rollback(db);
        return ERR_IO;
    }
    *count = claimed ? (size_t)PQntuples(claimed) : 0;
    *claims = memory_new(*count + 1, sizeof **claims);
    for (size_t i = 0; i < *count; i++)
        read_claim(claimed, (int)i, *claims + i);
    PQclear(claimed);
    return ERR_NONE;
}

// $1 routes, $2 now.
static const char next_due_sql[] =
    "select coalesce((select (extract(epoch from d.next_at) * 1000000000)::bigint"
    "  from p3.delivery d where d.state = 'queued' and d.next_at > $2::timestamptz"
    "   and d.route = any ($1::text[]) order by d.next_at limit 1), 0),"
    " exists (select from p3.delivery d where d.state = 'queued' and d.next_at <= $2"
    "  and d.route = any ($1) and d.not_after > $2)";

enum err claim_table_next_due(struct db *db, const struct claim_order *order, struct utc utc,
                              int64_t *next_ns, bool *due_now)
{
    char now[DB_TIME_LEN + 1];
    struct sql_array routes = {0};
    db_time(utc, now);
    put_routes(&routes, order);
    PGresult *result = db_query(db, next_due_sql, 2, (const char *[]){routes.text, now});
    if (result) {
        *next_ns = db_get_integer(result, 0, 0);
        *due_now = *PQgetvalue(result, 0, 1) == 't';
    }
    free(routes.text);
    PQclear(result);
    return result ? ERR_NONE : ERR_IO;
}

static const char overtaken_sql[] =
    "select c.profile from p3.delivery c where c.state = 'connecting' and c.claimed_by = $1"
    " and exists (select from p3.delivery q where q.meter = c.meter and q.state = 'queued'"
    "  and q.next_at <= $2::timestamptz)";

PGresult *claim_table_overtaken(struct db *db, const char *name, struct utc now)
{
    char at[DB_TIME_LEN + 1];
    db_time(now, at);
    return db_query(db, overtaken_sql, 2, (const char *[]){name, at});
}
