// SPDX-License-Identifier: Apache-2.0

#include "services/audit/trail_table.h"
#include "base/cursor.h"
#include "base/log.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Of 2000-01-01, from which the server counts, in microseconds since 1970.
#define EPOCH_US INT64_C(946684800000000)
enum { COPY_HEADER = 19, COLUMNS = 9, JSONB_VERSION = 1 };

static enum err do_once(struct db *db, const char *sql)
{
    PGresult *result = db_query_once(db, sql, 0, NULL);
    PQclear(result);
    return result ? ERR_NONE : ERR_IO;
}

enum err trail_table_open(struct db *db)
{
    if (db_connect(db))
        return ERR_IO;
    return do_once(db,
                   "set enable_sort = off; set enable_seqscan = off; set enable_bitmapscan = off;"
                   " set jit = off; select pg_advisory_lock_shared(7391520642)");
}

static struct digest read_digest(const PGresult *result, int row, int column)
{
    struct digest digest = {0};
    size_t count;
    const char *hex = PQgetvalue(result, row, column);
    if (hex_parse(hex, strlen(hex), digest.octets, DIGEST_LEN, &count) || count != DIGEST_LEN)
        digest = (struct digest){0};
    return digest;
}

static void take_shards(struct trail_shards *shards, const PGresult *result)
{
    shards->count = (size_t)PQntuples(result);
    shards->list = memory_new(shards->count + 1, sizeof *shards->list);
    for (int i = 0; i < PQntuples(result); i++)
        shards->list[i] = (struct trail_shard){
            .stand = {.shard = (int)db_get_integer(result, i, 0),
                      .base = db_get_integer(result, i, 1),
                      .sequence = db_get_integer(result, i, 2),
                      .base_hash = read_digest(result, i, 3),
                      .hash = read_digest(result, i, 4)},
            .id = db_get_integer(result, i, 5),
            .greatest = db_get_integer(result, i, 6),
            .stray = db_get_integer(result, i, 7),
            .is_known = !PQgetisnull(result, i, 1),
        };
}

enum err trail_table_shards(struct db *db, struct trail_shards *shards)
{
    PGresult *result = db_query(
        db,
        "with recursive used (number) as (select min(shard) from audit.event union all"
        " select (select min(e.shard) from audit.event e where e.shard > used.number) from used"
        " where used.number is not null)"
        " select n.number, s.base_sequence, s.sequence, encode(s.base_hash, 'hex'),"
        " encode(s.hash, 'hex'), s.id,"
        " (select max(e.sequence) from audit.event e where e.shard = n.number),"
        " (select min(e.sequence) from audit.event e where e.shard = n.number"
        "  and e.sequence <= s.base_sequence)"
        " from (select number from used where number is not null union select number from"
        " audit.shard) n left join audit.shard s on s.number = n.number order by n.number",
        0, NULL);
    if (!result)
        return ERR_IO;
    take_shards(shards, result);
    PQclear(result);
    return ERR_NONE;
}

PGresult *trail_table_heads(struct db *db, int64_t after, int limit)
{
    char number[24], most[16];
    snprintf(number, sizeof number, "%" PRId64, after);
    snprintf(most, sizeof most, "%d", limit);
    return db_query(db,
                    "select number, document, key, encode(signature, 'hex') from audit.head"
                    " where number > $1 order by number limit $2",
                    2, (const char *[]){number, most});
}

PGresult *trail_table_hashes(struct db *db, const char *shards, const char *sequences)
{
    return db_query(db,
                    "select e.shard, e.sequence, encode(e.hash, 'hex')"
                    " from unnest($1::integer[], $2::bigint[]) p (shard, sequence)"
                    " cross join lateral (select * from audit.event e where e.shard = p.shard"
                    " and e.sequence = p.sequence) e",
                    2, (const char *[]){shards, sequences});
}

static int64_t get_i64(struct cursor *cursor)
{
    uint64_t high = cursor_get_u32(cursor);
    return (int64_t)(high << 32 | cursor_get_u32(cursor));
}

static int64_t get_number(struct cursor *cursor)
{
    if (cursor_get_u32(cursor) != sizeof(int64_t))
        cursor->err = ERR_SYNTAX;
    return get_i64(cursor);
}

static struct trail_text get_text(struct cursor *cursor)
{
    struct trail_text text = {.len = cursor_get_u32(cursor)};
    text.at = (const char *)cursor_get(cursor, text.len);
    return text;
}

static struct trail_text get_json(struct cursor *cursor)
{
    struct trail_text text = {.len = cursor_get_u32(cursor) - 1};
    if (cursor_get_u8(cursor) != JSONB_VERSION)
        cursor->err = ERR_SYNTAX;
    text.at = (const char *)cursor_get(cursor, text.len);
    return text;
}

// A row of binary COPY, in the order of COPY_COLUMNS.
static enum err read_event(struct cursor *cursor, struct trail_event *event)
{
    if (cursor_get_u16(cursor) != COLUMNS)
        return ERR_SYNTAX;
    if (cursor_get_u32(cursor) != sizeof(int32_t))
        return ERR_SYNTAX;
    event->shard = (int)cursor_get_u32(cursor);
    event->sequence = get_number(cursor);
    event->id = get_number(cursor);
    event->at_us = get_number(cursor) + EPOCH_US;
    event->program = get_text(cursor);
    event->kind = get_text(cursor);
    event->subject = get_text(cursor);
    event->data = get_json(cursor);
    struct trail_text hash = get_text(cursor);
    if (cursor->err)
        return cursor->err;
    event->hash = (struct digest){0}; // of another length: then it fits nothing
    if (hash.len == DIGEST_LEN)
        memcpy(event->hash.octets, hash.at, DIGEST_LEN);
    return ERR_NONE;
}

#define COPY_COLUMNS "shard, sequence, id, at, program, kind, subject, data, hash"

struct walk {
    bool (*row)(void *arg, const struct trail_event *event);
    void *arg;
    bool began, enough;
};

static enum err take_row(struct walk *walk, const char *octets, int len)
{
    struct cursor cursor = cursor_reader(octets, (size_t)len);
    if (!walk->began)
        cursor_get(&cursor, COPY_HEADER);
    walk->began = true;
    if (cursor_left(&cursor) <= 2 || walk->enough) // the end, or we have had enough
        return ERR_NONE;
    struct trail_event event;
    enum err err = read_event(&cursor, &event);
    if (!err)
        walk->enough = !walk->row(walk->arg, &event);
    return err;
}

static enum err drain(struct db *db)
{
    enum err err = ERR_NONE;
    for (PGresult *result; (result = PQgetResult(db_raw(db)));) {
        if (PQresultStatus(result) == PGRES_FATAL_ERROR) {
            log_warn("database.refused", F("why", PQresultErrorMessage(result)));
            err = ERR_IO;
        }
        PQclear(result);
    }
    return err;
}

static enum err copy_rows(struct db *db, const char *sql, struct walk *walk)
{
    PGresult *result = db_query_once(db, sql, 0, NULL);
    if (!result)
        return ERR_IO;
    PQclear(result);
    enum err err = ERR_NONE;
    char *octets;
    for (int len; (len = PQgetCopyData(db_raw(db), &octets, 0)) > 0;) {
        if (!err)
            err = take_row(walk, octets, len);
        PQfreemem(octets);
    }
    enum err end = drain(db);
    return err ? err : end;
}

enum err trail_table_walk(struct db *db, int shard, int64_t first, int64_t last,
                          bool (*row)(void *arg, const struct trail_event *event), void *arg)
{
    char *sql = memory_format("copy (select " COPY_COLUMNS " from audit.event where shard = %d"
                              " and sequence between %" PRId64 " and %" PRId64
                              " order by sequence) to stdout (format binary)",
                              shard, first, last);
    struct walk walk = {.row = row, .arg = arg};
    enum err err = copy_rows(db, sql, &walk);
    free(sql);
    return err;
}

enum err trail_table_walk_ids(struct db *db, int shard, int64_t after, int64_t before,
                              bool (*row)(void *arg, const struct trail_event *event), void *arg)
{
    char *sql = memory_format("copy (select " COPY_COLUMNS " from audit.event where shard = %d"
                              " and id > %" PRId64 " and id < %" PRId64
                              " limit 100) to stdout (format binary)",
                              shard, after, before);
    struct walk walk = {.row = row, .arg = arg};
    enum err err = copy_rows(db, sql, &walk);
    free(sql);
    return err;
}

enum err trail_table_walk_time(struct db *db, const struct trail_asked *asked,
                               bool (*row)(void *arg, const struct trail_event *event), void *arg)
{
    char from[DB_TIME_LEN + 1], to[DB_TIME_LEN + 1];
    db_time_s(asked->from, from);
    db_time_s(asked->to, to);
    // COPY takes no parameters.
    char *subjects = asked->subjects
                         ? PQescapeLiteral(db_raw(db), asked->subjects, strlen(asked->subjects))
                         : NULL;
    char *sql = memory_format("copy (select " COPY_COLUMNS " from audit.event where at >= '%s'"
                              " and at < '%s'%s%s%s order by at, id) to stdout (format binary)",
                              from, to, subjects ? " and subject = any(string_to_array(" : "",
                              subjects ? subjects : "", subjects ? ", ','))" : "");
    struct walk walk = {.row = row, .arg = arg};
    enum err err = copy_rows(db, sql, &walk);
    free(sql);
    PQfreemem(subjects);
    return err;
}

PGresult *trail_table_spans(struct db *db, const struct trail_asked *asked)
{
    char from[DB_TIME_LEN + 1], to[DB_TIME_LEN + 1];
    db_time_s(asked->from, from);
    db_time_s(asked->to, to);
    return db_query(db,
                    "select e.shard, min(e.sequence), max(e.sequence), s.sequence"
                    " from audit.event e join audit.shard s on s.number = e.shard"
                    " where e.at >= $1::timestamptz and e.at < $2::timestamptz"
                    " group by e.shard, s.sequence order by e.shard",
                    2, (const char *[]){from, to});
}

enum err trail_table_exported(struct db *db, struct utc now, const struct trail_asked *asked,
                              int64_t events, const char *digest)
{
    char at[DB_TIME_LEN + 1], from[24], to[24], count[24];
    db_time(now, at);
    snprintf(from, sizeof from, "%" PRId64, asked->from);
    snprintf(to, sizeof to, "%" PRId64, asked->to);
    snprintf(count, sizeof count, "%" PRId64, events);
    return db_do(db,
                 "insert into audit.event (at, program, kind, data) values ($1, 'socmod-audit',"
                 " 'trail.exported', jsonb_build_object('from', audit.at_s(to_timestamp($2)),"
                 " 'to', audit.at_s(to_timestamp($3)), 'subjects', $4::text, 'events', $5::bigint,"
                 " 'sha256', $6::text, 'by', session_user))",
                 6, (const char *[]){at, from, to, asked->subjects, count, digest});
}

enum err trail_table_keep(struct db *db, const struct trail_verdict *verdict)
{
    char started[DB_TIME_LEN + 1], finished[DB_TIME_LEN + 1], after[24], events[24], heads[24];
    db_time(verdict->started, started);
    db_time(verdict->finished, finished);
    snprintf(after, sizeof after, "%" PRId64, verdict->after);
    snprintf(events, sizeof events, "%" PRId64, verdict->events);
    snprintf(heads, sizeof heads, "%" PRId64, verdict->heads);
    return db_do(
        db,
        "with kept as (insert into audit.verification"
        " (started, finished, after, events, heads, intact, fault)"
        " values ($1, $2, nullif($3::bigint, 0), $4, $5, $6::text is null, coalesce($6, '')))"
        " insert into audit.event (at, program, kind, data)"
        " select $2::timestamptz, 'socmod-audit',"
        " case when $6 is null then 'trail.verified' else 'trail.broken' end,"
        " jsonb_build_object('after', nullif($3::bigint, 0), 'events', $4::bigint,"
        "  'heads', $5::bigint, 'fault', coalesce($6, ''))",
        6, (const char *[]){started, finished, after, events, heads, verdict->fault});
}
