// SPDX-License-Identifier: Apache-2.0

#include "services/admin/key_store.h"
#include "base/digest.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_LEN = 24, LIST_ROWS = 10000 };

// Octets as the server reads a bytea.
#define OCTETS_TEXT(len) (2 + 2 * (len) + 1)

static const char *octets(const uint8_t *from, size_t len, char *text, size_t room)
{
    text[0] = '\\';
    text[1] = 'x';
    hex_format(from, len, text + 2, room - 2);
    return text;
}

static const char *number(int64_t value, char text[static NUMBER_LEN])
{
    snprintf(text, NUMBER_LEN, "%" PRId64, value);
    return text;
}

static enum err do_once(struct db *db, const char *sql)
{
    PGresult *result = db_query_once(db, sql, 0, NULL);
    PQclear(result);
    return result ? ERR_NONE : ERR_IO;
}

enum err key_store_begin(struct db *db)
{
    enum err err = db_begin(db);
    return err ? err : do_once(db, "select from p3.counter_state for update");
}

// --- Master keys ---

static enum err refuse_master(const char *id)
{
    fprintf(stderr,
            "master key %s is not the one in use: give that one, or replace it with"
            " socmod-admin keys rotate\n",
            id);
    return ERR_RANGE;
}

// The one in use. ERR_NONE with "" when there is none.
static enum err current_master(struct db *db, char id[static MASTER_KEY_ID_LEN + 1])
{
    PGresult *result = db_query_once(db, "select id from keys.master where current", 0, NULL);
    if (!result)
        return ERR_IO;
    snprintf(id, MASTER_KEY_ID_LEN + 1, "%s", PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return ERR_NONE;
}

static enum err make_current(struct db *db, const char *id)
{
    char at[DB_TIME_LEN + 1];
    db_time(clock_utc(), at);
    enum err err = do_once(db, "update keys.master set current = false where current");
    return err ? err
               : db_do(db,
                       "insert into keys.master (id, current, since) values ($1, true, $2)"
                       " on conflict (id) do update set current = true, since = excluded.since",
                       2, (const char *[]){id, at});
}

enum err key_store_use_master(struct db *db, const char *id)
{
    char current[MASTER_KEY_ID_LEN + 1];
    if (current_master(db, current))
        return ERR_IO;
    if (!*current)
        return make_current(db, id);
    return strcmp(current, id) != 0 ? refuse_master(id) : ERR_NONE;
}

enum err key_store_replace_master(struct db *db, const char *from, const char *to)
{
    char current[MASTER_KEY_ID_LEN + 1];
    if (current_master(db, current))
        return ERR_IO;
    if (!strcmp(current, to))
        return ERR_NONE;
    return strcmp(current, from) != 0 ? refuse_master(from) : make_current(db, to);
}

enum err key_store_forget_masters(struct db *db)
{
    return do_once(db, "delete from keys.master m where not m.current"
                       " and not exists (select from keys.meter k where k.master = m.id)");
}

// --- Import ---

enum err key_store_rows_start(struct db *db)
{
    if (do_once(db, "create temporary table incoming (line integer, equipment_id text,"
                    " encryption bytea, authentication bytea, client_title bytea,"
                    " meter_title bytea, client_sap integer, server_sap integer, use bytea,"
                    " counter bigint) on commit drop"))
        return ERR_IO;
    return db_copy_start(db, "copy incoming from stdin");
}

enum err key_store_row(struct db *db, const struct key_row *row, const struct key_wrapped *wrapped)
{
    char line[NUMBER_LEN], client_sap[NUMBER_LEN], server_sap[NUMBER_LEN], counter[NUMBER_LEN];
    char encryption[OCTETS_TEXT(KEY_WRAPPED_LEN)], authentication[OCTETS_TEXT(KEY_WRAPPED_LEN)];
    char client_title[OCTETS_TEXT(CIPHER_TITLE_LEN)], meter_title[OCTETS_TEXT(CIPHER_TITLE_LEN)];
    char use[OCTETS_TEXT(KEY_USE_LEN)];
    octets(row->meter_title, CIPHER_TITLE_LEN, meter_title, sizeof meter_title);
    number(row->client_sap, client_sap);
    number(row->server_sap, server_sap);
    const char *fields[] = {
        number(row->line, line),
        row->equipment_id,
        octets(wrapped->encryption, KEY_WRAPPED_LEN, encryption, sizeof encryption),
        octets(wrapped->authentication, KEY_WRAPPED_LEN, authentication, sizeof authentication),
        octets(row->client_title, CIPHER_TITLE_LEN, client_title, sizeof client_title),
        row->has_meter_title ? meter_title : NULL,
        row->client_sap ? client_sap : NULL,
        row->server_sap ? server_sap : NULL,
        octets(wrapped->use.octets, KEY_USE_LEN, use, sizeof use),
        number(row->counter, counter),
    };
    return db_copy_row(db, sizeof fields / sizeof *fields, fields);
}

enum err key_store_rows_end(struct db *db)
{
    return db_copy_end(db) || do_once(db, "analyze incoming") ? ERR_IO : ERR_NONE;
}

static const char check_sql[] =
    "select line, why from ("
    " select i.line, 'equipment_id: no such meter in the grid' from incoming i"
    "  where not exists (select from grid.meter m where m.equipment_id = i.equipment_id)"
    " union all select i.line, 'this meter has keys already: --replace' from incoming i"
    "  join grid.meter m on m.equipment_id = i.equipment_id"
    "  where not $1::boolean and exists (select from keys.meter k where k.meter = m.number)"
    " union all select i.line, 'encryption_key: is that of another meter' from incoming i"
    "  join keys.counter c on c.key = i.use join grid.meter o on o.number = c.meter"
    "  where o.equipment_id <> i.equipment_id"
    " union all select i.line, 'encryption_key: stands already in line '"
    "  || min(i.line) over (partition by i.use) from incoming i"
    "  where i.use in (select use from incoming group by use having count(*) > 1)"
    ") as found (line, why) where why <> 'encryption_key: stands already in line ' || line"
    " order by line";

enum err key_store_check(struct db *db, const char *name, bool replace, struct findings *findings)
{
    PGresult *result =
        db_query_once(db, check_sql, 1, (const char *[]){replace ? "true" : "false"});
    if (!result)
        return ERR_IO;
    for (int row = 0; row < PQntuples(result); row++)
        findings_add(findings, "%s:%s: %s", name, PQgetvalue(result, row, 0),
                     PQgetvalue(result, row, 1));
    PQclear(result);
    return ERR_NONE;
}

// A key that comes back goes on where it was. Who replaces keys has a reason to forget what was
// learnt of the meter: it may be another device.
static const char counters_sql[] =
    "insert into keys.counter as c (key, meter, next) select i.use, m.number, i.counter"
    " from incoming i join grid.meter m on m.equipment_id = i.equipment_id"
    " on conflict (key) do update set next = greatest(c.next, excluded.next),"
    "  meter_counter = null, meter_title = null";

// $1 master key, $2 now
static const char meters_sql[] =
    "with done as ("
    " insert into keys.meter as k (meter, master, counter, encryption, authentication,"
    "  client_title, meter_title, client_sap, server_sap, imported, wrapped)"
    " select m.number, $1, i.use, i.encryption, i.authentication, i.client_title, i.meter_title,"
    "  i.client_sap, i.server_sap, $2::timestamptz, $2"
    " from incoming i join grid.meter m on m.equipment_id = i.equipment_id"
    " on conflict (meter) do update set version = k.version + 1, master = excluded.master,"
    "  counter = excluded.counter, encryption = excluded.encryption,"
    "  authentication = excluded.authentication, client_title = excluded.client_title,"
    "  meter_title = excluded.meter_title, client_sap = excluded.client_sap,"
    "  server_sap = excluded.server_sap, imported = excluded.imported, wrapped = excluded.wrapped"
    " returning version)"
    "select count(*) filter (where version = 1), count(*) filter (where version > 1) from done";

enum err key_store_apply(struct db *db, const char *master, int64_t *added, int64_t *replaced)
{
    char at[DB_TIME_LEN + 1];
    db_time(clock_utc(), at);
    if (do_once(db, counters_sql))
        return ERR_IO;
    PGresult *result = db_query_once(db, meters_sql, 2, (const char *[]){master, at});
    if (!result)
        return ERR_IO;
    *added = db_get_integer(result, 0, 0);
    *replaced = db_get_integer(result, 0, 1);
    PQclear(result);
    return ERR_NONE;
}

// --- Rotation ---

PGresult *key_store_wrapped_under(struct db *db, const char *master, int64_t above, int count)
{
    char from[NUMBER_LEN], limit[NUMBER_LEN];
    return db_query(db,
                    "select k.meter, m.equipment_id, k.encryption, k.authentication"
                    " from keys.meter k join grid.meter m on m.number = k.meter"
                    " where k.master = $1 and k.meter > $2::bigint order by k.meter"
                    " limit $3::int for update of k",
                    3, (const char *[]){master, number(above, from), number(count, limit)});
}

enum err key_store_rewrap(struct db *db, int64_t meter, const char *master,
                          const struct key_wrapped *wrapped)
{
    char of[NUMBER_LEN], at[DB_TIME_LEN + 1];
    char encryption[OCTETS_TEXT(KEY_WRAPPED_LEN)], authentication[OCTETS_TEXT(KEY_WRAPPED_LEN)];
    db_time(clock_utc(), at);
    return db_do(
        db,
        "update keys.meter set version = version + 1, master = $2, encryption = $3::bytea,"
        " authentication = $4::bytea, wrapped = $5::timestamptz where meter = $1::int",
        5,
        (const char *[]){
            number(meter, of), master,
            octets(wrapped->encryption, KEY_WRAPPED_LEN, encryption, sizeof encryption),
            octets(wrapped->authentication, KEY_WRAPPED_LEN, authentication, sizeof authentication),
            at});
}

// --- What else an operator does ---

static const char list_sql[] =
    "select k.meter, concat_ws(',', m.equipment_id, m.route, m.type, coalesce(m.cell, ''),"
    "  encode(k.client_title, 'hex'), coalesce(encode(coalesce(k.meter_title, c.meter_title),"
    "  'hex'), ''), c.next, coalesce(c.meter_counter::text, ''), k.master, k.version,"
    "  to_char(k.imported at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
    "  case when c.used_up_at is not null then 'used-up' when c.near_end_at is not null"
    "   then 'near-end' else 'fine' end)"
    " from keys.meter k join grid.meter m on m.number = k.meter"
    " join keys.counter c on c.key = k.counter where k.meter > $1::bigint"
    " order by k.meter limit $2::int";

enum err key_store_list(struct db *db, FILE *out)
{
    int64_t above = 0;
    int rows = LIST_ROWS;
    fputs("equipment_id,route,type,cell,client_title,meter_title,next_counter,meter_counter,"
          "master_key,version,imported,counters\n",
          out);
    while (rows == LIST_ROWS) {
        char from[NUMBER_LEN], limit[NUMBER_LEN];
        PGresult *result = db_query(
            db, list_sql, 2, (const char *[]){number(above, from), number(LIST_ROWS, limit)});
        if (!result)
            return ERR_IO;
        rows = PQntuples(result);
        for (int row = 0; row < rows; row++)
            fprintf(out, "%s\n", PQgetvalue(result, row, 1));
        above = rows ? db_get_integer(result, rows - 1, 0) : above;
        PQclear(result);
    }
    return fflush(out) || ferror(out) ? ERR_IO : ERR_NONE;
}

// A generation above all that a process may have seen, for the one that it is in may have been
// opened in what was lost.
static const char open_sql[] =
    "update p3.counter_state set closed = '', generation = 1 + greatest(generation,"
    " (select max(generation) from p3.witness))";
static const char lift_sql[] =
    "with lifted as (update keys.counter set next = least(next + $1::bigint, 4294967296)"
    " returning next)"
    "select count(*), count(*) filter (where next = 4294967296) from lifted";

enum err key_store_restored(struct db *db, int64_t skip, int64_t *lifted, int64_t *ended)
{
    char step[NUMBER_LEN];
    if (do_once(db, open_sql) || do_once(db, "delete from p3.witness"))
        return ERR_IO;
    PGresult *result = db_query_once(db, lift_sql, 1, (const char *[]){number(skip, step)});
    if (!result)
        return ERR_IO;
    *lifted = db_get_integer(result, 0, 0);
    *ended = db_get_integer(result, 0, 1);
    PQclear(result);
    return ERR_NONE;
}
