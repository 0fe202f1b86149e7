// SPDX-License-Identifier: Apache-2.0

#include "services/admin/grid_table.h"
#include "base/log.h"

#include <stdlib.h>

// References stand beside the objects in the temporary table, under kinds of their own.
enum { REFERENCE = 100, COLUMNS = GRID_FIELDS + 1 };

static enum err do_once(struct db *db, const char *sql, int64_t *rows)
{
    PGresult *result = db_query_once(db, sql, 0, NULL);
    if (result && rows)
        *rows += strtoll(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    return result ? ERR_NONE : ERR_IO;
}

enum err grid_table_begin(struct db *db)
{
    if (db_begin(db)
        || do_once(db,
                   "lock table grid.transformer, grid.feeder, grid.connection, grid.meter,"
                   " grid.charger in share row exclusive mode",
                   NULL)
        || do_once(db, "set local work_mem = '256MB'", NULL)
        || do_once(db,
                   "create temporary table incoming (number bigint generated always as identity,"
                   " kind smallint, f1 text, f2 text, f3 text,"
                   " f4 text, f5 text, f6 text, f7 text, f8 text, f9 text) on commit drop",
                   NULL))
        return ERR_IO;
    return db_copy_start(db, "copy incoming (kind, f1, f2, f3, f4, f5, f6, f7, f8, f9) from stdin");
}

enum err grid_table_row(struct db *db, enum grid_kind kind, const char *const fields[GRID_FIELDS])
{
    char number[12];
    const char *row[COLUMNS] = {number};
    snprintf(number, sizeof number, "%d", (int)kind);
    for (int i = 0; i < GRID_FIELDS; i++)
        row[i + 1] = fields[i];
    return db_copy_row(db, COLUMNS, row);
}

enum err grid_table_reference(struct db *db, enum grid_kind kind, const char *id, const char *place)
{
    char number[12];
    snprintf(number, sizeof number, "%d", REFERENCE + (int)kind);
    const char *row[COLUMNS] = {number, id, place};
    return db_copy_row(db, COLUMNS, row);
}

enum err grid_table_rows_end(struct db *db)
{
    if (db_copy_end(db))
        return ERR_IO;
    return do_once(db, "analyze incoming", NULL);
}

enum err grid_table_check(struct db *db, struct findings *findings)
{
    PGresult *result =
        db_query_once(db,
                      "select f2, f1, kind - 100 from incoming where"
                      " kind = 100 and not exists (select from grid.transformer where id = f1)"
                      " or kind = 101 and not exists (select from grid.feeder where id = f1)"
                      " or kind = 102 and not exists (select from grid.connection where ean = f1)"
                      " order by number",
                      0, NULL);
    if (!result)
        return ERR_IO;
    for (int i = 0; i < PQntuples(result); i++)
        findings_add(
            findings, "%s: no %s \"%s\" in this file or in the database", PQgetvalue(result, i, 0),
            grid_kind_name((enum grid_kind)db_get_integer(result, i, 2)), PQgetvalue(result, i, 1));
    PQclear(result);
    return ERR_NONE;
}

// How an object of each kind gets into its table. Updates touch only what differs, so that an
// import of an export changes nothing.
static const struct statements {
    const char *update, *insert;
} statements[GRID_KINDS] = {
    [GRID_TRANSFORMER] =
        {.update = "update grid.transformer t set name = f2, limit_w = f3::integer[] from incoming"
                   " where kind = 0 and t.id = f1"
                   " and (t.name, t.limit_w) is distinct from (f2, f3::integer[])",
         .insert = "insert into grid.transformer (id, name, limit_w) select f1, f2, f3::integer[]"
                   " from incoming where kind = 0"
                   " and not exists (select from grid.transformer where id = f1) order by f1"},
    [GRID_FEEDER] =
        {.update = "update grid.feeder f set transformer = t.number, limit_w = f3::integer[]"
                   " from incoming join grid.transformer t on t.id = f2"
                   " where kind = 1 and f.id = f1"
                   " and (f.transformer, f.limit_w) is distinct from (t.number, f3::integer[])",
         .insert = "insert into grid.feeder (id, transformer, limit_w)"
                   " select f1, t.number, f3::integer[]"
                   " from incoming join grid.transformer t on t.id = f2 where kind = 1"
                   " and not exists (select from grid.feeder where id = f1) order by f1"},
    [GRID_CONNECTION] =
        {.update = "update grid.connection c set feeder = f.number, phases = f3,"
                   " contract_w = f4::integer, floor_w = f5::integer, weight = f6::real"
                   " from incoming join grid.feeder f on f.id = f2"
                   " where kind = 2 and c.ean = f1"
                   " and (c.feeder, c.phases, c.contract_w, c.floor_w, c.weight)"
                   " is distinct from (f.number, f3, f4::integer, f5::integer, f6::real)",
         .insert = "insert into grid.connection (ean, feeder, phases, contract_w, floor_w, weight)"
                   " select f1, f.number, f3, f4::integer, f5::integer, f6::real"
                   " from incoming join grid.feeder f on f.id = f2 where kind = 2"
                   " and not exists (select from grid.connection where ean = f1) order by f1"},
    [GRID_METER] =
        {.update = "update grid.meter m set connection = c.number, route = f3, head_end = f4,"
                   " address = f5, dsmr = f6, message_interval_s = f7::integer, cell = f8,"
                   " type = f9"
                   " from incoming join grid.connection c on c.ean = f2"
                   " where kind = 3 and m.equipment_id = f1"
                   " and (m.connection, m.route, m.head_end, m.address, m.dsmr,"
                   "      m.message_interval_s, m.cell, m.type)"
                   " is distinct from (c.number, f3, f4::grid.identifier, f5, f6, f7::integer,"
                   "      f8::grid.identifier, f9)",
         .insert = "insert into grid.meter (equipment_id, connection, route, head_end, address,"
                   " dsmr, message_interval_s, cell, type)"
                   " select f1, c.number, f3, f4, f5, f6, f7::integer, f8, f9"
                   " from incoming join grid.connection c on c.ean = f2 where kind = 3"
                   " and not exists (select from grid.meter where equipment_id = f1) order by f1"},
    [GRID_CHARGER] =
        {.update = "update grid.charger g set connection = c.number, kind = f3, max_a = f4::real"
                   " from incoming i join grid.connection c on c.ean = f2"
                   " where i.kind = 4 and g.id = f1"
                   " and (g.connection, g.kind, g.max_a)"
                   " is distinct from (c.number, f3, f4::real)",
         .insert = "insert into grid.charger (id, connection, kind, max_a)"
                   " select f1, c.number, f3, f4::real"
                   " from incoming i join grid.connection c on c.ean = f2 where i.kind = 4"
                   " and not exists (select from grid.charger where id = f1) order by f1"},
};

// A meter that moves, or whose connection gets another, first lets go of it: a connection never
// has two.
static enum err let_go(struct db *db, struct grid_changes *changes)
{
    if (do_once(db,
                "update grid.meter m set connection = null"
                " from incoming i join grid.connection c on c.ean = f2"
                " where i.kind = 3 and m.connection = c.number and m.equipment_id <> f1"
                " and not exists (select from incoming where kind = 3 and f1 = m.equipment_id)",
                &changes->gone[GRID_METER]))
        return ERR_IO;
    return do_once(db,
                   "update grid.meter m set connection = null"
                   " from incoming i join grid.connection c on c.ean = f2"
                   " where i.kind = 3 and m.equipment_id = f1 and m.connection <> c.number",
                   NULL);
}

static enum err take_out(struct db *db, struct grid_changes *changes)
{
    if (do_once(db,
                "delete from grid.charger g where not exists"
                " (select from incoming where incoming.kind = 4 and f1 = g.id)",
                &changes->gone[GRID_CHARGER]))
        return ERR_IO;
    return do_once(db,
                   "update grid.meter m set connection = null where connection is not null"
                   " and not exists (select from incoming where kind = 3 and f1 = m.equipment_id)",
                   &changes->gone[GRID_METER]);
}

static bool is_any(const struct grid_changes *changes)
{
    int64_t sum = 0;
    for (int i = 0; i < GRID_KINDS; i++)
        sum += changes->added[i] + changes->changed[i] + changes->gone[i];
    return sum != 0;
}

enum err grid_table_apply(struct db *db, bool replace, struct grid_changes *changes)
{
    *changes = (struct grid_changes){0};
    for (int kind = 0; kind < GRID_KINDS; kind++) {
        const struct statements *do_kind = &statements[kind];
        if ((kind == GRID_METER && let_go(db, changes))
            || do_once(db, do_kind->update, &changes->changed[kind])
            || do_once(db, do_kind->insert, &changes->added[kind]))
            return ERR_IO;
    }
    if (replace && take_out(db, changes))
        return ERR_IO;
    return is_any(changes) ? do_once(db, "notify grid_changed", NULL) : ERR_NONE;
}

// Nulls are left out: leaving out means the same.
#define LINES(columns_and_tables, key)                                                             \
    "select json_strip_nulls(row_to_json(x)) from (select " columns_and_tables " order by " key    \
    " collate \"C\") x"

static const struct list {
    const char *name, *sql;
} lists[GRID_KINDS] = {
    {"transformers", LINES("id, name, limit_w from grid.transformer", "id")},
    {"feeders", LINES("f.id, t.id as transformer, f.limit_w"
                      " from grid.feeder f join grid.transformer t on t.number = f.transformer",
                      "f.id")},
    {"connections", LINES("c.ean, f.id as feeder, c.phases, c.contract_w, c.floor_w, c.weight"
                          " from grid.connection c join grid.feeder f on f.number = c.feeder",
                          "c.ean")},
    {"meters", LINES("m.equipment_id, c.ean as connection, m.route, m.head_end, m.address, m.dsmr,"
                     " m.message_interval_s, m.cell, m.type"
                     " from grid.meter m join grid.connection c on c.number = m.connection",
                     "m.equipment_id")},
    {"chargers", LINES("g.id, c.ean as connection, g.kind, g.max_a"
                       " from grid.charger g join grid.connection c on c.number = g.connection",
                       "g.id")},
};

// Row by row, because the grid may be larger than what we want to hold.
static enum err write_list(struct db *db, const struct list *list, FILE *out)
{
    PGconn *conn = db_raw(db);
    if (!conn || !PQsendQuery(conn, list->sql) || !PQsetSingleRowMode(conn)) {
        db_broken(db);
        return ERR_IO;
    }
    fprintf(out, "\"%s\":[", list->name);
    const char *between = "\n";
    enum err err = ERR_NONE;
    for (PGresult *result; (result = PQgetResult(conn)); PQclear(result)) {
        ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_SINGLE_TUPLE) {
            fprintf(out, "%s%s", between, PQgetvalue(result, 0, 0));
            between = ",\n";
        } else if (status != PGRES_TUPLES_OK) {
            log_error("export.failed", F("why", PQresultErrorMessage(result)));
            err = ERR_IO;
        }
    }
    fputs("]", out);
    return err;
}

enum err grid_table_write(struct db *db, FILE *out)
{
    if (db_begin(db)
        || do_once(db, "set transaction isolation level repeatable read, read only", NULL))
        return ERR_IO;
    fputs("{", out);
    for (int kind = 0; kind < GRID_KINDS; kind++) {
        if (write_list(db, &lists[kind], out)) {
            db_rollback(db);
            return ERR_IO;
        }
        fputs(kind + 1 < GRID_KINDS ? ",\n" : "}\n", out);
    }
    return db_commit(db);
}
