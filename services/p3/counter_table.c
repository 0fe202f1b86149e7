// SPDX-License-Identifier: Apache-2.0

#include "services/p3/counter_table.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"
#include "services/p3/counter_mark.h"
#include "services/p3/sql_array.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_LEN = 24 };

struct counter_table {
    struct db *db;
    struct counter_settings settings;
    struct counter_mark_file *file;
    struct counter_mark mark;
    bool is_ready;    // the mark fits, as far as is known
    char refusal[32]; // "": none
};

struct counter_table *counter_table_new(struct db *db, const struct counter_settings *settings)
{
    struct counter_table *table = memory_new(1, sizeof *table);
    table->db = db;
    table->settings = *settings;
    return table;
}

void counter_table_free(struct counter_table *table)
{
    if (!table)
        return;
    counter_mark_close(table->file);
    free(table);
}

const char *counter_table_refusal(const struct counter_table *table)
{
    return *table->refusal ? table->refusal : NULL;
}

static void number(int64_t value, char text[static NUMBER_LEN])
{
    snprintf(text, NUMBER_LEN, "%" PRId64, value);
}

// --- Is this the database that the mark is of? ---

static const char state_sql[] =
    "select s.database, s.generation, s.serial, s.closed, w.name is not null"
    " from p3.counter_state s left join p3.witness w on w.name = $1";

// The mark on disk, then in memory.
static enum err raise_mark(struct counter_table *table, const struct counter_mark *mark)
{
    enum err err = counter_mark_write(table->file, mark);
    if (!err)
        table->mark = *mark;
    return err;
}

// $1 name, $2 generation, $3 serial, $4 now
static const char witness_sql[] =
    "insert into p3.witness (name, generation, serial, seen) values ($1, $2, $3, $4::timestamptz)"
    " on conflict (name) do update set generation = excluded.generation,"
    " serial = excluded.serial, seen = excluded.seen";

static enum err bear_witness(struct counter_table *table, struct utc now)
{
    char generation[NUMBER_LEN], serial[NUMBER_LEN], at[DB_TIME_LEN + 1];
    number(table->mark.generation, generation);
    number(table->mark.serial, serial);
    db_time(now, at);
    return db_do(table->db, witness_sql, 4,
                 (const char *[]){table->settings.name, generation, serial, at});
}

// $1 now, $2 why, $3 name, $4 reservations lost, $5 close it for all
static const char refuse_sql[] =
    "with shut as (update p3.counter_state set closed = $2::text"
    "  where $5::boolean and closed = '' returning 1),"
    "seen as (select count(*) from shut)"
    "insert into audit.event (at, program, kind, subject, data)"
    " select $1::timestamptz, 'socmod-p3', 'counters.refused', $3::text,"
    "  jsonb_build_object('why', $2::text, 'reservations_lost', $4::bigint) from seen";

// What the operator must know, once; and that nobody gives counters any more.
static enum err refuse(struct counter_table *table, const char *why, const char *advice,
                       int64_t lost, bool for_all, struct utc now)
{
    table->is_ready = false;
    if (!strcmp(table->refusal, why))
        return ERR_RANGE;
    char at[DB_TIME_LEN + 1], count[NUMBER_LEN];
    db_time(now, at);
    number(lost, count);
    enum err err =
        db_do(table->db, refuse_sql, 5,
              (const char *[]){at, why, table->settings.name, count, for_all ? "t" : "f"});
    if (err)
        return err;
    snprintf(table->refusal, sizeof table->refusal, "%s", why);
    log_error("counters.refused", F("why", why), F("advice", advice),
              F("mark", table->settings.mark), F("reservations_lost", lost),
              F("skip", lost * SESSION_COUNTERS_MAX));
    return ERR_RANGE;
}

static enum err refuse_restored(struct counter_table *table, const struct counter_mark *found,
                                struct utc now)
{
    enum err err = bear_witness(table, now);
    int64_t lost = table->mark.serial > found->serial ? table->mark.serial - found->serial : 0;
    return err ? err
               : refuse(table, "restored",
                        "the database is older than what was used: all counters must be lifted,"
                        " by at least skip: socmod-admin keys restored --skip N",
                        lost, true, now);
}

static enum err refuse_closed(struct counter_table *table, const char *why)
{
    table->is_ready = false;
    if (strcmp(table->refusal, why) != 0)
        log_error("counters.refused", F("why", why),
                  F("advice", "another process found this; its log tells by how much to lift the"
                              " counters: socmod-admin keys restored --skip N"));
    snprintf(table->refusal, sizeof table->refusal, "%s", why);
    return ERR_RANGE;
}

static enum err accept(struct counter_table *table, const struct counter_mark *found,
                       struct utc now)
{
    enum err err = ERR_NONE;
    if (strcmp(table->mark.database, found->database) != 0
        || counter_mark_behind(&table->mark, found))
        err = raise_mark(table, found);
    if (!err)
        err = bear_witness(table, now);
    if (err)
        return err;
    if (*table->refusal)
        log_info("counters.accepted", F("generation", found->generation));
    *table->refusal = '\0';
    table->is_ready = true;
    return ERR_NONE;
}

static enum err judge(struct counter_table *table, const struct counter_mark *found,
                      const char *closed, bool known, struct utc now)
{
    if (!*table->mark.database && known)
        return refuse(table, "mark-lost",
                      "this process has reserved before, and its file is gone: if the database"
                      " was not put back, socmod-admin keys restored --skip 0",
                      0, false, now);
    if (*table->mark.database && strcmp(table->mark.database, found->database) != 0)
        return refuse(table, "other-database",
                      "the mark is of another database: if its counters are above all that were"
                      " used, take the file away",
                      0, false, now);
    if (*table->mark.database && counter_mark_behind(found, &table->mark))
        return refuse_restored(table, found, now);
    if (*closed)
        return refuse_closed(table, closed);
    return accept(table, found, now);
}

static enum err judge_row(struct counter_table *table, const PGresult *row, struct utc now)
{
    struct counter_mark found = {.generation = db_get_integer(row, 0, 1),
                                 .serial = db_get_integer(row, 0, 2)};
    snprintf(found.database, sizeof found.database, "%s", PQgetvalue(row, 0, 0));
    return judge(table, &found, PQgetvalue(row, 0, 3), *PQgetvalue(row, 0, 4) == 't', now);
}

enum err counter_table_look(struct counter_table *table, struct utc now)
{
    if (!table->file && counter_mark_open(table->settings.mark, &table->file, &table->mark))
        return ERR_IO;
    PGresult *row = db_query(table->db, state_sql, 1, (const char *[]){table->settings.name});
    enum err err = row && PQntuples(row) == 1 ? judge_row(table, row, now) : ERR_IO;
    PQclear(row);
    return err;
}

// --- Reservations ---

// $1 database, $2 generation, $3 serial of the mark. No row: look why. The lock on this row makes
// one reservation follow the other. The block must be on disk before it is used, whatever
// the server is set to otherwise.
static const char serial_sql[] =
    "with sure as materialized (select case"
    "  when current_setting('synchronous_commit') in ('off', 'local')"
    "  then set_config('synchronous_commit', 'on', true) end as set)"
    "update p3.counter_state s set serial = s.serial + 1 from sure"
    " where s.closed = '' and s.database = $1::uuid and s.generation = $2::bigint"
    "  and s.serial >= $3::bigint returning s.serial, sure.set";

// $1 uses, $2 least, $3 how many each, $4 now, $5 warn at, $6 stop at. What `wanted` reads stays
// true until the commit: whoever changes `next` holds the lock above.
static const char reserve_sql[] =
    "with wanted as materialized ("
    " select w.place, c.key, c.meter, c.next as free, greatest(c.next, w.least) as first,"
    "  greatest(c.next, w.least) + $3::bigint as next, c.near_end_at is null as not_warned,"
    "  c.used_up_at is null as not_stopped"
    " from unnest($1::bytea[], $2::bigint[]) with ordinality as w (key, least, place)"
    " join keys.counter c on c.key = w.key),"
    "given as ("
    " update keys.counter c set next = w.next, used_at = $4::timestamptz,"
    "  near_end_at = case when w.next > $5::bigint then coalesce(c.near_end_at, $4) end"
    " from wanted w where c.key = w.key and w.next <= $6::bigint returning w.place),"
    "stopped as ("
    " update keys.counter c set used_up_at = $4, near_end_at = coalesce(c.near_end_at, $4)"
    " from wanted w where c.key = w.key and w.next > $6 and w.not_stopped),"
    "told as ("
    " insert into audit.event (at, program, kind, subject, data)"
    " select $4, 'socmod-p3', case when next > $6 then 'counter.used_up'"
    "  else 'counter.near_end' end, 'meter ' || meter, jsonb_build_object('next', first)"
    " from wanted where next > $6 and not_stopped or next > $5 and next <= $6 and not_warned"
    " union all select $4, 'socmod-p3', 'counter.meter_ahead', 'meter ' || meter,"
    "  jsonb_build_object('reserved', free, 'meter_has_seen', first - 1)"
    " from wanted where first > free)"
    "select w.place, w.first, g.place is not null, w.meter,"
    " w.next > $5 and w.not_warned, w.next > $6 and w.not_stopped, w.free"
    " from wanted w left join given g on g.place = w.place";

static enum err take_serial(struct counter_table *table, struct counter_mark *mark)
{
    char generation[NUMBER_LEN], serial[NUMBER_LEN];
    number(table->mark.generation, generation);
    number(table->mark.serial, serial);
    PGresult *row = db_query(table->db, serial_sql, 3,
                             (const char *[]){table->mark.database, generation, serial});
    enum err err = !row ? ERR_IO : PQntuples(row) == 1 ? ERR_NONE : ERR_RANGE;
    if (!err) {
        *mark = table->mark;
        mark->serial = db_get_integer(row, 0, 0);
    }
    PQclear(row);
    return err;
}

static void put_octets(struct sql_array *array, const uint8_t *octets, size_t len)
{
    char digits[2 + 2 * KEY_USE_LEN + 1] = "\\x";
    hex_format(octets, len, digits + 2, sizeof digits - 2);
    sql_array_put(array, digits);
}

static PGresult *take_blocks(struct counter_table *table, const struct counter_request *requests,
                             size_t count, uint32_t each, struct utc now)
{
    struct sql_array uses = {0}, least = {0};
    for (size_t i = 0; i < count; i++) {
        put_octets(&uses, requests[i].use.octets, KEY_USE_LEN);
        sql_array_put_integer(&least, requests[i].least);
    }
    char step[NUMBER_LEN], at[DB_TIME_LEN + 1], warn[NUMBER_LEN], stop[NUMBER_LEN];
    number(each, step);
    db_time(now, at);
    number(table->settings.warn_at, warn);
    number(table->settings.stop_at, stop);
    PGresult *rows = db_query(
        table->db, reserve_sql, 6,
        (const char *[]){sql_array_end(&uses), sql_array_end(&least), step, at, warn, stop});
    free(uses.text);
    free(least.text);
    return rows;
}

static void log_request(const PGresult *rows, int row)
{
    int64_t first = db_get_integer(rows, row, 1), meter = db_get_integer(rows, row, 3);
    if (db_get_integer(rows, row, 6) < first)
        log_warn("counter.meter_ahead", F("meter", meter),
                 F("reserved", db_get_integer(rows, row, 6)), F("meter_has_seen", first - 1));
    if (*PQgetvalue(rows, row, 5) == 't')
        log_error("counter.used_up", F("meter", meter), F("next", first),
                  F("why", "nothing is sent to it any more: change its key"));
    else if (*PQgetvalue(rows, row, 4) == 't')
        log_warn("counter.near_end", F("meter", meter), F("next", first),
                 F("why", "change its key before its counters are used up"));
}

static void hand_out(const PGresult *rows, struct counter_request *requests, uint32_t each)
{
    for (int row = 0; row < PQntuples(rows); row++) {
        struct counter_request *request = &requests[db_get_integer(rows, row, 0) - 1];
        uint32_t first = (uint32_t)db_get_integer(rows, row, 1);
        if (*PQgetvalue(rows, row, 2) == 't')
            request->range = (struct counter_range){first, each};
        log_request(rows, row);
    }
}

static enum err reserve(struct counter_table *table, struct counter_request *requests, size_t count,
                        uint32_t each, struct utc now)
{
    struct counter_mark mark;
    if (db_begin(table->db))
        return ERR_IO;
    enum err err = take_serial(table, &mark);
    PGresult *rows = err ? NULL : take_blocks(table, requests, count, each, now);
    if (!err)
        err = rows ? db_commit(table->db) : ERR_IO;
    if (err)
        db_rollback(table->db);
    else
        err = raise_mark(table, &mark);
    if (!err)
        hand_out(rows, requests, each);
    PQclear(rows);
    return err;
}

enum err counter_table_reserve(struct counter_table *table, struct counter_request *requests,
                               size_t count, uint32_t each, struct utc now)
{
    assert(each > 0 && each <= SESSION_COUNTERS_MAX);
    for (size_t i = 0; i < count; i++)
        requests[i].range = (struct counter_range){0};
    if (!table->is_ready && !*table->refusal)
        return ERR_IO;
    enum err err = table->is_ready ? reserve(table, requests, count, each, now) : ERR_RANGE;
    if (err != ERR_RANGE)
        return err;
    // Either the operator has lifted the counters since, or the database is not what it was.
    err = counter_table_look(table, now);
    return err ? err : reserve(table, requests, count, each, now);
}

// --- What sessions have learnt ---

// $1 uses, $2 counters of meters, -1 for none, $3 titles, empty for none.
static const char note_sql[] =
    "update keys.counter c set"
    " meter_counter = nullif(greatest(c.meter_counter, l.counter), -1),"
    " meter_title = coalesce(nullif(l.title, ''), c.meter_title)"
    " from unnest($1::bytea[], $2::bigint[], $3::bytea[]) as l (key, counter, title)"
    " where c.key = l.key and (l.counter > coalesce(c.meter_counter, -1)"
    "  or l.title not in ('', coalesce(c.meter_title, '')))";

enum err counter_table_note(struct counter_table *table, const struct counter_sighting *sightings,
                            size_t count)
{
    struct sql_array uses = {0}, counters = {0}, titles = {0};
    for (size_t i = 0; i < count; i++) {
        const struct counter_sighting *seen = &sightings[i];
        put_octets(&uses, seen->use.octets, KEY_USE_LEN);
        sql_array_put_integer(&counters, seen->meter_counter);
        put_octets(&titles, seen->meter_title, seen->knows_title ? CIPHER_TITLE_LEN : 0);
    }
    enum err err = db_do(
        table->db, note_sql, 3,
        (const char *[]){sql_array_end(&uses), sql_array_end(&counters), sql_array_end(&titles)});
    free(uses.text);
    free(counters.text);
    free(titles.text);
    return err;
}
