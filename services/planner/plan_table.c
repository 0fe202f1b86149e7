// SPDX-License-Identifier: Apache-2.0

#include "services/planner/plan_table.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/rfc3339.h"
#include "services/planner/forecast.h"
#include "wire/long_message.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A profile older than this has ended, and its message interval too: the longest that the
// settings allow is less than half of it.
enum { PROFILES_S = 24 * 3600 };

#define ADD_TURNS                                                                                  \
    "insert into plan.turn (transformer) select number from grid.transformer"                      \
    " on conflict do nothing"

#define TURN                                                                                       \
    "select t.transformer, extract(epoch from t.quarter)::bigint,"                                 \
    " extract(epoch from t.basis)::bigint, t.revision, t.blind from plan.turn t"

#define CLAIM_NAMED                                                                                \
    TURN " where t.transformer = any($1::int[]) order by t.transformer for update skip locked"

#define CLAIM_ALL                                                                                  \
    TURN " where t.transformer > $1::int order by t.transformer limit $2::int"                     \
         " for update skip locked"

#define CLAIM_DUE                                                                                  \
    TURN " where t.transformer > $1::int and (t.quarter is null or t.quarter < to_timestamp($3))"  \
         " and ($4::boolean or not exists (select from grid.feeder f where"                        \
         " f.transformer = t.transformer and not exists (select from dali.quarter d where"         \
         " d.feeder = f.number and d.quarter = to_timestamp($3) - interval '15 minutes')))"        \
         " order by t.transformer limit $2::int for update of t skip locked"

#define TRANSFORMERS                                                                               \
    "select number, id, limit_w[1], limit_w[2], limit_w[3] from grid.transformer"                  \
    " where number = any($1::int[]) order by number"

#define FEEDERS                                                                                    \
    "select transformer, number, id, limit_w[1], limit_w[2], limit_w[3] from grid.feeder"          \
    " where transformer = any($1::int[]) order by transformer, number"

#define CONNECTIONS                                                                                \
    "select f.transformer, c.number, c.feeder, c.phases, c.contract_w, c.floor_w, c.weight,"       \
    " m.number, m.message_interval_s, sum(g.max_a)"                                                \
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

#define PROFILES                                                                                   \
    "select p.meter, p.id, p.text, coalesce(d.applied_at, d.seen_at, d.verified_at) is not null"   \
    " and d.state <> 'refused', d.ended_at is not null or p.not_after <= to_timestamp($3),"        \
    " extract(epoch from coalesce(d.written_at, d.verified_at, d.seen_at))::bigint"                \
    " from plan.profile p left join p3.delivery d on d.profile = p.id"                             \
    " where p.meter = any($1::int[]) and p.created > to_timestamp($2)"                             \
    " order by p.meter, p.created desc, p.id desc"

#define ADD_ROUNDS                                                                                 \
    "insert into plan.round (id, transformer, quarter, basis, revision, congested, blind,"         \
    " started, finished, planner)"                                                                 \
    " select r.*, $8::timestamptz, $9::timestamptz, $10 from unnest($1::uuid[], $2::int[],"        \
    " $3::timestamptz[], $4::timestamptz[], $5::bigint[], $6::boolean[], $7::boolean[]) r"         \
    " on conflict do nothing returning transformer"

#define MOVE_TURNS                                                                                 \
    "update plan.turn t set quarter = r.quarter, basis = r.basis, revision = r.revision,"          \
    " blind = r.blind, rounds = t.rounds + 1"                                                      \
    " from unnest($1::int[], $2::timestamptz[], $3::timestamptz[], $4::bigint[], $5::boolean[])"   \
    " r (transformer, quarter, basis, revision, blind) where t.transformer = r.transformer"

#define ADD_EVENTS                                                                                 \
    "insert into audit.event (at, program, kind, subject, data)"                                   \
    " select $1::timestamptz, 'socmod-planner', e.kind, 'transformer ' || e.id,"                   \
    " jsonb_build_object('round', e.round) from unnest($2::text[], $3::text[], $4::text[])"        \
    " e (kind, id, round)"

#define RING                                                                                       \
    "select pg_notify('plan_round', r) from unnest($1::text[]) r union all"                        \
    " select pg_notify('plan_profile', $2) where $2 <> '0'"

enum err plan_table_add_turns(struct db *db)
{
    return db_do(db, ADD_TURNS, 0, NULL);
}

// A list in the server's notation, "{1,2,3}", written as it grows. Stays where it was opened.
struct list {
    FILE *out;
    char *text;
    size_t len;
    int count;
};

static void list_open(struct list *list)
{
    *list = (struct list){0};
    list->out = open_memstream(&list->text, &list->len);
    assert(list->out);
    fputc('{', list->out);
}

static void list_add(struct list *list, const char *item)
{
    if (list->count++)
        fputc(',', list->out);
    fputs(item ? item : "NULL", list->out);
}

static void list_add_number(struct list *list, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%jd", (intmax_t)number);
    list_add(list, text);
}

static void list_add_time(struct list *list, int64_t utc)
{
    char text[RFC3339_LEN + 1];
    if (utc >= 0)
        rfc3339_format(utc, text);
    list_add(list, utc >= 0 ? text : NULL);
}

// The whole, borrowed until list_close().
static const char *list_text(struct list *list)
{
    fputc('}', list->out);
    fflush(list->out);
    return list->text;
}

static void list_close(struct list *list)
{
    fclose(list->out);
    free(list->text);
}

struct number_text {
    char text[24];
};

static const char *in_text(struct number_text *place, int64_t number)
{
    snprintf(place->text, sizeof place->text, "%jd", (intmax_t)number);
    return place->text;
}

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

static int integer(const PGresult *rows, int row, int column)
{
    return (int)db_get_integer(rows, row, column);
}

static bool is_true(const PGresult *rows, int row, int column)
{
    return *PQgetvalue(rows, row, column) == 't';
}

static int32_t power(const PGresult *rows, int row, int column)
{
    return PQgetisnull(rows, row, column) ? FACTS_UNKNOWN : integer(rows, row, column);
}

static int64_t time_or_none(const PGresult *rows, int row, int column)
{
    return PQgetisnull(rows, row, column) ? -1 : db_get_integer(rows, row, column);
}

// limit_w in three columns; false where there is none.
static bool take_limit(const PGresult *rows, int row, int column, int32_t limit_w[static PHASES])
{
    if (PQgetisnull(rows, row, column))
        return false;
    for (int phase = 0; phase < PHASES; phase++)
        limit_w[phase] = integer(rows, row, column + phase);
    return true;
}

static PGresult *query_numbers(struct db *db, const char *sql, struct list *numbers)
{
    const char *params[] = {list_text(numbers)};
    PGresult *rows = db_query(db, sql, 1, params);
    list_close(numbers);
    return rows;
}

static PGresult *claim_turns(struct db *db, const struct plan_claim *claim, int64_t quarter)
{
    if (claim->named) {
        struct list numbers;
        list_open(&numbers);
        for (int i = 0; i < claim->named_count; i++)
            list_add_number(&numbers, claim->named[i]);
        return query_numbers(db, CLAIM_NAMED, &numbers);
    }
    struct number_text after, limit, at;
    const char *params[] = {in_text(&after, claim->after), in_text(&limit, claim->limit),
                            in_text(&at, quarter), claim->incomplete ? "true" : "false"};
    return claim->only_due ? db_query(db, CLAIM_DUE, 4, params)
                           : db_query(db, CLAIM_ALL, 2, params);
}

static enum err read_turns(struct db *db, const struct plan_claim *claim, int64_t quarter,
                           struct plan_batch *batch)
{
    PGresult *rows = claim_turns(db, claim, quarter);
    if (!rows)
        return ERR_IO;
    batch->count = PQntuples(rows);
    batch->jobs = memory_new((size_t)batch->count + 1, sizeof *batch->jobs);
    for (int i = 0; i < batch->count; i++)
        batch->jobs[i] = (struct plan_job){
            .transformer = integer(rows, i, 0),
            .quarter = time_or_none(rows, i, 1),
            .basis = time_or_none(rows, i, 2),
            .revision = db_get_integer(rows, i, 3),
            .blind = is_true(rows, i, 4),
            .known_basis = -1,
        };
    PQclear(rows);
    return ERR_NONE;
}

static PGresult *query_jobs(struct db *db, const char *sql, const struct plan_batch *batch)
{
    struct list numbers;
    list_open(&numbers);
    for (int i = 0; i < batch->count; i++)
        list_add_number(&numbers, batch->jobs[i].transformer);
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
        struct plan_job *job = job_of(batch, integer(rows, row, 0), &at);
        if (!job)
            continue;
        struct facts *facts = &job->facts;
        facts->number = job->transformer;
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
        feeder->number = integer(rows, row, 1);
        snprintf(feeder->id, sizeof feeder->id, "%s", PQgetvalue(rows, row, 2));
        feeder->limited = take_limit(rows, row, 3, feeder->limit_w);
        for (int q = 0; q < FACTS_QUARTERS; q++)
            for (int phase = 0; phase < PHASES; phase++)
                feeder->measured_w[q][phase] = FACTS_UNKNOWN;
        places->sorted[row] = (struct place){feeder->number, row};
        struct plan_job *job = job_of(batch, integer(rows, row, 0), &at);
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
        .number = integer(rows, row, 1),
        .meter = integer(rows, row, 7),
        .contract_w = integer(rows, row, 4),
        .floor_w = integer(rows, row, 5),
        .weight = strtod(PQgetvalue(rows, row, 6), NULL),
        .interval_s = integer(rows, row, 8),
        .charger_w = (int32_t)(strtod(PQgetvalue(rows, row, 9), NULL) * HORIZON_AMPERE_W),
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
        struct plan_job *job = job_of(batch, integer(rows, row, 0), &at);
        int feeder = find(feeders, integer(rows, row, 2));
        if (!job || feeder < 0)
            continue; // the grid changed between two statements; next time
        int index = meters->count;
        struct facts_connection *connection = &batch->connections[index];
        take_connection(rows, row, connection);
        connection->feeder = (int)(&batch->feeders[feeder] - job->facts.feeders);
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

static PGresult *query_span(struct db *db, const char *sql, struct list *numbers, int64_t from,
                            int64_t to)
{
    struct number_text first, last;
    const char *params[] = {list_text(numbers), in_text(&first, from), in_text(&last, to)};
    PGresult *rows = db_query(db, sql, 3, params);
    list_close(numbers);
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
        int feeder = find(places, integer(rows, row, 0));
        int age = age_of(db_get_integer(rows, row, 1), quarter);
        if (feeder < 0 || age < 0)
            continue;
        if (age == 0)
            reported[feeder] = true;
        if (!is_true(rows, row, 6))
            continue;
        for (int phase = 0; phase < PHASES; phase++)
            batch->feeders[feeder].measured_w[age][phase] = power(rows, row, 2 + phase);
        batch->feeders[feeder].revision[age] = integer(rows, row, 5);
    }
}

static bool lacks_newest(const struct facts_feeder *feeder)
{
    for (int phase = 0; phase < PHASES; phase++)
        if (feeder->measured_w[0][phase] == FACTS_UNKNOWN)
            return true;
    return false;
}

// The last quarter of all feeders, then older ones of those that lack something of it.
static enum err read_quarters(struct db *db, int64_t quarter, const struct places *places,
                              struct plan_batch *batch, bool *reported)
{
    struct list numbers;
    list_open(&numbers);
    for (int i = 0; i < places->count; i++)
        list_add_number(&numbers, places->sorted[i].number);
    PGresult *rows = query_span(db, QUARTERS, &numbers, quarter - QUARTER_S, quarter - QUARTER_S);
    if (!rows)
        return ERR_IO;
    take_quarters(rows, quarter, places, batch, reported);
    PQclear(rows);

    list_open(&numbers);
    for (int i = 0; i < places->count; i++)
        if (lacks_newest(&batch->feeders[places->sorted[i].at]))
            list_add_number(&numbers, places->sorted[i].number);
    if (!numbers.count) {
        list_close(&numbers);
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
        int at = find(meters, integer(rows, row, 0));
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

// Does the base load of its feeder, or its own demand, rest on quarters before the last two?
static bool needs_older(const struct plan_job *job, const struct facts_connection *connection)
{
    return lacks_newest(&job->facts.feeders[connection->feeder])
           || (!has_load(connection, 0) && !has_load(connection, 1));
}

static enum err read_loads(struct db *db, int64_t quarter, const struct places *meters,
                           struct plan_batch *batch)
{
    struct list numbers;
    list_open(&numbers);
    for (int i = 0; i < meters->count; i++)
        list_add_number(&numbers, meters->sorted[i].number);
    PGresult *rows = query_span(db, LOADS, &numbers, quarter - 2 * QUARTER_S, quarter - QUARTER_S);
    if (!rows)
        return ERR_IO;
    take_loads(rows, quarter, meters, batch);
    PQclear(rows);

    list_open(&numbers);
    for (int i = 0; i < batch->count; i++)
        for (int c = 0; c < batch->jobs[i].facts.connection_count; c++) {
            const struct facts_connection *connection = &batch->jobs[i].facts.connections[c];
            if (needs_older(&batch->jobs[i], connection))
                list_add_number(&numbers, connection->meter);
        }
    if (!numbers.count) {
        list_close(&numbers);
        return ERR_NONE;
    }
    rows = query_span(db, LOADS, &numbers, quarter - FACTS_QUARTERS * QUARTER_S,
                      quarter - 3 * QUARTER_S);
    if (!rows)
        return ERR_IO;
    take_loads(rows, quarter, meters, batch);
    PQclear(rows);
    return ERR_NONE;
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

// Newest first: the first that the meter is known to hold counts; one before it that may still
// arrive is on its way.
static void take_profile(const PGresult *rows, int row, struct facts_connection *connection,
                         struct plan_sent *sent)
{
    int64_t written = time_or_none(rows, row, 5);
    if (written > connection->written)
        connection->written = written;
    bool held = is_true(rows, row, 3), ended = is_true(rows, row, 4);
    if (connection->told || (!held && (ended || connection->coming)))
        return;
    struct id id;
    const char *id_text = PQgetvalue(rows, row, 1);
    struct horizon_plan *plan = held ? &sent->told : &sent->coming;
    if (id_parse(id_text, strlen(id_text), &id)
        || !take_plan(PQgetvalue(rows, row, 2), plan, id_text))
        return;
    *(held ? &sent->told_id : &sent->coming_id) = id;
    *(held ? &connection->told : &connection->coming) = plan;
}

static enum err read_profiles(struct db *db, int64_t now, const struct places *meters,
                              struct plan_batch *batch)
{
    struct list numbers;
    list_open(&numbers);
    for (int i = 0; i < meters->count; i++)
        list_add_number(&numbers, meters->sorted[i].number);
    PGresult *rows = query_span(db, PROFILES, &numbers, now - PROFILES_S, now);
    if (!rows)
        return ERR_IO;
    for (int row = 0; row < PQntuples(rows); row++) {
        int at = find(meters, integer(rows, row, 0));
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
    job->known_revision = (int64_t)(hash >> 1);
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

enum err plan_table_read(struct db *db, const struct plan_claim *claim, int64_t quarter,
                         int64_t now, struct plan_batch *batch)
{
    *batch = (struct plan_batch){0};
    enum err err = read_turns(db, claim, quarter, batch);
    if (err || !batch->count)
        return err;
    struct places feeders = {0}, meters = {0};
    bool *reported = NULL;
    err = read_transformers(db, batch);
    if (!err)
        err = read_feeders(db, batch, &feeders);
    if (!err) {
        reported = memory_new((size_t)feeders.count + 1, sizeof *reported);
        err = read_connections(db, batch, &feeders, &meters);
    }
    if (!err)
        err = read_quarters(db, quarter, &feeders, batch, reported);
    if (!err)
        err = read_loads(db, quarter, &meters, batch);
    if (!err)
        err = read_profiles(db, now, &meters, batch);
    for (int i = 0; !err && i < batch->count; i++) {
        know(&batch->jobs[i], quarter);
        find_complete(&batch->jobs[i], batch, reported);
    }
    free(feeders.sorted);
    free(meters.sorted);
    free(reported);
    if (err)
        plan_batch_clear(batch);
    return err;
}

void plan_batch_clear(struct plan_batch *batch)
{
    for (int i = 0; i < batch->count; i++)
        round_free(batch->jobs[i].round);
    free(batch->jobs);
    free(batch->feeders);
    free(batch->connections);
    free(batch->sent);
    *batch = (struct plan_batch){0};
}

// The identifier of the round of a job; "" where it is not written.
struct round_id {
    char text[ID_TEXT_LEN + 1];
};

static enum err add_rounds(struct db *db, const struct plan_batch *batch, int64_t quarter,
                           struct utc started, struct utc finished, const char *planner,
                           struct round_id *ids)
{
    enum { COLUMNS = 7 };
    struct list lists[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        list_open(&lists[i]);
    for (int i = 0; i < batch->count; i++) {
        const struct plan_job *job = &batch->jobs[i];
        if (!job->round)
            continue;
        struct id id = id_new(started);
        id_format(&id, ids[i].text);
        list_add(&lists[0], ids[i].text);
        list_add_number(&lists[1], job->transformer);
        list_add_time(&lists[2], quarter);
        list_add_time(&lists[3], job->known_basis);
        list_add_number(&lists[4], job->known_revision);
        list_add(&lists[5], job->round->congested ? "true" : "false");
        list_add(&lists[6], job->round->blind ? "true" : "false");
    }
    char from[DB_TIME_LEN + 1], to[DB_TIME_LEN + 1];
    db_time(started, from);
    db_time(finished, to);
    const char *params[COLUMNS + 3];
    for (int i = 0; i < COLUMNS; i++)
        params[i] = list_text(&lists[i]);
    params[COLUMNS] = from;
    params[COLUMNS + 1] = to;
    params[COLUMNS + 2] = planner;
    PGresult *rows = db_query(db, ADD_ROUNDS, COLUMNS + 3, params);
    for (int i = 0; i < COLUMNS; i++)
        list_close(&lists[i]);
    if (!rows)
        return ERR_IO;
    bool *added = memory_new((size_t)batch->count, sizeof *added);
    for (int row = 0; row < PQntuples(rows); row++)
        for (int i = 0; i < batch->count; i++)
            if (batch->jobs[i].transformer == integer(rows, row, 0))
                added[i] = true;
    // Planned with the same knowledge before: that round stands.
    for (int i = 0; i < batch->count; i++)
        if (!added[i])
            ids[i].text[0] = '\0';
    free(added);
    PQclear(rows);
    return ERR_NONE;
}

static int32_t narrow(int64_t w)
{
    return (int32_t)(w > INT32_MAX ? INT32_MAX : w < -INT32_MAX ? -INT32_MAX : w);
}

static enum err add_line(struct db *db, const char *round, const char *feeder, int phase,
                         const struct round_line *line)
{
    char at[RFC3339_LEN + 1];
    struct number_text text[12];
    if (line->known)
        rfc3339_format(line->measured_at, at);
    bool bounded = line->limited && line->known;
    const char *fields[] = {
        round,
        feeder,
        in_text(&text[0], phase + 1),
        line->limited ? in_text(&text[1], line->limit_w) : NULL,
        line->known ? in_text(&text[2], line->measured_w) : NULL,
        line->known ? at : NULL,
        in_text(&text[3], line->controlled_w),
        in_text(&text[4], line->base_w),
        in_text(&text[5], line->margin_w),
        bounded ? in_text(&text[6], line->headroom_w) : NULL,
        in_text(&text[7], line->reserved_w),
        in_text(&text[8], narrow(line->demand_w)),
        in_text(&text[9], narrow(line->given_w)),
        in_text(&text[10], line->chargers),
    };
    return db_copy_row(db, (int)(sizeof fields / sizeof *fields), fields);
}

static enum err add_forecasts(struct db *db, const struct plan_batch *batch,
                              const struct round_id *ids)
{
    if (db_copy_start(db, "copy plan.forecast (round, feeder, phase, limit_w, measured_w,"
                          " measured_at, controlled_w, base_w, margin_w, headroom_w, reserved_w,"
                          " demand_w, given_w, chargers) from stdin"))
        return ERR_IO;
    for (int i = 0; i < batch->count; i++) {
        const struct facts *facts = &batch->jobs[i].facts;
        for (int place = 0; *ids[i].text && place <= facts->feeder_count; place++)
            for (int phase = 0; phase < PHASES; phase++) {
                struct number_text number;
                const char *feeder = place < facts->feeder_count
                                         ? in_text(&number, facts->feeders[place].number)
                                         : NULL;
                if (add_line(db, ids[i].text, feeder, phase,
                             &batch->jobs[i].round->lines[place * PHASES + phase]))
                    return ERR_IO;
            }
    }
    return db_copy_end(db);
}

// A message made of a profile; identified here, because its share names it.
struct letter {
    const struct plan_job *job;
    const struct round_share *share;
    const char *round;
    char id[ID_TEXT_LEN + 1];
};

static const char *kept_id(const struct plan_job *job, const struct round_share *share,
                           char text[static ID_TEXT_LEN + 1])
{
    const struct facts_connection *connection = &job->facts.connections[share->connection];
    const struct plan_sent *sent = &job->sent[share->connection];
    if (share->decision != ROUND_KEEP)
        return NULL;
    if (connection->coming && share->keeps_coming)
        id_format(&sent->coming_id, text);
    else if (connection->told)
        id_format(&sent->told_id, text);
    else
        return NULL;
    return text;
}

static enum err add_share(struct db *db, const struct plan_job *job, const char *round,
                          const struct round_share *share, const char *profile)
{
    struct number_text connection, demand, given;
    const char *fields[] = {
        round,
        in_text(&connection, job->facts.connections[share->connection].number),
        in_text(&demand, share->demand_w),
        in_text(&given, share->share_w),
        share->bound_by,
        round_decision_name(share->decision),
        share->reason,
        profile,
    };
    return db_copy_row(db, (int)(sizeof fields / sizeof *fields), fields);
}

// Write the shares, and name the letters that they call for.
static enum err add_shares(struct db *db, const struct plan_batch *batch,
                           const struct round_id *ids, struct utc now, struct letter *letters,
                           int *letter_count)
{
    if (db_copy_start(db, "copy plan.share (round, connection, demand_w, share_w, bound_by,"
                          " decision, reason, profile) from stdin"))
        return ERR_IO;
    for (int i = 0; i < batch->count; i++) {
        const struct plan_job *job = &batch->jobs[i];
        for (int s = 0; *ids[i].text && s < job->round->share_count; s++) {
            const struct round_share *share = &job->round->shares[s];
            char kept[ID_TEXT_LEN + 1];
            const char *profile = kept_id(job, share, kept);
            if (share->profile) {
                struct letter *letter = &letters[(*letter_count)++];
                struct id id = id_new(now);
                *letter = (struct letter){.job = job, .share = share, .round = ids[i].text};
                id_format(&id, letter->id);
                profile = letter->id;
            }
            if (add_share(db, job, ids[i].text, share, profile))
                return ERR_IO;
        }
    }
    return db_copy_end(db);
}

static enum err add_profile(struct db *db, const struct letter *letter, int64_t quarter,
                            int64_t hold_s, const char *created)
{
    const struct facts_connection *connection =
        &letter->job->facts.connections[letter->share->connection];
    char text[LONG_MESSAGE_MAX + 1], digest_text[DIGEST_TEXT_LEN + 1];
    char from[RFC3339_LEN + 1], to[RFC3339_LEN + 1], not_after[RFC3339_LEN + 1];
    struct profile *written = memory_new(1, sizeof *written);
    enum err err = long_message_write(letter->share->profile, LONG_MESSAGE_W, 0, text, written);
    assert(!err); // what horizon_profile() makes is valid and short
    struct digest digest = digest_of(text, strlen(text));
    digest_format(&digest, digest_text);
    rfc3339_format(written->valid_from, from);
    rfc3339_format(written->valid_to, to);
    int64_t useless = quarter + hold_s;
    rfc3339_format(useless < written->valid_to ? useless : written->valid_to, not_after);
    struct number_text connection_text, meter, limit, priority;
    const char *fields[] = {
        letter->id,
        letter->round,
        in_text(&connection_text, connection->number),
        in_text(&meter, connection->meter),
        from,
        to,
        in_text(&limit, written->periods[0].set.max_power_w),
        text,
        digest_text,
        in_text(&priority, letter->share->priority),
        not_after,
        created,
    };
    free(written);
    return db_copy_row(db, (int)(sizeof fields / sizeof *fields), fields);
}

static enum err add_profiles(struct db *db, const struct letter *letters, int count,
                             int64_t quarter, int64_t hold_s, struct utc now)
{
    char created[DB_TIME_LEN + 1];
    db_time(now, created);
    if (!count)
        return ERR_NONE;
    if (db_copy_start(db, "copy plan.profile (id, round, connection, meter, valid_from, valid_to,"
                          " limit_w, text, digest, priority, not_after, created) from stdin"))
        return ERR_IO;
    for (int i = 0; i < count; i++)
        if (add_profile(db, &letters[i], quarter, hold_s, created))
            return ERR_IO;
    return db_copy_end(db);
}

static enum err move_turns(struct db *db, const struct plan_batch *batch, int64_t quarter)
{
    enum { COLUMNS = 5 };
    struct list lists[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        list_open(&lists[i]);
    for (int i = 0; i < batch->count; i++) {
        const struct plan_job *job = &batch->jobs[i];
        if (!job->round)
            continue;
        list_add_number(&lists[0], job->transformer);
        list_add_time(&lists[1], quarter);
        list_add_time(&lists[2], job->known_basis);
        list_add_number(&lists[3], job->known_revision);
        list_add(&lists[4], job->round->blind ? "true" : "false");
    }
    const char *params[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        params[i] = list_text(&lists[i]);
    enum err err = db_do(db, MOVE_TURNS, COLUMNS, params);
    for (int i = 0; i < COLUMNS; i++)
        list_close(&lists[i]);
    return err;
}

// Tell when a transformer goes blind, and when it sees again.
static enum err add_events(struct db *db, const struct plan_batch *batch,
                           const struct round_id *ids, struct utc now)
{
    struct list kinds, names, rounds;
    list_open(&kinds);
    list_open(&names);
    list_open(&rounds);
    for (int i = 0; i < batch->count; i++) {
        const struct plan_job *job = &batch->jobs[i];
        if (!*ids[i].text || job->round->blind == job->blind)
            continue;
        list_add(&kinds, job->round->blind ? "plan.blind" : "plan.sees_again");
        list_add(&names, job->facts.id);
        list_add(&rounds, ids[i].text);
        if (job->round->blind)
            log_warn("plan.blind", F("transformer", job->facts.id));
        else
            log_info("plan.sees_again", F("transformer", job->facts.id));
    }
    char at[DB_TIME_LEN + 1];
    db_time(now, at);
    const char *params[] = {at, list_text(&kinds), list_text(&names), list_text(&rounds)};
    enum err err = kinds.count ? db_do(db, ADD_EVENTS, 4, params) : ERR_NONE;
    list_close(&kinds);
    list_close(&names);
    list_close(&rounds);
    return err;
}

static enum err ring(struct db *db, const struct plan_batch *batch, const struct round_id *ids,
                     int profiles)
{
    struct list rounds;
    list_open(&rounds);
    for (int i = 0; i < batch->count; i++)
        if (*ids[i].text)
            list_add(&rounds, ids[i].text);
    struct number_text count;
    const char *params[] = {list_text(&rounds), in_text(&count, profiles)};
    enum err err = db_do(db, RING, 2, params);
    list_close(&rounds);
    return err;
}

enum err plan_table_write(struct db *db, const struct plan_batch *batch, int64_t quarter,
                          int64_t hold_s, struct utc started, struct utc finished,
                          const char *planner, struct plan_counts *counts)
{
    struct round_id *ids = memory_new((size_t)batch->count + 1, sizeof *ids);
    int shares = 0, letter_count = 0;
    for (int i = 0; i < batch->count; i++)
        shares += batch->jobs[i].round ? batch->jobs[i].round->share_count : 0;
    struct letter *letters = memory_new((size_t)shares + 1, sizeof *letters);
    enum err err = add_rounds(db, batch, quarter, started, finished, planner, ids);
    if (!err)
        err = add_forecasts(db, batch, ids);
    if (!err)
        err = add_shares(db, batch, ids, finished, letters, &letter_count);
    if (!err)
        err = add_profiles(db, letters, letter_count, quarter, hold_s, finished);
    if (!err)
        err = move_turns(db, batch, quarter);
    if (!err)
        err = add_events(db, batch, ids, finished);
    if (!err)
        err = ring(db, batch, ids, letter_count);
    for (int i = 0; !err && i < batch->count; i++)
        if (*ids[i].text) {
            counts->rounds++;
            counts->feeders += batch->jobs[i].facts.feeder_count;
            counts->connections += batch->jobs[i].facts.connection_count;
        }
    if (!err)
        counts->profiles += letter_count;
    free(letters);
    free(ids);
    return err;
}

enum err plan_table_pass_over(struct db *db, int transformer, int64_t quarter, struct utc now,
                              const char *why)
{
    struct number_text number, start;
    char at[DB_TIME_LEN + 1];
    db_time(now, at);
    const char *params[] = {in_text(&number, transformer), in_text(&start, quarter), at, why};
    return db_do(db,
                 "with passed as (update plan.turn set quarter = to_timestamp($2)"
                 " where transformer = $1::int returning transformer)"
                 " insert into audit.event (at, program, kind, subject, data)"
                 " select $3::timestamptz, 'socmod-planner', 'plan.failed',"
                 " 'transformer ' || t.id, jsonb_build_object('reason', $4::text)"
                 " from passed join grid.transformer t on t.number = passed.transformer",
                 4, params);
}

enum err plan_table_is_done(struct db *db, int64_t quarter)
{
    struct number_text start;
    const char *params[] = {in_text(&start, quarter)};
    PGresult *rows = db_query(db,
                              "select exists (select from plan.turn"
                              " where quarter is null or quarter < to_timestamp($1))",
                              1, params);
    if (!rows)
        return ERR_IO;
    enum err err = is_true(rows, 0, 0) ? ERR_MORE : ERR_NONE;
    PQclear(rows);
    return err;
}
