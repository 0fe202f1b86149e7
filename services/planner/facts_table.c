// SPDX-License-Identifier: Apache-2.0

#include "services/planner/facts_table.h"
#include "base/log.h"
#include "base/memory.h"
#include "services/planner/demand.h"
#include "services/planner/forecast.h"
#include "services/planner/hand_table.h"
#include "services/planner/sql_list.h"
#include "wire/long_message.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A profile older than this has ended, and its message interval too: the longest that the
// settings allow is less than half of it.
enum { PROFILES_S = 24 * 3600 };

static const double TIGHT = 0.6; // of a limit: below it nobody is cut in the next quarter

#define TRANSFORMERS                                                                               \
    "select number, id, limit_w[1], limit_w[2], limit_w[3] from grid.transformer"                  \
    " where number = any($1::int[]) order by number"

#define FEEDERS                                                                                    \
    "select transformer, number, id, limit_w[1], limit_w[2], limit_w[3] from grid.feeder"          \
    " where transformer = any($1::int[]) order by transformer, number"

#define CONNECTIONS                                                                                \
    "select f.transformer, c.number, c.feeder, c.phases, c.contract_w, c.floor_w, c.weight,"       \
    " m.number, m.message_interval_s, sum(g.max_a), m.equipment_id"                                \
    " from grid.feeder f join grid.connection c on c.feeder = f.number"                            \
    " join grid.meter m on m.connection = c.number"                                                \
    " join grid.charger g on g.connection = c.number"                                              \
    " where f.transformer = any($1::int[])"                                                        \
    " group by f.transformer, c.number, m.number order by f.transformer, c.number"

// Quarters of feeders and loads of meters: of the last one or two at once, and older ones only of
// those that need them.
#define QUARTERS                                                                                   \
    "select feeder, extract(epoch from quarter)::bigint, p_l1_w, p_l2_w, p_l3_w, revision,"        \
    " quality = 'good' from dali.quarter where feeder = any($1::int[])"                            \
    " and quarter >= to_timestamp($2) and quarter <= to_timestamp($3)"

#define LOADS                                                                                      \
    "select meter, extract(epoch from quarter)::bigint, p_l1_w, p_l2_w, p_l3_w, limit_w"           \
    " from field.load where meter = any($1::int[])"                                                \
    " and quarter >= to_timestamp($2) and quarter <= to_timestamp($3)"

// What was set by hand may hold longer than what was planned.
#define PROFILES                                                                                   \
    "select p.meter, p.id, p.text, coalesce(d.applied_at, d.seen_at, d.verified_at) is not null"   \
    " and not r.refused, d.ended_at is not null or p.not_after <= to_timestamp($3) or r.refused,"  \
    " extract(epoch from coalesce(d.written_at, d.verified_at, d.seen_at))::bigint,"               \
    " p.priority <= " HAND_PRIORITY " from ("                                                      \
    " select * from plan.profile where meter = any($1::int[]) and created > to_timestamp($2)"      \
    " union all select * from plan.profile where meter = any($1::int[])"                           \
    " and priority <= " HAND_PRIORITY " and valid_to > to_timestamp($3)"                           \
    " and created <= to_timestamp($2)) p left join p3.delivery d on d.profile = p.id,"             \
    " lateral (select d.state = 'refused' or d.cause = 'gateway-refused') r (refused)"             \
    " order by p.meter, p.created desc, p.id desc"

// Where something with a number of the grid stands in its array.
struct place {
    int number, at;
};

struct places {
    struct place *sorted;
    int count;
};

static int by_number(const void *a, const void *b)
{
    int left = ((const struct place *)a)->number, right = ((const struct place *)b)->number;
    return (left > right) - (left < right);
}

static int find(const struct places *places, int number)
{
    const struct place key = {.number = number};
    const struct place *found =
        bsearch(&key, places->sorted, (size_t)places->count, sizeof key, by_number);
    return found ? found->at : -1;
}

static void sort(struct places *places)
{
    qsort(places->sorted, (size_t)places->count, sizeof *places->sorted, by_number);
}

static int32_t power(const PGresult *rows, int row, int column)
{
    return PQgetisnull(rows, row, column) ? FACTS_UNKNOWN : sql_integer(rows, row, column);
}

// limit_w in three columns; false where there is none.
static bool take_limit(const PGresult *rows, int row, int column, int32_t limit_w[static PHASES])
{
    if (PQgetisnull(rows, row, column))
        return false;
    for (int phase = 0; phase < PHASES; phase++)
        limit_w[phase] = sql_integer(rows, row, column + phase);
    return true;
}

static PGresult *query_numbers(struct db *db, const char *sql, struct sql_list *numbers)
{
    const char *params[] = {sql_list_text(numbers)};
    PGresult *rows = db_query(db, sql, 1, params);
    sql_list_close(numbers);
    return rows;
}

static PGresult *query_jobs(struct db *db, const char *sql, const struct plan_batch *batch)
{
    struct sql_list numbers;
    sql_list_open(&numbers);
    for (int i = 0; i < batch->count; i++)
        sql_list_add_number(&numbers, batch->jobs[i].transformer);
    return query_numbers(db, sql, &numbers);
}

// The job of a transformer; rows come in the order of the jobs, so the search goes on from *at.
static struct plan_job *job_of(const struct plan_batch *batch, int transformer, int *at)
{
    while (*at < batch->count && batch->jobs[*at].transformer < transformer)
        ++*at;
    return *at < batch->count && batch->jobs[*at].transformer == transformer ? &batch->jobs[*at]
                                                                             : NULL;
}

static enum err read_transformers(struct db *db, struct plan_batch *batch)
{
    PGresult *rows = query_jobs(db, TRANSFORMERS, batch);
    if (!rows)
        return ERR_IO;
    for (int row = 0, at = 0; row < PQntuples(rows); row++) {
        struct plan_job *job = job_of(batch, sql_integer(rows, row, 0), &at);
        if (!job)
            continue;
        struct facts *facts = &job->facts;
        facts->number = job->transformer;
        facts->saw = job->sight;
        snprintf(facts->id, sizeof facts->id, "%s", PQgetvalue(rows, row, 1));
        facts->limited = take_limit(rows, row, 2, facts->limit_w);
    }
    PQclear(rows);
    return ERR_NONE;
}

static enum err read_feeders(struct db *db, struct plan_batch *batch, struct places *places)
{
    PGresult *rows = query_jobs(db, FEEDERS, batch);
    if (!rows)
        return ERR_IO;
    places->count = PQntuples(rows);
    places->sorted = memory_new((size_t)places->count + 1, sizeof *places->sorted);
    batch->feeders = memory_new((size_t)places->count + 1, sizeof *batch->feeders);
    for (int row = 0, at = 0; row < places->count; row++) {
        struct facts_feeder *feeder = &batch->feeders[row];
        feeder->number = sql_integer(rows, row, 1);
        snprintf(feeder->id, sizeof feeder->id, "%s", PQgetvalue(rows, row, 2));
        feeder->limited = take_limit(rows, row, 3, feeder->limit_w);
        for (int q = 0; q < FACTS_QUARTERS; q++)
            for (int phase = 0; phase < PHASES; phase++)
                feeder->measured_w[q][phase] = FACTS_UNKNOWN;
        places->sorted[row] = (struct place){feeder->number, row};
        struct plan_job *job = job_of(batch, sql_integer(rows, row, 0), &at);
        if (!job)
            continue;
        if (!job->facts.feeder_count++)
            job->facts.feeders = feeder;
    }
    sort(places);
    PQclear(rows);
    return ERR_NONE;
}

static void take_phases(struct facts_connection *connection, const char *phases)
{
    for (; *phases >= '1' && *phases <= '3' && connection->phase_count < PHASES; phases++)
        connection->grid_phase[connection->phase_count++] = (uint8_t)(*phases - '1');
}

static void take_connection(const PGresult *rows, int row, struct facts_connection *connection)
{
    *connection = (struct facts_connection){
        .number = sql_integer(rows, row, 1),
        .meter = sql_integer(rows, row, 7),
        .contract_w = sql_integer(rows, row, 4),
        .floor_w = sql_integer(rows, row, 5),
        .weight = strtod(PQgetvalue(rows, row, 6), NULL),
        .interval_s = sql_integer(rows, row, 8),
        .charger_w = (int32_t)fmin(strtod(PQgetvalue(rows, row, 9), NULL) * HORIZON_AMPERE_W, 1e9),
    };
    take_phases(connection, PQgetvalue(rows, row, 3));
    for (int q = 0; q < FACTS_QUARTERS; q++) {
        connection->loads[q].limit_w = FACTS_UNKNOWN;
        for (int own = 0; own < PHASES; own++)
            connection->loads[q].drawn_w[own] = FACTS_UNKNOWN;
    }
}

static enum err read_connections(struct db *db, struct plan_batch *batch,
                                 const struct places *feeders, struct places *meters)
{
    PGresult *rows = query_jobs(db, CONNECTIONS, batch);
    if (!rows)
        return ERR_IO;
    int count = PQntuples(rows);
    meters->sorted = memory_new((size_t)count + 1, sizeof *meters->sorted);
    batch->connections = memory_new((size_t)count + 1, sizeof *batch->connections);
    batch->sent = memory_new((size_t)count + 1, sizeof *batch->sent);
    for (int row = 0, at = 0; row < count; row++) {
        struct plan_job *job = job_of(batch, sql_integer(rows, row, 0), &at);
        int feeder = find(feeders, sql_integer(rows, row, 2));
        if (!job || feeder < 0)
            continue; // the grid changed between two statements; next time
        int index = meters->count;
        struct facts_connection *connection = &batch->connections[index];
        take_connection(rows, row, connection);
        connection->feeder = (int)(&batch->feeders[feeder] - job->facts.feeders);
        snprintf(batch->sent[index].equipment_id, sizeof batch->sent[index].equipment_id, "%s",
                 PQgetvalue(rows, row, 10));
        meters->sorted[meters->count++] = (struct place){connection->meter, index};
        if (!job->facts.connection_count++) {
            job->facts.connections = connection;
            job->sent = &batch->sent[index];
        }
    }
    sort(meters);
    PQclear(rows);
    return ERR_NONE;
}

static PGresult *query_span(struct db *db, const char *sql, struct sql_list *numbers, int64_t from,
                            int64_t to)
{
    struct sql_number first = {0}, last = {0};
    const char *params[] = {sql_list_text(numbers), sql_number(&first, from),
                            sql_number(&last, to)};
    PGresult *rows = db_query(db, sql, 3, params);
    sql_list_close(numbers);
    return rows;
}

// Which place in a list of quarters, [0] the one before `quarter`, a row belongs to; -1: none.
static int age_of(int64_t start, int64_t quarter)
{
    int64_t age = (quarter - start) / QUARTER_S - 1;
    return age >= 0 && age < FACTS_QUARTERS ? (int)age : -1;
}

static void take_quarters(const PGresult *rows, int64_t quarter, const struct places *places,
                          struct plan_batch *batch, bool *reported)
{
    for (int row = 0; row < PQntuples(rows); row++) {
        int feeder = find(places, sql_integer(rows, row, 0));
        int age = age_of(db_get_integer(rows, row, 1), quarter);
        if (feeder < 0 || age < 0)
            continue;
        if (age == 0)
            reported[feeder] = true;
        if (!sql_is_true(rows, row, 6))
            continue;
        for (int phase = 0; phase < PHASES; phase++)
            batch->feeders[feeder].measured_w[age][phase] = power(rows, row, 2 + phase);
        batch->feeders[feeder].revision[age] = sql_integer(rows, row, 5);
    }
}

static bool lacks_newest(const struct facts_feeder *feeder)
{
    for (int phase = 0; phase < PHASES; phase++)
        if (feeder->measured_w[0][phase] == FACTS_UNKNOWN)
            return true;
    return false;
}

// Did this process plan it when the quarter hour before was decided about? If not, what was
// measured meanwhile is still to be learnt.
static bool is_behind(const struct foresight *foresight, int64_t quarter)
{
    return foresight && foresight->looked < quarter - QUARTER_S;
}

// Of which feeders more than the last quarter is read.
static void find_older(const struct plan_batch *batch, int64_t quarter, bool *older)
{
    for (int i = 0; i < batch->count; i++) {
        const struct plan_job *job = &batch->jobs[i];
        for (int f = 0; f < job->facts.feeder_count; f++)
            older[&job->facts.feeders[f] - batch->feeders] =
                lacks_newest(&job->facts.feeders[f]) || is_behind(job->foresight, quarter);
    }
}

// The last quarter of all feeders, then older ones of those that lack something of it.
static enum err read_quarters(struct db *db, int64_t quarter, const struct places *places,
                              struct plan_batch *batch, bool *reported, bool *older)
{
    struct sql_list numbers;
    sql_list_open(&numbers);
    for (int i = 0; i < places->count; i++)
        sql_list_add_number(&numbers, places->sorted[i].number);
    PGresult *rows = query_span(db, QUARTERS, &numbers, quarter - QUARTER_S, quarter - QUARTER_S);
    if (!rows)
        return ERR_IO;
    take_quarters(rows, quarter, places, batch, reported);
    PQclear(rows);

    find_older(batch, quarter, older);
    sql_list_open(&numbers);
    for (int i = 0; i < places->count; i++)
        if (older[places->sorted[i].at])
            sql_list_add_number(&numbers, places->sorted[i].number);
    if (!numbers.count) {
        sql_list_close(&numbers);
        return ERR_NONE;
    }
    rows = query_span(db, QUARTERS, &numbers, quarter - FACTS_FRESH * QUARTER_S,
                      quarter - 2 * QUARTER_S);
    if (!rows)
        return ERR_IO;
    take_quarters(rows, quarter, places, batch, reported);
    PQclear(rows);
    return ERR_NONE;
}

static void take_loads(const PGresult *rows, int64_t quarter, const struct places *meters,
                       struct plan_batch *batch)
{
    for (int row = 0; row < PQntuples(rows); row++) {
        int at = find(meters, sql_integer(rows, row, 0));
        int age = age_of(db_get_integer(rows, row, 1), quarter);
        if (at < 0 || age < 0)
            continue;
        struct facts_load *load = &batch->connections[at].loads[age];
        for (int own = 0; own < PHASES; own++)
            load->drawn_w[own] = power(rows, row, 2 + own);
        load->limit_w = power(rows, row, 5);
    }
}

static bool has_load(const struct facts_connection *connection, int age)
{
    for (int own = 0; own < connection->phase_count; own++)
        if (connection->loads[age].drawn_w[own] != FACTS_UNKNOWN)
            return true;
    return false;
}

// Is a phase so full that shares may have to be cut?
static bool is_tight(const struct facts *facts, const struct facts_feeder *feeder)
{
    for (int phase = 0; phase < PHASES; phase++) {
        int64_t sum_w = 0;
        for (int f = 0; f < facts->feeder_count; f++)
            if (facts->feeders[f].measured_w[0][phase] != FACTS_UNKNOWN)
                sum_w += facts->feeders[f].measured_w[0][phase];
        if ((feeder->limited && feeder->measured_w[0][phase] > TIGHT * feeder->limit_w[phase])
            || (facts->limited && (double)sum_w > TIGHT * facts->limit_w[phase]))
            return true;
    }
    return false;
}

static bool draws(const struct facts_connection *connection, int at)
{
    return connection->loads[at].drawn_w[0] > 0 || connection->loads[at].drawn_w[1] > 0
           || connection->loads[at].drawn_w[2] > 0;
}

static bool is_paused(const struct facts_connection *connection, int at)
{
    int32_t limit_w = connection->loads[at].limit_w;
    return limit_w != FACTS_UNKNOWN && limit_w < HORIZON_LEAST_W * connection->phase_count;
}

// Does the base load of its feeder, its own demand, or what it counts in a share rest on quarters
// before the last two?
static bool needs_older(const struct facts *facts, const struct facts_connection *connection,
                        bool older)
{
    const struct facts_feeder *feeder = &facts->feeders[connection->feeder];
    return older
           || ((draws(connection, 1) || is_paused(connection, 0) || is_paused(connection, 1))
               && is_tight(facts, feeder))
           || (!has_load(connection, 0) && !has_load(connection, 1));
}

// Is all that is known of it a pause, to the oldest?
static bool is_long_paused(const struct facts_connection *connection)
{
    if (!demand_is_pause(&connection->loads[FACTS_QUARTERS - 1], connection->phase_count))
        return false;
    for (int at = 0; at < FACTS_QUARTERS - 1; at++)
        if (has_load(connection, at)
            && !demand_is_pause(&connection->loads[at], connection->phase_count))
            return false;
    return true;
}

// What the older loads of connections say, newest first, of how long they had been paused before.
static void take_pauses(const PGresult *rows, int64_t first, const struct places *meters,
                        struct plan_batch *batch)
{
    int last = -1;
    bool on = false;
    for (int row = 0; row < PQntuples(rows); row++) {
        int at = find(meters, sql_integer(rows, row, 0));
        if (at < 0)
            continue;
        struct facts_connection *connection = &batch->connections[at];
        struct facts_load load = {{power(rows, row, 2), power(rows, row, 3), power(rows, row, 4)},
                                  power(rows, row, 5)};
        on = (on || at != last) && demand_is_pause(&load, connection->phase_count);
        last = at;
        if (on)
            connection->paused_before = (int)((first - db_get_integer(rows, row, 1)) / QUARTER_S);
    }
}

// Who has been paused for as long as is known gets its turn by how long it was.
static enum err read_pauses(struct db *db, int64_t quarter, const struct places *meters,
                            struct plan_batch *batch)
{
    struct sql_list numbers;
    sql_list_open(&numbers);
    for (int i = 0; i < batch->count; i++)
        for (int c = 0; c < batch->jobs[i].facts.connection_count; c++) {
            const struct facts_connection *connection = &batch->jobs[i].facts.connections[c];
            if (is_long_paused(connection))
                sql_list_add_number(&numbers, connection->meter);
        }
    if (!numbers.count) {
        sql_list_close(&numbers);
        return ERR_NONE;
    }
    int64_t first = quarter - FACTS_QUARTERS * QUARTER_S;
    PGresult *rows = query_span(db, LOADS " order by meter, quarter desc", &numbers,
                                first - FACTS_PAUSED * QUARTER_S, first - QUARTER_S);
    if (!rows)
        return ERR_IO;
    take_pauses(rows, first, meters, batch);
    PQclear(rows);
    return ERR_NONE;
}

static enum err read_loads(struct db *db, int64_t quarter, const struct places *meters,
                           struct plan_batch *batch, const bool *older)
{
    struct sql_list numbers;
    sql_list_open(&numbers);
    for (int i = 0; i < meters->count; i++)
        sql_list_add_number(&numbers, meters->sorted[i].number);
    PGresult *rows = query_span(db, LOADS, &numbers, quarter - 2 * QUARTER_S, quarter - QUARTER_S);
    if (!rows)
        return ERR_IO;
    take_loads(rows, quarter, meters, batch);
    PQclear(rows);

    sql_list_open(&numbers);
    for (int i = 0; i < batch->count; i++)
        for (int c = 0; c < batch->jobs[i].facts.connection_count; c++) {
            const struct facts *facts = &batch->jobs[i].facts;
            const struct facts_connection *connection = &facts->connections[c];
            const struct facts_feeder *feeder = &facts->feeders[connection->feeder];
            if (needs_older(facts, connection, older[feeder - batch->feeders]))
                sql_list_add_number(&numbers, connection->meter);
        }
    if (!numbers.count) {
        sql_list_close(&numbers);
        return ERR_NONE;
    }
    rows = query_span(db, LOADS, &numbers, quarter - FACTS_QUARTERS * QUARTER_S,
                      quarter - 3 * QUARTER_S);
    if (!rows)
        return ERR_IO;
    take_loads(rows, quarter, meters, batch);
    PQclear(rows);
    return read_pauses(db, quarter, meters, batch);
}

// Read back a message of our own.
static bool take_plan(const char *text, struct horizon_plan *plan, const char *id)
{
    struct long_message *message = memory_new(1, sizeof *message);
    long_message_read(text, strlen(text), LONG_MESSAGE_W, message);
    bool fine =
        message->kind == LONG_MESSAGE_PROFILE && horizon_of_profile(&message->profile, plan);
    if (!fine)
        log_warn("plan.unreadable", F("profile", id), F("why", message->reason));
    free(message);
    return fine;
}

// The number of the seal of a message of ours; 0: it has none.
static int64_t sequence_of(const char *text)
{
    static const char name[] = "\"Seq\":";
    const char *at = strstr(text, name);
    return at ? strtoll(at + strlen(name), NULL, 10) : 0;
}

// Newest first: the first that the meter is known to hold counts; one before it that may still
// arrive is on its way.
static void take_profile(const PGresult *rows, int row, struct facts_connection *connection,
                         struct plan_sent *sent)
{
    int64_t seq = sequence_of(PQgetvalue(rows, row, 2));
    if (seq > sent->seq)
        sent->seq = seq;
    int64_t written = sql_time(rows, row, 5);
    if (written > connection->written)
        connection->written = written;
    bool held = sql_is_true(rows, row, 3), ended = sql_is_true(rows, row, 4);
    if (connection->told || (!held && (ended || connection->coming)))
        return;
    struct id id;
    const char *id_text = PQgetvalue(rows, row, 1);
    struct horizon_plan *plan = held ? &sent->told : &sent->coming;
    if (id_parse(id_text, strlen(id_text), &id)
        || !take_plan(PQgetvalue(rows, row, 2), plan, id_text))
        return;
    *(held ? &connection->told_by_hand : &connection->coming_by_hand) = sql_is_true(rows, row, 6);
    *(held ? &sent->told_id : &sent->coming_id) = id;
    *(held ? &connection->told : &connection->coming) = plan;
}

static enum err read_profiles(struct db *db, int64_t now, const struct places *meters,
                              struct plan_batch *batch)
{
    struct sql_list numbers;
    sql_list_open(&numbers);
    for (int i = 0; i < meters->count; i++)
        sql_list_add_number(&numbers, meters->sorted[i].number);
    PGresult *rows = query_span(db, PROFILES, &numbers, now - PROFILES_S, now);
    if (!rows)
        return ERR_IO;
    for (int row = 0; row < PQntuples(rows); row++) {
        int at = find(meters, sql_integer(rows, row, 0));
        if (at >= 0)
            take_profile(rows, row, &batch->connections[at], &batch->sent[at]);
    }
    PQclear(rows);
    return ERR_NONE;
}

// FNV-1a, over numbers.
static uint64_t mix(uint64_t hash, int64_t number)
{
    for (int i = 0; i < 8; i++)
        hash = (hash ^ ((uint64_t)number >> 8 * i & 0xff)) * 0x100000001b3;
    return hash;
}

// What this round would know: the newest quarter used, and a fingerprint of all that are.
static void know(struct plan_job *job, int64_t quarter)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (int f = 0; f < job->facts.feeder_count; f++) {
        const struct facts_feeder *feeder = &job->facts.feeders[f];
        for (int phase = 0; phase < PHASES; phase++) {
            int age = forecast_newest(feeder, phase);
            if (age < 0)
                continue;
            int64_t start = quarter - (int64_t)QUARTER_S * (age + 1);
            if (start > job->known_basis)
                job->known_basis = start;
            hash = mix(mix(mix(mix(hash, feeder->number), phase), start), feeder->revision[age]);
        }
    }
    job->known_revision = (int64_t)(mix(hash, job->hands) >> 1);
}

static void find_complete(struct plan_job *job, const struct plan_batch *batch,
                          const bool *reported)
{
    job->complete = true;
    for (int f = 0; f < job->facts.feeder_count; f++)
        if (!reported[&job->facts.feeders[f] - batch->feeders])
            job->complete = false;
    for (int c = 0; c < job->facts.connection_count; c++) {
        const struct facts_connection *connection = &job->facts.connections[c];
        if (has_load(connection, 1) && !has_load(connection, 0))
            job->complete = false;
    }
}

enum err facts_table_read(struct db *db, int64_t quarter, int64_t now, struct plan_batch *batch)
{
    struct places feeders = {0}, meters = {0};
    bool *reported = NULL, *older = NULL;
    enum err err = read_transformers(db, batch);
    if (!err)
        err = read_feeders(db, batch, &feeders);
    if (!err) {
        reported = memory_new((size_t)feeders.count + 1, sizeof *reported);
        older = memory_new((size_t)feeders.count + 1, sizeof *older);
        err = read_connections(db, batch, &feeders, &meters);
    }
    if (!err)
        err = read_quarters(db, quarter, &feeders, batch, reported, older);
    if (!err)
        err = read_loads(db, quarter, &meters, batch, older);
    if (!err)
        err = read_profiles(db, now, &meters, batch);
    if (!err)
        err = hand_table_read(db, now, batch);
    for (int i = 0; !err && i < batch->count; i++) {
        know(&batch->jobs[i], quarter);
        find_complete(&batch->jobs[i], batch, reported);
    }
    free(feeders.sorted);
    free(meters.sorted);
    free(reported);
    free(older);
    if (err)
        plan_batch_clear(batch);
    return err;
}
