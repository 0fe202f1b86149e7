// SPDX-License-Identifier: Apache-2.0

#include "services/admin/migration_table.h"
#include "base/log.h"
#include "base/memory.h"
#include "services/admin/event_table.h"

#include <stdlib.h>

static enum err do_once(struct db *db, const char *sql)
{
    PGresult *result = db_query_once(db, sql, 0, NULL);
    PQclear(result);
    return result ? ERR_NONE : ERR_IO;
}

// Any number does as the lock's name that nobody else uses in this database.
static enum err lock(struct db *db)
{
    PGresult *tried = db_query_once(db, "select pg_try_advisory_lock(7391520641)", 0, NULL);
    if (!tried)
        return ERR_IO;
    bool ours = *PQgetvalue(tried, 0, 0) == 't';
    PQclear(tried);
    if (ours)
        return ERR_NONE;
    log_info("migration.waits", F("for", "another socmod-admin"));
    return do_once(db, "select pg_advisory_lock(7391520641)");
}

enum err migration_table_open(struct db *db)
{
    // So that the server lets go of what we hold soon after we were killed.
    if (do_once(db, "set client_connection_check_interval = '1s'") || lock(db))
        return ERR_IO;
    return do_once(db, "create table if not exists public.socmod_migration ("
                       " name text primary key,"
                       " checksum text not null,"
                       " applied timestamptz not null)");
}

struct migration_row *migration_table_read(struct db *db, PGresult **result, size_t *count)
{
    *result =
        db_query_once(db,
                      "select name, checksum, to_char(applied, 'YYYY-MM-DD HH24:MI') || ' UTC'"
                      " from public.socmod_migration order by name",
                      0, NULL);
    if (!*result)
        return NULL;
    *count = (size_t)PQntuples(*result);
    struct migration_row *rows = memory_new(*count, sizeof *rows);
    for (int i = 0; i < PQntuples(*result); i++)
        rows[i] = (struct migration_row){PQgetvalue(*result, i, 0), PQgetvalue(*result, i, 1),
                                         PQgetvalue(*result, i, 2)};
    return rows;
}

enum err migration_table_roles(struct db *db)
{
    // Roles belong to the cluster, so a migration of another database may make them meanwhile.
    return do_once(db, "do $$ declare name text; begin"
                       " foreach name in array array['socmod_ingest', 'socmod_planner',"
                       "                             'socmod_p3', 'socmod_audit'] loop"
                       "  begin"
                       "   if not exists (select from pg_roles where rolname = name) then"
                       "    execute format('create role %I login', name);"
                       "   end if;"
                       "  exception when duplicate_object or unique_violation then null;"
                       "  end;"
                       " end loop;"
                       "end $$");
}

// The server counts characters from 1, we lines.
static int line_at(const struct migration *file, long position)
{
    int line = 1;
    for (size_t i = 0; i < file->len && position > 1; i++) {
        if (file->text[i] == '\n')
            line++;
        if (((unsigned char)file->text[i] & 0xc0) != 0x80)
            position--;
    }
    return line;
}

static void complain(const struct migration *file, PGconn *conn, const PGresult *result)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    fprintf(stderr, "%s:", file->name);
    if (position)
        fprintf(stderr, "%d:", line_at(file, strtol(position, NULL, 10)));
    fprintf(stderr, " %s%s%s\n", message ? message : PQerrorMessage(conn), detail ? ": " : "",
            detail ? detail : "");
}

static enum err execute(struct db *db, const struct migration *file)
{
    PGresult *result = PQexec(db_raw(db), file->text);
    ExecStatusType status = PQresultStatus(result);
    enum err err = ERR_NONE;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY) {
        complain(file, db_raw(db), result);
        err = ERR_IO;
    }
    PQclear(result);
    return err;
}

enum err migration_table_apply(struct db *db, const struct migration *file)
{
    char at[DB_TIME_LEN + 1];
    db_time(clock_utc(), at);
    const char *params[] = {file->name, file->checksum, at};
    if (!db_begin(db) && !execute(db, file)
        && !db_do(db,
                  "insert into public.socmod_migration values ($1, $2, $3)"
                  " on conflict (name) do update set checksum = $2, applied = $3",
                  3, params)
        && !event_table_add(db, "migration.applied", file->name, NULL) && !db_commit(db))
        return ERR_NONE;
    db_rollback(db);
    return ERR_IO;
}
