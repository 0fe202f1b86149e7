// SPDX-License-Identifier: Apache-2.0

#include "services/planner/news_table.h"
#include "base/log.h"
#include "services/planner/round.h"

#define ADD                                                                                        \
    "insert into audit.event (at, program, kind, subject, data)"                                   \
    " select $1::timestamptz, 'socmod-planner', e.kind, 'transformer ' || e.id,"                   \
    " jsonb_strip_nulls(jsonb_build_object('round', e.round, 'was', e.was, 'feeders', e.feeders))" \
    " from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::int[])"                      \
    " e (kind, id, round, was, feeders)"

#define STARTED                                                                                    \
    "with last as (select extract(epoch from $1::timestamptz - max(quarter))::bigint as behind_s"  \
    " from plan.turn), told as (insert into audit.event (at, program, kind, subject, data)"        \
    " select $1::timestamptz, 'socmod-planner', 'planner.started', $2,"                            \
    " jsonb_strip_nulls(jsonb_build_object('behind_s', behind_s)) from last)"                      \
    " select behind_s from last"

#define BEHIND                                                                                     \
    "with left_ as (select count(*) as count from plan.turn"                                       \
    " where quarter is null or quarter < to_timestamp($3)),"                                       \
    " told as (insert into audit.event (at, program, kind, subject, data)"                         \
    " select $1::timestamptz, 'socmod-planner', $4, $2, jsonb_build_object('quarter',"             \
    " to_char(to_timestamp($3) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"             \
    " 'late_s', $5::bigint, 'transformers', count) from left_) select count from left_"

void news_open(struct news *news)
{
    sql_list_open(&news->kinds);
    sql_list_open(&news->transformers);
    sql_list_open(&news->rounds);
    sql_list_open(&news->befores);
    sql_list_open(&news->counts);
}

static void add(struct news *news, const char *kind, const char *transformer, const char *round)
{
    sql_list_add(&news->kinds, kind);
    sql_list_add(&news->transformers, transformer);
    sql_list_add(&news->rounds, round);
}

void news_add_sight(struct news *news, const char *transformer, const char *round,
                    enum facts_sight before, enum facts_sight now)
{
    static const char *const kinds[] = {[FACTS_SIGHT_FRESH] = "plan.sees_again",
                                        [FACTS_SIGHT_LATE] = "plan.late",
                                        [FACTS_SIGHT_BLIND] = "plan.blind",
                                        [FACTS_SIGHT_LOST] = "plan.lost"};
    if (now == before)
        return;
    add(news, kinds[now], transformer, round);
    sql_list_add(&news->befores, round_sight_name(before));
    sql_list_add(&news->counts, NULL);
    if (now < FACTS_SIGHT_BLIND)
        log_info(kinds[now], F("transformer", transformer), F("was", round_sight_name(before)));
    else
        log_warn(kinds[now], F("transformer", transformer), F("was", round_sight_name(before)));
}

void news_add_hearing(struct news *news, const char *transformer, const char *round, bool before,
                      int feeders)
{
    if (before == (feeders > 0))
        return;
    const char *kind = feeders ? "plan.unheard" : "plan.hears_again";
    add(news, kind, transformer, round);
    sql_list_add(&news->befores, NULL);
    sql_list_add_number(&news->counts, feeders);
    log_info(kind, F("transformer", transformer), F("feeders", feeders));
}

enum err news_write(struct news *news, struct db *db, struct utc now)
{
    char at[DB_TIME_LEN + 1];
    db_time(now, at);
    const char *params[] = {at,
                            sql_list_text(&news->kinds),
                            sql_list_text(&news->transformers),
                            sql_list_text(&news->rounds),
                            sql_list_text(&news->befores),
                            sql_list_text(&news->counts)};
    enum err err = news->kinds.count ? db_do(db, ADD, 6, params) : ERR_NONE;
    sql_list_close(&news->kinds);
    sql_list_close(&news->transformers);
    sql_list_close(&news->rounds);
    sql_list_close(&news->befores);
    sql_list_close(&news->counts);
    return err;
}

enum err news_started(struct db *db, const char *planner, struct utc now)
{
    char at[DB_TIME_LEN + 1];
    db_time(now, at);
    const char *params[] = {at, planner};
    PGresult *rows = db_query(db, STARTED, 2, params);
    if (!rows)
        return ERR_IO;
    if (PQgetisnull(rows, 0, 0))
        log_info("planner.first", F("name", planner));
    else
        log_info("planner.follows", F("name", planner), F("behind_s", db_get_integer(rows, 0, 0)));
    PQclear(rows);
    return ERR_NONE;
}

enum err news_behind(struct db *db, const char *planner, int64_t quarter, bool behind,
                     int64_t late_s, struct utc now)
{
    char at[DB_TIME_LEN + 1];
    struct sql_number start = {0}, late = {0};
    const char *kind = behind ? "planner.behind" : "planner.in_time";
    db_time(now, at);
    const char *params[] = {at, planner, sql_number(&start, quarter), kind,
                            sql_number(&late, late_s)};
    PGresult *rows = db_query(db, BEHIND, 5, params);
    if (!rows)
        return ERR_IO;
    int64_t count = db_get_integer(rows, 0, 0);
    if (behind)
        log_warn(kind, F("transformers", count), F("late_s", late_s));
    else
        log_info(kind, F("late_s", late_s));
    PQclear(rows);
    return ERR_NONE;
}
