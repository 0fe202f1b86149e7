// SPDX-License-Identifier: Apache-2.0

#include "services/planner/plan_table.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/rfc3339.h"
#include "services/planner/facts_table.h"
#include "services/planner/news_table.h"
#include "services/planner/sql_list.h"
#include "wire/long_message.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUARTERS_AN_HOUR = 4, DAY_S = 86400, DAYS_AHEAD = 7 };

#define ADD_TURNS                                                                                  \
    "insert into plan.turn (transformer) select number from grid.transformer"                      \
    " on conflict do nothing"

#define TURN                                                                                       \
    "select t.transformer, extract(epoch from t.quarter)::bigint,"                                 \
    " extract(epoch from t.basis)::bigint, t.revision, t.sight, t.deaf"                            \
    " from plan.turn t"

#define CLAIM_NAMED                                                                                \
    TURN " where t.transformer = any($1::int[]) order by t.transformer for update skip locked"

#define CLAIM_ALL                                                                                  \
    TURN " where t.transformer > $1::int and t.transformer % $3::int = $4::int"                    \
         " order by t.transformer limit $2::int"                                                   \
         " for update skip locked"

#define CLAIM_DUE                                                                                  \
    TURN " where t.transformer > $1::int and (t.quarter is null or t.quarter < to_timestamp($3))"  \
         " and (t.congested or not $5::boolean) and t.transformer % $6::int = $7::int"             \
         " and ($4::boolean or not exists (select from grid.feeder f where"                        \
         " f.transformer = t.transformer and not exists (select from dali.quarter d where"         \
         " d.feeder = f.number and d.quarter = to_timestamp($3) - interval '15 minutes')))"        \
         " order by t.transformer limit $2::int for update of t skip locked"

#define ADD_ROUNDS                                                                                 \
    "insert into plan.round (id, transformer, quarter, basis, revision, congested, sight, blind,"  \
    " started, finished, planner)"                                                                 \
    " select r.*, r.sight in ('blind', 'lost'), $8::timestamptz, $9::timestamptz, $10"             \
    " from unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::timestamptz[], $5::bigint[],"      \
    " $6::boolean[], $7::text[]) r (id, transformer, quarter, basis, revision, congested, sight)"  \
    " on conflict do nothing returning transformer"

#define MOVE_TURNS                                                                                 \
    "update plan.turn t set quarter = r.quarter, basis = r.basis, revision = r.revision,"          \
    " congested = r.congested, sight = r.sight, deaf = r.deaf, rounds = t.rounds + 1"              \
    " from unnest($1::int[], $2::timestamptz[], $3::timestamptz[], $4::bigint[], $5::boolean[],"   \
    " $6::text[], $7::boolean[]) r (transformer, quarter, basis, revision, congested, sight,"      \
    " deaf) where t.transformer = r.transformer"

#define ADD_PROFILE_EVENTS                                                                         \
    "insert into audit.event (at, program, kind, subject, data)"                                   \
    " select p.created, 'socmod-planner', 'profile.planned', p.id::text,"                          \
    " jsonb_build_object('round', p.round, 'connection', c.ean, 'meter', p.meter,"                 \
    " 'limit_w', p.limit_w, 'valid_from', p.valid_from, 'valid_to', p.valid_to,"                   \
    " 'digest', p.digest) from unnest($1::uuid[]) w (id) join plan.profile p using (id)"           \
    " left join grid.connection c on c.number = p.connection order by p.id"

#define RING                                                                                       \
    "select pg_notify('plan_round', r) from unnest($1::text[]) r union all"                        \
    " select pg_notify('plan_profile', $2) where $2 <> '0'"

// Statements apart: one that held two tables could wait for a round that wants the first.
static enum err make_month(struct db *db, const char *at)
{
    static const char *const tables[] = {"plan.forecast", "plan.outlook", "plan.share"};
    enum err err = ERR_NONE;
    for (size_t i = 0; !err && i < sizeof tables / sizeof *tables; i++)
        err = db_do(db, "select plan.ensure_month($1::regclass, $2::timestamptz)", 2,
                    (const char *[]){tables[i], at});
    return err;
}

enum err plan_table_make_months(struct db *db, int64_t now, int64_t *made)
{
    int64_t today = now / DAY_S + 1; // not 0
    if (today == *made)
        return ERR_NONE;
    char at[DB_TIME_LEN + 1];
    db_time((struct utc){now * SECONDS_NS}, at);
    enum err err = make_month(db, at);
    db_time((struct utc){(now + DAYS_AHEAD * DAY_S) * SECONDS_NS}, at);
    if (!err)
        err = make_month(db, at);
    // Where the server refuses, which was logged, rows still have a place; and the day's limits
    // matter more.
    if (err && !*db_sqlstate(db))
        return err;
    *made = today;
    return ERR_NONE;
}

enum err plan_table_add_turns(struct db *db)
{
    return db_do(db, ADD_TURNS, 0, NULL);
}

static PGresult *claim_turns(struct db *db, const struct plan_claim *claim, int64_t quarter)
{
    if (claim->named) {
        struct sql_list numbers;
        sql_list_open(&numbers);
        for (int i = 0; i < claim->named_count; i++)
            sql_list_add_number(&numbers, claim->named[i]);
        const char *named[] = {sql_list_text(&numbers)};
        PGresult *rows = db_query(db, CLAIM_NAMED, 1, named);
        sql_list_close(&numbers);
        return rows;
    }
    struct sql_number after = {0}, limit = {0}, at = {0}, count = {0}, rank = {0};
    const char *all[] = {sql_number(&after, claim->after), sql_number(&limit, claim->limit),
                         sql_number(&count, claim->shift.count),
                         sql_number(&rank, claim->shift.rank)};
    const char *due[] = {all[0],
                         all[1],
                         sql_number(&at, quarter),
                         claim->incomplete ? "true" : "false",
                         claim->congested ? "true" : "false",
                         all[2],
                         all[3]};
    return claim->only_due ? db_query(db, CLAIM_DUE, 7, due) : db_query(db, CLAIM_ALL, 4, all);
}

static enum facts_sight sight_of(const char *name)
{
    enum facts_sight sight = FACTS_SIGHT_FRESH;
    while (sight < FACTS_SIGHT_LOST && strcmp(name, round_sight_name(sight)))
        sight++;
    return sight;
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
            .transformer = sql_integer(rows, i, 0),
            .quarter = sql_time(rows, i, 1),
            .basis = sql_time(rows, i, 2),
            .revision = db_get_integer(rows, i, 3),
            .sight = sight_of(PQgetvalue(rows, i, 4)),
            .deaf = sql_is_true(rows, i, 5),
            .known_basis = -1,
        };
    PQclear(rows);
    return ERR_NONE;
}

enum err plan_table_read(struct db *db, const struct plan_claim *claim, int64_t quarter,
                         int64_t now, struct foresight_store *store, struct plan_batch *batch)
{
    *batch = (struct plan_batch){0};
    enum err err = read_turns(db, claim, quarter, batch);
    for (int i = 0; !err && i < batch->count; i++)
        batch->jobs[i].foresight = foresight_store_get(store, batch->jobs[i].transformer, quarter);
    return err || !batch->count ? err : facts_table_read(db, quarter, now, batch);
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

// The round of job number i where it is written.
static const struct round *round_of(const struct plan_batch *batch, const struct round_id *ids,
                                    int i)
{
    return *ids[i].text ? batch->jobs[i].round : NULL;
}

static enum err add_rounds(struct db *db, const struct plan_batch *batch, int64_t quarter,
                           struct utc started, struct utc finished, const char *planner,
                           struct round_id *ids)
{
    enum { COLUMNS = 7 };
    struct sql_list lists[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        sql_list_open(&lists[i]);
    for (int i = 0; i < batch->count; i++) {
        const struct plan_job *job = &batch->jobs[i];
        if (!job->round)
            continue;
        struct id id = id_new(started);
        id_format(&id, ids[i].text);
        sql_list_add(&lists[0], ids[i].text);
        sql_list_add_number(&lists[1], job->transformer);
        sql_list_add_time(&lists[2], quarter);
        sql_list_add_time(&lists[3], job->known_basis);
        sql_list_add_number(&lists[4], job->known_revision);
        sql_list_add(&lists[5], job->round->congested ? "true" : "false");
        sql_list_add(&lists[6], round_sight_name(job->round->sight));
    }
    char from[DB_TIME_LEN + 1], to[DB_TIME_LEN + 1];
    db_time(started, from);
    db_time(finished, to);
    const char *params[COLUMNS + 3];
    for (int i = 0; i < COLUMNS; i++)
        params[i] = sql_list_text(&lists[i]);
    params[COLUMNS] = from;
    params[COLUMNS + 1] = to;
    params[COLUMNS + 2] = planner;
    PGresult *rows = db_query(db, ADD_ROUNDS, COLUMNS + 3, params);
    for (int i = 0; i < COLUMNS; i++)
        sql_list_close(&lists[i]);
    if (!rows)
        return ERR_IO;
    bool *added = memory_new((size_t)batch->count, sizeof *added);
    for (int row = 0; row < PQntuples(rows); row++)
        for (int i = 0; i < batch->count; i++)
            if (batch->jobs[i].transformer == sql_integer(rows, row, 0))
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
    struct sql_number text[13] = {0};
    if (line->measured)
        rfc3339_format(line->measured_at, at);
    bool bounded = line->limited && line->known;
    bool is_foreseen = line->p95_w != FACTS_UNKNOWN;
    const char *fields[] = {
        round,
        feeder,
        sql_number(&text[0], phase + 1),
        line->limited ? sql_number(&text[1], line->limit_w) : NULL,
        line->measured ? sql_number(&text[2], line->measured_w) : NULL,
        line->measured ? at : NULL,
        sql_number(&text[3], line->controlled_w),
        sql_number(&text[4], line->base_w),
        sql_number(&text[5], line->margin_w),
        bounded ? sql_number(&text[6], line->headroom_w) : NULL,
        sql_number(&text[7], line->reserved_w),
        sql_number(&text[8], narrow(line->demand_w)),
        sql_number(&text[9], narrow(line->given_w)),
        sql_number(&text[10], line->chargers),
        is_foreseen ? sql_number(&text[11], line->p90_w) : NULL,
        is_foreseen ? sql_number(&text[12], line->p95_w) : NULL,
        line->method,
    };
    return db_copy_row(db, (int)(sizeof fields / sizeof *fields), fields);
}

static enum err add_forecasts(struct db *db, const struct plan_batch *batch,
                              const struct round_id *ids)
{
    if (db_copy_start(db, "copy plan.forecast (round, feeder, phase, limit_w, measured_w,"
                          " measured_at, controlled_w, base_w, margin_w, headroom_w, reserved_w,"
                          " demand_w, given_w, chargers, p90_w, p95_w, method) from stdin"))
        return ERR_IO;
    for (int i = 0; i < batch->count; i++) {
        const struct facts *facts = &batch->jobs[i].facts;
        const struct round *round = round_of(batch, ids, i);
        for (int place = 0; round && place <= facts->feeder_count; place++)
            for (int phase = 0; phase < PHASES; phase++) {
                struct sql_number number = {0};
                const char *feeder = place < facts->feeder_count
                                         ? sql_number(&number, facts->feeders[place].number)
                                         : NULL;
                if (add_line(db, ids[i].text, feeder, phase, &round->lines[place * PHASES + phase]))
                    return ERR_IO;
            }
    }
    return db_copy_end(db);
}

// By the hour from the quarter hour decided about, as an array.
static const char *hourly(const int32_t values[static FACTS_AHEAD], struct sql_list *list)
{
    sql_list_open(list);
    for (int ahead = 0; ahead < FACTS_AHEAD; ahead += QUARTERS_AN_HOUR)
        sql_list_add_number(list, values[ahead]);
    return sql_list_text(list);
}

static enum err add_outlook(struct db *db, const char *round, const char *feeder, int phase,
                            const struct facts_outlook *outlook)
{
    struct sql_number number = {0};
    struct sql_list base, p90, p95;
    if (!outlook->known)
        return ERR_NONE;
    const char *fields[] = {round,
                            feeder,
                            sql_number(&number, phase + 1),
                            hourly(outlook->base_w, &base),
                            hourly(outlook->p90_w, &p90),
                            hourly(outlook->p95_w, &p95)};
    enum err err = db_copy_row(db, (int)(sizeof fields / sizeof *fields), fields);
    sql_list_close(&base);
    sql_list_close(&p90);
    sql_list_close(&p95);
    return err;
}

// Is the outlook of this round to be kept: it is congested, or this is its quarter of the hour?
static bool is_kept_in_view(const struct plan_job *job, int64_t quarter)
{
    return job->round->congested
           || (job->transformer + quarter / QUARTER_S) % QUARTERS_AN_HOUR == 0;
}

static enum err add_outlooks(struct db *db, const struct plan_batch *batch,
                             const struct round_id *ids, int64_t quarter)
{
    if (db_copy_start(db, "copy plan.outlook (round, feeder, phase, base_w, p90_w, p95_w)"
                          " from stdin"))
        return ERR_IO;
    for (int i = 0; i < batch->count; i++) {
        const struct facts *facts = &batch->jobs[i].facts;
        if (!round_of(batch, ids, i) || !is_kept_in_view(&batch->jobs[i], quarter))
            continue;
        for (int place = 0; place <= facts->feeder_count; place++)
            for (int phase = 0; phase < PHASES; phase++) {
                bool is_feeder = place < facts->feeder_count;
                const struct facts_feeder *feeder = &facts->feeders[place];
                struct sql_number number = {0};
                if (add_outlook(db, ids[i].text,
                                is_feeder ? sql_number(&number, feeder->number) : NULL, phase,
                                is_feeder ? &feeder->outlook[phase] : &facts->outlook[phase]))
                    return ERR_IO;
            }
    }
    return db_copy_end(db);
}

static enum err keep_foresight(struct db *db, const struct plan_batch *batch, int64_t quarter)
{
    struct foresight **foresights =
        memory_new((size_t)batch->count + 1, sizeof(struct foresight *));
    for (int i = 0; i < batch->count; i++)
        foresights[i] = batch->jobs[i].round ? batch->jobs[i].foresight : NULL;
    enum err err = foresight_table_keep(db, foresights, batch->count, quarter);
    free(foresights);
    return err;
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
    struct sql_number connection = {0}, demand = {0}, given = {0};
    const char *fields[] = {
        round,
        sql_number(&connection, job->facts.connections[share->connection].number),
        sql_number(&demand, share->demand_w),
        sql_number(&given, share->share_w),
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
        const struct round *round = round_of(batch, ids, i);
        for (int s = 0; round && s < round->share_count; s++) {
            const struct round_share *share = &round->shares[s];
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

// The text of a letter, sealed where there is a key. The number of the seal is the time, unless
// the clock of another planner is ahead.
static void write_text(const struct letter *letter, const struct seal_key *seal, struct utc now,
                       char text[static LONG_MESSAGE_MAX + 1], struct profile *written)
{
    const struct plan_sent *sent = &letter->job->sent[letter->share->connection];
    enum err err = long_message_write(letter->share->profile, LONG_MESSAGE_W, seal ? SEAL_ROOM : 0,
                                      text, written);
    assert(!err); // what horizon_profile() makes is valid and short
    if (!seal)
        return;
    char plain[LONG_MESSAGE_MAX + 1];
    memcpy(plain, text, sizeof plain);
    int64_t now_ms = now.ns / 1000000, seq = sent->seq < now_ms ? now_ms : sent->seq + 1;
    err = seal_write(plain, strlen(plain), seq, sent->equipment_id, seal, text);
    assert(!err); // there is room for it
}

static enum err add_profile(struct db *db, const struct letter *letter, int64_t quarter,
                            int64_t hold_s, const struct seal_key *seal, struct utc now,
                            const char *created)
{
    const struct facts_connection *connection =
        &letter->job->facts.connections[letter->share->connection];
    char text[LONG_MESSAGE_MAX + 1], digest_text[DIGEST_TEXT_LEN + 1];
    char from[RFC3339_LEN + 1], to[RFC3339_LEN + 1], not_after[RFC3339_LEN + 1];
    struct profile *written = memory_new(1, sizeof *written);
    write_text(letter, seal, now, text, written);
    struct digest digest = digest_of(text, strlen(text));
    digest_format(&digest, digest_text);
    rfc3339_format(written->valid_from, from);
    rfc3339_format(written->valid_to, to);
    // What was set by hand is wanted as long as it holds.
    int64_t useless =
        letter->share->priority <= ROUND_BY_HAND ? written->valid_to : quarter + hold_s;
    rfc3339_format(useless < written->valid_to ? useless : written->valid_to, not_after);
    struct sql_number connection_text = {0}, meter = {0}, limit = {0}, priority = {0};
    const char *fields[] = {
        letter->id,
        letter->round,
        sql_number(&connection_text, connection->number),
        sql_number(&meter, connection->meter),
        from,
        to,
        sql_number(&limit, written->periods[0].set.max_power_w),
        text,
        digest_text,
        sql_number(&priority, letter->share->priority),
        not_after,
        created,
    };
    free(written);
    return db_copy_row(db, (int)(sizeof fields / sizeof *fields), fields);
}

static enum err add_profiles(struct db *db, const struct letter *letters, int count,
                             int64_t quarter, int64_t hold_s, const struct seal_key *seal,
                             struct utc now)
{
    char created[DB_TIME_LEN + 1];
    db_time(now, created);
    if (!count)
        return ERR_NONE;
    if (db_copy_start(db, "copy plan.profile (id, round, connection, meter, valid_from, valid_to,"
                          " limit_w, text, digest, priority, not_after, created) from stdin"))
        return ERR_IO;
    for (int i = 0; i < count; i++)
        if (add_profile(db, &letters[i], quarter, hold_s, seal, now, created))
            return ERR_IO;
    return db_copy_end(db);
}

// Who is to be limited, and to what, into the trail.
static enum err add_profile_events(struct db *db, const struct letter *letters, int count)
{
    struct sql_list ids;
    if (!count)
        return ERR_NONE;
    sql_list_open(&ids);
    for (int i = 0; i < count; i++)
        sql_list_add(&ids, letters[i].id);
    enum err err = db_do(db, ADD_PROFILE_EVENTS, 1, (const char *[]){sql_list_text(&ids)});
    sql_list_close(&ids);
    return err;
}

static enum err move_turns(struct db *db, const struct plan_batch *batch, int64_t quarter)
{
    enum { COLUMNS = 7 };
    struct sql_list lists[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        sql_list_open(&lists[i]);
    for (int i = 0; i < batch->count; i++) {
        const struct plan_job *job = &batch->jobs[i];
        if (!job->round)
            continue;
        sql_list_add_number(&lists[0], job->transformer);
        sql_list_add_time(&lists[1], quarter);
        sql_list_add_time(&lists[2], job->known_basis);
        sql_list_add_number(&lists[3], job->known_revision);
        sql_list_add(&lists[4], job->round->congested ? "true" : "false");
        sql_list_add(&lists[5], round_sight_name(job->round->sight));
        sql_list_add(&lists[6], job->round->deaf ? "true" : "false");
    }
    const char *params[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        params[i] = sql_list_text(&lists[i]);
    enum err err = db_do(db, MOVE_TURNS, COLUMNS, params);
    for (int i = 0; i < COLUMNS; i++)
        sql_list_close(&lists[i]);
    return err;
}

// Tell what changed since the last round of each, once.
static enum err add_news(struct db *db, const struct plan_batch *batch, const struct round_id *ids,
                         struct utc now)
{
    struct news news;
    news_open(&news);
    for (int i = 0; i < batch->count; i++) {
        const struct plan_job *job = &batch->jobs[i];
        const struct round *round = round_of(batch, ids, i);
        if (!round)
            continue;
        news_add_sight(&news, job->facts.id, ids[i].text, job->sight, round->sight);
        news_add_hearing(&news, job->facts.id, ids[i].text, job->deaf, round->deaf);
    }
    return news_write(&news, db, now);
}

static enum err ring(struct db *db, const struct plan_batch *batch, const struct round_id *ids,
                     int profiles)
{
    struct sql_list rounds;
    sql_list_open(&rounds);
    for (int i = 0; i < batch->count; i++)
        if (round_of(batch, ids, i))
            sql_list_add(&rounds, ids[i].text);
    struct sql_number count = {0};
    const char *params[] = {sql_list_text(&rounds), sql_number(&count, profiles)};
    enum err err = db_do(db, RING, 2, params);
    sql_list_close(&rounds);
    return err;
}

enum err plan_table_write(struct db *db, const struct plan_batch *batch, int64_t quarter,
                          int64_t hold_s, const struct seal_key *seal, struct utc started,
                          struct utc finished, const char *planner, struct plan_counts *counts)
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
        err = add_outlooks(db, batch, ids, quarter);
    if (!err)
        err = keep_foresight(db, batch, quarter);
    if (!err)
        err = add_shares(db, batch, ids, finished, letters, &letter_count);
    if (!err)
        err = add_profiles(db, letters, letter_count, quarter, hold_s, seal, finished);
    if (!err)
        err = add_profile_events(db, letters, letter_count);
    if (!err)
        err = move_turns(db, batch, quarter);
    if (!err)
        err = add_news(db, batch, ids, finished);
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
    struct sql_number number = {0}, start = {0};
    char at[DB_TIME_LEN + 1];
    db_time(now, at);
    const char *params[] = {sql_number(&number, transformer), sql_number(&start, quarter), at, why};
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
    struct sql_number start = {0};
    const char *params[] = {sql_number(&start, quarter)};
    PGresult *rows = db_query(db,
                              "select exists (select from plan.turn"
                              " where quarter is null or quarter < to_timestamp($1))",
                              1, params);
    if (!rows)
        return ERR_IO;
    enum err err = sql_is_true(rows, 0, 0) ? ERR_MORE : ERR_NONE;
    PQclear(rows);
    return err;
}
