// SPDX-License-Identifier: Apache-2.0
// PostgreSQL, spoken to and waited for. A program asks, gets its rows, and does its work
// again later when it got ERR_IO or NULL: the reason has then been logged, once per outage.
//
// Time is always a parameter ($1::timestamptz from db_time()), never now(): the clock of a
// program may not be that of the server. Text format unless a caller asks otherwise.

#ifndef IO_DB_H
#define IO_DB_H

#include "base/clock.h"
#include "io/loop.h"

#include <libpq-fe.h>
#include <stdbool.h>

struct db;

// conninfo as libpq takes it; name is what the server shows of us. Does not connect yet.
// Owned: db_free().
struct db *db_new(const char *conninfo, const char *name);
void db_free(struct db *db);

// Connected? If not, try now, at most for the connect time-out (5 s of machine time), but not
// again before a pause that grows from 0.1 to 3 s: that a cluster has a new leader is found soon.
// ERR_IO while there is no connection.
// Statements name the schema of what they want; nothing is said here about search_path.
MUST_CHECK enum err db_connect(struct db *db);

// When the next db_connect() is worth a try, as machine-time wait on our clocks (for
// loop_timer_in()); 0 when connected.
int64_t db_retry_ns(const struct db *db);

// One statement with $1.. in text; a NULL parameter is SQL NULL. It is prepared on first use,
// so sql must be a constant that stays (compared by its address). Returns the result, owned:
// PQclear(); or NULL when there is no connection, it broke, or the server refused, which was
// logged with the statement's first words; db_sqlstate() then tells why ("" for no connection).
PGresult *db_query(struct db *db, const char *sql, int count, const char *const *params);

// The same for a text made for the occasion, not prepared; several statements without
// parameters may stand in it.
PGresult *db_query_once(struct db *db, const char *sql, int count, const char *const *params);

// The same where no rows are wanted.
MUST_CHECK enum err db_do(struct db *db, const char *sql, int count, const char *const *params);

// Several statements, each as with db_query(), in one exchange with the server. On ERR_NONE each
// result is owned; on ERR_IO there are none.
struct db_ask {
    const char *sql;
    int count;
    const char *const *params;
    const int *lengths; // of params that are in binary; NULL: they are texts
    bool binary; // the result comes as the server's types send themselves, which costs both less
};
enum { DB_ASKS_MAX = 8 };
MUST_CHECK enum err db_query_all(struct db *db, const struct db_ask *asks, int count,
                                 PGresult **results);

const char *db_sqlstate(const struct db *db);

// What the server said of the last refusal, one line, for a person. Borrowed until the next call.
const char *db_message(const struct db *db);

// BEGIN, COMMIT, ROLLBACK. A failed commit is ERR_IO and nothing of it stands.
MUST_CHECK enum err db_begin(struct db *db);
MUST_CHECK enum err db_commit(struct db *db);
void db_rollback(struct db *db);

// COPY table(columns) FROM STDIN in text format: start, rows, end. A row's fields are escaped
// here; NULL is SQL NULL.
MUST_CHECK enum err db_copy_start(struct db *db, const char *sql);
MUST_CHECK enum err db_copy_row(struct db *db, int count, const char *const *fields);
MUST_CHECK enum err db_copy_end(struct db *db);

// Hear the doorbells: after each connect LISTEN to the channels named (NULL ends the list) and
// call fn(arg, channel, payload) in the loop for each notification, also for those that arrive
// in the middle of a query (then from a later turn). A new connection calls
// fn(arg, "", "") once: whatever rang meanwhile was missed, so look at the rows. Who listens is
// also connected anew without asking, from the first turn of the loop on.
void db_listen(struct db *db, struct loop *loop, const char *const *channels,
               void (*fn)(void *arg, const char *channel, const char *payload), void *arg);

// The connection itself, for what the above lacks (binary COPY, pipelines); NULL when there
// is none. After an error there, call db_broken().
PGconn *db_raw(struct db *db);
void db_broken(struct db *db);

// A time as the server reads it, microseconds kept: "2026-01-14 16:15:00.000000Z".
enum { DB_TIME_LEN = 27 };
void db_time(struct utc utc, char text[static DB_TIME_LEN + 1]);
// The same of any second that rfc3339_parse() reads, which struct utc does not hold.
void db_time_s(int64_t utc, char text[static DB_TIME_LEN + 1]);

// Results are read by column number; the text "2026-01-14 16:15:00+00" that the server gives
// for a timestamptz (the session runs in UTC) back to seconds; -1 where it is NULL.
int64_t db_get_time(const PGresult *result, int row, int column);
int64_t db_get_integer(const PGresult *result, int row, int column); // 0 where NULL

// The same of a result in binary format, neither of them NULL: an integer of any size; and a
// timestamptz in microseconds since 1970, INT64_MIN or INT64_MAX where it is infinite.
int64_t db_binary_integer(const PGresult *result, int row, int column);
int64_t db_binary_us(const PGresult *result, int row, int column);

// The settings each program with a database has.
#define DB_SETTINGS(place, role)                                                                   \
    {                                                                                              \
        "database", "connection",                                                                  \
            .text = &(place), .otherwise = "dbname=socmod user=" role,                             \
            .help = "how to reach PostgreSQL, as libpq says it; passwords belong in ~/.pgpass"     \
    }

#endif
