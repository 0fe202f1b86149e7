// SPDX-License-Identifier: Apache-2.0

#include "io/db.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metric.h"
#include "base/rfc3339.h"
#include "io/tls_probe.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PREPARED = 96, FIRST_PAUSE_MS = 100, LONGEST_PAUSE_MS = 3000 };

static const char READ_ONLY[] = "25006";

struct db {
    char *conninfo, *name;
    PGconn *conn;
    bool down_told, refusal_told;
    int pause_ms;
    struct mono not_before;
    const char *prepared[MAX_PREPARED];
    int prepared_count;
    char sqlstate[6];
    char *message;

    struct loop *loop;
    struct loop_watch *watch;
    struct loop_timer *later; // for notifications that came during a query, and to connect anew
    const char *const *channels;
    void (*fn)(void *arg, const char *channel, const char *payload);
    void *arg;
    bool connected_untold;
};

enum { STATEMENTS, STATEMENT_SECONDS, REFUSED, LOST };
static struct metric metrics[] = {
    [STATEMENTS] = METRIC_COUNTS("socmod_database_statements_total",
                                 "Statements that the database was given."),
    [STATEMENT_SECONDS] =
        METRIC_COUNTS("socmod_database_seconds_total", "Time spent waiting for their answers."),
    [REFUSED] = METRIC_COUNTS("socmod_database_refused_total", "Of them, those that it refused."),
    [LOST] = METRIC_COUNTS("socmod_database_lost_total",
                           "Connections to the database that broke or could not be made."),
};

struct db *db_new(const char *conninfo, const char *name)
{
    struct db *db = memory_new(1, sizeof *db);
    db->conninfo = memory_text(conninfo);
    db->name = memory_text(name);
    db->message = memory_text("");
    metric_join(metrics, sizeof metrics / sizeof *metrics);
    return db;
}

static void close_connection(struct db *db)
{
    loop_unwatch(db->watch);
    db->watch = NULL;
    PQfinish(db->conn);
    db->conn = NULL;
    db->prepared_count = 0;
    db->connected_untold = false;
}

void db_free(struct db *db)
{
    if (!db)
        return;
    close_connection(db);
    loop_timer_free(db->later);
    free(db->conninfo);
    free(db->name);
    free(db->message);
    free(db);
}

// Keep what the server said as one line.
static void keep_message(struct db *db, const char *text)
{
    free(db->message);
    db->message = memory_text(text);
    for (char *at = db->message; *at; at++)
        if (*at == '\n' || *at == '\t')
            *at = at[1] ? ' ' : '\0';
}

static void put_off(struct db *db)
{
    db->pause_ms = !db->pause_ms ? FIRST_PAUSE_MS : 2 * db->pause_ms;
    if (db->pause_ms > LONGEST_PAUSE_MS)
        db->pause_ms = LONGEST_PAUSE_MS;
    db->not_before.ns = clock_mono().ns + clock_machine_ns(db->pause_ms * SECONDS_NS / 1000);
}

int64_t db_retry_ns(const struct db *db)
{
    if (db->conn)
        return 0;
    int64_t wait = db->not_before.ns - clock_mono().ns;
    return wait > 0 ? wait : 0;
}

static const char *option_of(const PQconninfoOption *options, const char *keyword)
{
    for (; options && options->keyword; options++)
        if (!strcmp(options->keyword, keyword))
            return options->val ? options->val : "";
    return "";
}

// Where a connection came to nothing because of TLS: who of us two refuses, once in an outage. The
// library does not tell an authority that it does not know from a certificate that has ended.
static void explain(struct db *db)
{
    const char *said = PQerrorMessage(db->conn), *host = PQhost(db->conn);
    if (db->refusal_told || !host || *host == '/'
        || (!strstr(said, "SSL") && !strstr(said, "certificate")))
        return;
    PQconninfoOption *options = PQconninfo(db->conn);
    const struct tls_probe probe = {
        .host = host,
        .port = PQport(db->conn),
        .ca_file = option_of(options, "sslrootcert"),
        .certificate_file = option_of(options, "sslcert"),
        .key_file = option_of(options, "sslkey"),
        .is_postgres = true,
        .trusts_any = strcmp(option_of(options, "sslmode"), "verify-full") != 0,
    };
    char why[TLS_PROBE_WHY];
    if (!tls_probe_refused(&probe, why))
        snprintf(why, sizeof why, "it says: %.*s", (int)strcspn(said, "\n"), said);
    log_warn("tls.refused", F("peer", host), F("why", why));
    db->refusal_told = true;
    PQconninfoFree(options);
}

static void on_trouble(struct db *db, const char *why)
{
    keep_message(db, why);
    db->sqlstate[0] = '\0';
    if (!db->down_told)
        log_warn("database.lost", F("why", db->message));
    db->down_told = true;
    metric_add(&metrics[LOST], 1);
    close_connection(db);
    put_off(db);
    if (db->fn) // whoever listens may have no other reason to come back
        loop_timer_in(db->later, db_retry_ns(db));
}

static void hear(struct db *db)
{
    if (db->connected_untold) {
        db->connected_untold = false;
        db->fn(db->arg, "", "");
    }
    for (PGnotify *note; db->conn && (note = PQnotifies(db->conn));) {
        db->fn(db->arg, note->relname, note->extra);
        PQfreemem(note);
    }
}

static void on_readable(void *arg, uint32_t events)
{
    struct db *db = arg;
    (void)events;
    if (!PQconsumeInput(db->conn))
        on_trouble(db, PQerrorMessage(db->conn));
    hear(db);
}

// Notifications that arrived together with the answer to a query have been read from the
// socket, so nothing would wake us for them.
static void hear_later(struct db *db)
{
    if (db->fn)
        loop_timer_in(db->later, 0);
}

static bool listen_to_all(struct db *db)
{
    for (const char *const *channel = db->channels; channel && *channel; channel++) {
        char *sql = memory_format("LISTEN %s", *channel);
        PGresult *result = PQexec(db->conn, sql);
        bool fine = PQresultStatus(result) == PGRES_COMMAND_OK;
        PQclear(result);
        free(sql);
        if (!fine)
            return false;
    }
    if (db->fn) {
        db->watch = loop_watch(db->loop, PQsocket(db->conn), EPOLLIN, on_readable, db);
        db->connected_untold = true;
        hear_later(db);
    }
    return true;
}

static void ignore_notice(void *arg, const char *message)
{
    (void)arg;
    log_debug("database.notice", F("text", message));
}

enum err db_connect(struct db *db)
{
    if (db->conn)
        return ERR_NONE;
    if (clock_mono().ns < db->not_before.ns)
        return ERR_IO;
    // What stands before dbname, the settings may overrule: a server that went without a word is
    // noticed within half a minute.
    const char *const keys[] = {"keepalives_idle",  "keepalives_interval",
                                "keepalives_count", "tcp_user_timeout",
                                "dbname",           "fallback_application_name",
                                "connect_timeout",  "options",
                                "client_encoding",  NULL};
    const char *const values[] = {"10",         "5",      "3", "25000",
                                  db->conninfo, db->name, "5", "-c timezone=UTC -c datestyle=ISO",
                                  "UTF8",       NULL};
    db->conn = PQconnectdbParams(keys, values, 1);
    if (PQstatus(db->conn) != CONNECTION_OK || !listen_to_all(db)) {
        explain(db);
        on_trouble(db, PQerrorMessage(db->conn));
        return ERR_IO;
    }
    PQsetNoticeProcessor(db->conn, ignore_notice, NULL);
    if (db->down_told)
        log_info("database.back");
    db->down_told = db->refusal_told = false;
    db->pause_ms = 0;
    return ERR_NONE;
}

static void on_later(void *arg)
{
    struct db *db = arg;
    int64_t wait = db_retry_ns(db);
    if (wait > 0)
        loop_timer_in(db->later, wait);
    else if (!db_connect(db))
        hear(db);
}

static void put_first_words(const char *sql, char *words, size_t size)
{
    snprintf(words, size, "%s", sql);
    for (char *at = words; *at; at++)
        if (*at == '\n' || *at == '\t')
            *at = ' ';
}

// A server that goes down may say so, or the library may, while the connection still looks well.
// One that only reads is a standby now: whoever leads is found by connecting anew.
static bool is_lost(const struct db *db, const PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    return PQstatus(db->conn) != CONNECTION_OK || !PQresultErrorField(result, PG_DIAG_SQLSTATE)
           || !strcmp(PQresultErrorField(result, PG_DIAG_SQLSTATE), READ_ONLY)
           || (severity && (!strcmp(severity, "FATAL") || !strcmp(severity, "PANIC")));
}

// Take the result where it is one; else log, forget a broken connection, and return NULL.
static PGresult *accept(struct db *db, PGresult *result, const char *sql)
{
    hear_later(db);
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_COPY_IN
        || status == PGRES_COPY_OUT || status == PGRES_EMPTY_QUERY) {
        db->sqlstate[0] = '\0';
        return result;
    }
    if (is_lost(db, result)) {
        PQclear(result);
        on_trouble(db, PQerrorMessage(db->conn));
        return NULL;
    }
    metric_add(&metrics[REFUSED], 1);
    snprintf(db->sqlstate, sizeof db->sqlstate, "%s", PQresultErrorField(result, PG_DIAG_SQLSTATE));
    keep_message(db, PQresultErrorMessage(result));
    char words[64];
    put_first_words(sql, words, sizeof words);
    log_warn("database.refused", F("sqlstate", db->sqlstate), F("why", db->message),
             F("statement", words));
    PQclear(result);
    return NULL;
}

static int64_t machine_ns(void)
{
    return clock_real_ns(clock_mono().ns);
}

static void count_statement(int64_t began_ns)
{
    metric_add(&metrics[STATEMENTS], 1);
    metric_add(&metrics[STATEMENT_SECONDS], (double)(machine_ns() - began_ns) * 1e-9);
}

static int find_prepared(struct db *db, const char *sql)
{
    for (int i = 0; i < db->prepared_count; i++)
        if (db->prepared[i] == sql)
            return i;
    return -1;
}

enum { NAME_LEN = 16 };

// The name of sql among the prepared statements, preparing it first where need be. ERR_SIZE: there
// are too many already.
static enum err prepare(struct db *db, const char *sql, char name[static NAME_LEN])
{
    int at = find_prepared(db, sql);
    snprintf(name, NAME_LEN, "s%d", at < 0 ? db->prepared_count : at);
    if (at >= 0)
        return ERR_NONE;
    if (db->prepared_count == MAX_PREPARED)
        return ERR_SIZE;
    PGresult *prepared = accept(db, PQprepare(db->conn, name, sql, 0, NULL), sql);
    if (!prepared)
        return ERR_IO;
    PQclear(prepared);
    db->prepared[db->prepared_count++] = sql;
    return ERR_NONE;
}

PGresult *db_query(struct db *db, const char *sql, int count, const char *const *params)
{
    char name[NAME_LEN];
    if (db_connect(db))
        return NULL;
    enum err err = prepare(db, sql, name);
    if (err)
        return err == ERR_SIZE ? db_query_once(db, sql, count, params) : NULL;
    int64_t began_ns = machine_ns();
    PGresult *result = PQexecPrepared(db->conn, name, count, params, NULL, NULL, 0);
    count_statement(began_ns);
    return accept(db, result, sql);
}

enum { PARAMS_MAX = 8 };
static const int all_binary[PARAMS_MAX] = {1, 1, 1, 1, 1, 1, 1, 1};

static const int *formats_of(const struct db_ask *ask)
{
    assert(!ask->lengths || ask->count <= PARAMS_MAX);
    return ask->lengths ? all_binary : NULL;
}

// Send all, and a mark behind them.
static bool send_all(struct db *db, const struct db_ask *asks, int count,
                     char names[static DB_ASKS_MAX][NAME_LEN])
{
    bool sent = PQenterPipelineMode(db->conn);
    for (int i = 0; i < count && sent; i++)
        sent = PQsendQueryPrepared(db->conn, names[i], asks[i].count, asks[i].params,
                                   asks[i].lengths, formats_of(&asks[i]), asks[i].binary);
    return sent && PQpipelineSync(db->conn);
}

// Read one result for each, NULL where the connection broke, and the mark.
static void receive_all(struct db *db, int count, PGresult **results)
{
    for (int i = 0; i < count; i++) {
        results[i] = PQgetResult(db->conn);
        if (results[i])
            PQclear(PQgetResult(db->conn)); // there is none: so each one ends
    }
    PQclear(PQgetResult(db->conn));
    PQexitPipelineMode(db->conn);
}

static void clear_all(PGresult **results, int count)
{
    for (int i = 0; i < count; i++)
        PQclear(results[i]);
}

static enum err accept_all(struct db *db, const struct db_ask *asks, int count, PGresult **results)
{
    for (int i = 0; i < count; i++) {
        results[i] = accept(db, results[i], asks[i].sql);
        if (!results[i]) {
            clear_all(results, count);
            return ERR_IO;
        }
    }
    return ERR_NONE;
}

static PGresult *ask_once(struct db *db, const struct db_ask *ask)
{
    if (db_connect(db))
        return NULL;
    int64_t began_ns = machine_ns();
    PGresult *result = PQexecParams(db->conn, ask->sql, ask->count, NULL, ask->params, ask->lengths,
                                    formats_of(ask), ask->binary);
    count_statement(began_ns);
    return accept(db, result, ask->sql);
}

// Where more cannot be prepared.
static enum err ask_in_turn(struct db *db, const struct db_ask *asks, int count, PGresult **results)
{
    for (int i = 0; i < count; i++) {
        results[i] = ask_once(db, &asks[i]);
        if (!results[i]) {
            clear_all(results, i);
            return ERR_IO;
        }
    }
    return ERR_NONE;
}

enum err db_query_all(struct db *db, const struct db_ask *asks, int count, PGresult **results)
{
    char names[DB_ASKS_MAX][NAME_LEN];
    assert(count <= DB_ASKS_MAX);
    if (db_connect(db))
        return ERR_IO;
    for (int i = 0; i < count; i++) {
        enum err err = prepare(db, asks[i].sql, names[i]);
        if (err)
            return err == ERR_SIZE ? ask_in_turn(db, asks, count, results) : ERR_IO;
    }
    int64_t began_ns = machine_ns();
    if (!send_all(db, asks, count, names)) {
        on_trouble(db, PQerrorMessage(db->conn));
        return ERR_IO;
    }
    receive_all(db, count, results);
    count_statement(began_ns);
    return accept_all(db, asks, count, results);
}

PGresult *db_query_once(struct db *db, const char *sql, int count, const char *const *params)
{
    if (db_connect(db))
        return NULL;
    int64_t began_ns = machine_ns();
    PGresult *result = count ? PQexecParams(db->conn, sql, count, NULL, params, NULL, NULL, 0)
                             : PQexec(db->conn, sql);
    count_statement(began_ns);
    return accept(db, result, sql);
}

enum err db_do(struct db *db, const char *sql, int count, const char *const *params)
{
    PGresult *result = db_query(db, sql, count, params);
    PQclear(result);
    return result ? ERR_NONE : ERR_IO;
}

const char *db_sqlstate(const struct db *db)
{
    return db->sqlstate;
}

const char *db_message(const struct db *db)
{
    return db->message;
}

static enum err do_once(struct db *db, const char *sql)
{
    PGresult *result = db_query_once(db, sql, 0, NULL);
    PQclear(result);
    return result ? ERR_NONE : ERR_IO;
}

enum err db_begin(struct db *db)
{
    return do_once(db, "BEGIN");
}

enum err db_commit(struct db *db)
{
    PGresult *result = db_query_once(db, "COMMIT", 0, NULL);
    // A COMMIT of a transaction that had failed is answered "ROLLBACK".
    enum err err = result && !strcmp(PQcmdStatus(result), "COMMIT") ? ERR_NONE : ERR_IO;
    PQclear(result);
    return err;
}

void db_rollback(struct db *db)
{
    if (db->conn && PQtransactionStatus(db->conn) != PQTRANS_IDLE && do_once(db, "ROLLBACK"))
        log_debug("database.rollback_failed");
}

enum err db_copy_start(struct db *db, const char *sql)
{
    PGresult *result = db_query_once(db, sql, 0, NULL);
    bool started = result && PQresultStatus(result) == PGRES_COPY_IN;
    PQclear(result);
    return started ? ERR_NONE : ERR_IO;
}

// Append field as COPY's text format wants it; returns the end.
static char *escape(char *to, const char *field)
{
    for (; *field; field++) {
        switch (*field) {
        case '\\':
            *to++ = '\\', *to++ = '\\';
            break;
        case '\n':
            *to++ = '\\', *to++ = 'n';
            break;
        case '\r':
            *to++ = '\\', *to++ = 'r';
            break;
        case '\t':
            *to++ = '\\', *to++ = 't';
            break;
        default:
            *to++ = *field;
        }
    }
    return to;
}

enum err db_copy_row(struct db *db, int count, const char *const *fields)
{
    if (!db->conn)
        return ERR_IO;
    size_t room = 1;
    for (int i = 0; i < count; i++)
        room += 2 * (fields[i] ? strlen(fields[i]) : 1) + 1;
    char small[1024];
    small[0] = '\0';
    char *row = room <= sizeof small ? small : memory_new(room, 1);
    char *end = row;
    for (int i = 0; i < count; i++) {
        if (fields[i])
            end = escape(end, fields[i]);
        else
            *end++ = '\\', *end++ = 'N';
        *end++ = i + 1 < count ? '\t' : '\n';
    }
    int put = PQputCopyData(db->conn, row, (int)(end - row));
    if (row != small)
        free(row);
    if (put == 1)
        return ERR_NONE;
    on_trouble(db, PQerrorMessage(db->conn));
    return ERR_IO;
}

enum err db_copy_end(struct db *db)
{
    if (!db->conn)
        return ERR_IO;
    if (PQputCopyEnd(db->conn, NULL) != 1) {
        on_trouble(db, PQerrorMessage(db->conn));
        return ERR_IO;
    }
    enum err err = ERR_NONE;
    for (PGresult *result; db->conn && (result = PQgetResult(db->conn));) {
        result = accept(db, result, "COPY");
        if (!result)
            err = ERR_IO;
        PQclear(result);
    }
    return db->conn ? err : ERR_IO;
}

void db_listen(struct db *db, struct loop *loop, const char *const *channels,
               void (*fn)(void *arg, const char *channel, const char *payload), void *arg)
{
    db->loop = loop;
    db->channels = channels;
    db->fn = fn;
    db->arg = arg;
    db->later = loop_timer_new(loop, on_later, db);
    close_connection(db); // the next one listens
    hear_later(db);
}

PGconn *db_raw(struct db *db)
{
    return db->conn;
}

void db_broken(struct db *db)
{
    on_trouble(db, db->conn ? PQerrorMessage(db->conn) : "closed");
}

void db_time(struct utc utc, char text[static DB_TIME_LEN + 1])
{
    char seconds[RFC3339_LEN + 1];
    int64_t part = (utc.ns % SECONDS_NS + SECONDS_NS) % SECONDS_NS;
    rfc3339_format((utc.ns - part) / SECONDS_NS, seconds);
    snprintf(text, DB_TIME_LEN + 1, "%.10s %.8s.%06dZ", seconds, seconds + 11, (int)(part / 1000));
}

void db_time_s(int64_t utc, char text[static DB_TIME_LEN + 1])
{
    char seconds[RFC3339_LEN + 1];
    rfc3339_format(utc, seconds);
    snprintf(text, DB_TIME_LEN + 1, "%.10s %.8sZ", seconds, seconds + 11);
}

int64_t db_get_time(const PGresult *result, int row, int column)
{
    const char *text = PQgetvalue(result, row, column);
    int64_t utc;
    char iso[40];
    // The server writes "2026-01-14 16:15:00.5+00"; RFC 3339 wants a T and minutes of offset.
    if (snprintf(iso, sizeof iso, "%s:00", text) < 19)
        return -1;
    iso[10] = 'T';
    return rfc3339_parse(iso, strlen(iso), &utc) ? -1 : utc;
}

int64_t db_get_integer(const PGresult *result, int row, int column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

int64_t db_binary_integer(const PGresult *result, int row, int column)
{
    const unsigned char *at = (const unsigned char *)PQgetvalue(result, row, column);
    int len = PQgetlength(result, row, column);
    uint64_t value = len && *at & 0x80 ? UINT64_MAX : 0;
    for (int i = 0; i < len; i++)
        value = value << 8 | at[i];
    return (int64_t)value;
}

int64_t db_binary_us(const PGresult *result, int row, int column)
{
    static const int64_t year_2000 = INT64_C(946684800000000);
    int64_t us = db_binary_integer(result, row, column);
    return us == INT64_MIN || us > INT64_MAX - year_2000 ? us : us + year_2000;
}
