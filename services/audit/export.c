// SPDX-License-Identifier: Apache-2.0

#include "services/audit/export.h"
#include "base/log.h"
#include "base/memory.h"
#include "io/http_pipe.h"
#include "services/audit/answer.h"
#include "wire/accept.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// How often a client that left is noticed while the database has nothing to give.
enum { LOOK_MS = 200 };

static const struct {
    const char *word, *type, *media, *ending;
} forms[] = {
    [FORM_JSON] = {"json", "application/json", "application/json", "json"},
    [FORM_CSV] = {"csv", "text/csv", "text/csv; charset=utf-8; header=present", "csv"},
    [FORM_NDJSON] = {"ndjson", "application/x-ndjson", "application/x-ndjson", "ndjson"},
};
enum { FORMS = sizeof forms / sizeof *forms };

bool form_asked(struct http_request *request, enum form *form)
{
    const char *word = http_query(request, "format");
    const char *accept = http_header(request, "Accept");
    int most = 0;
    *form = FORM_JSON;
    for (int i = 0; i < FORMS; i++) {
        int quality = word ? !strcmp(word, forms[i].word) : accept_type(accept, forms[i].type);
        if (quality > most) {
            most = quality;
            *form = (enum form)i;
        }
    }
    if (!most)
        answer_wrong(request, "format", "json, csv or ndjson");
    return most;
}

// One export, while it lasts.
struct export
{
    struct db *db;
    struct http_pipe *pipe;
    char *sql;
    const char *list;
    int64_t rows;
};

// Wait until the database has more. False: it is gone, or the client is.
static bool wait_for_more(struct export *export)
{
    PGconn *conn = db_raw(export->db);
    struct pollfd ready = {.fd = PQsocket(conn), .events = POLLIN};
    while (http_pipe_is_read(export->pipe))
        if (poll(&ready, 1, LOOK_MS) > 0)
            return PQconsumeInput(conn);
    return false;
}

// Each row that the database has, on to the client. True: that was all of them.
static bool copy_rows(struct export *export)
{
    PGconn *conn = db_raw(export->db);
    for (;;) {
        char *row = NULL;
        int len = PQgetCopyData(conn, &row, 1);
        if (len == 0) {
            if (!wait_for_more(export))
                return false;
            continue;
        }
        if (len < 0)
            break;
        bool is_read = http_pipe_put(export->pipe, row, (size_t)len);
        PQfreemem(row);
        export->rows++;
        if (!is_read)
            return false;
    }
    PGresult *result = PQgetResult(conn);
    bool whole = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (!whole)
        log_warn("export.failed", F("list", export->list), F("why", PQresultErrorMessage(result)));
    PQclear(result);
    return whole;
}

// The database need not go on with what nobody reads.
static void cancel(struct db *db)
{
    char why[128];
    PGcancel *cancel = db_raw(db) ? PQgetCancel(db_raw(db)) : NULL;
    if (cancel && !PQcancel(cancel, why, sizeof why))
        log_debug("export.cancel", F("why", why));
    PQfreeCancel(cancel);
}

static void *run(void *arg)
{
    struct export *export = arg;
    bool whole = copy_rows(export);
    if (!whole)
        cancel(export->db);
    log_info("export.ended", F("list", export->list), F("rows", export->rows), F("whole", whole));
    db_free(export->db);
    http_pipe_end(export->pipe, whole);
    free(export->sql);
    free(export);
    return NULL;
}

// Connected, and the copy begun: until then an error is an answer of its own. The rows shall come
// by the index of the list, however many; and as steadily as the client takes them.
static bool begin(struct export *export, const struct audit *audit, const struct list *list,
                  bool csv, const char *const *values, const struct page_key *keys, int limit)
{
    struct db *db = export->db;
    if (db_connect(db))
        return false;
    char *setup = memory_format("set statement_timeout = %" PRId64 "; set enable_sort = off;"
                                " set jit = off",
                                audit->export_s * 1000);
    PGresult *result = db_query_once(db, setup, 0, NULL);
    free(setup);
    if (!result)
        return false;
    PQclear(result);
    export->sql = list_table_copy(db_raw(db), list, values, keys, limit, csv);
    result = db_query_once(db, export->sql, 0, NULL);
    PQclear(result);
    return result;
}

static void start(struct http_request *request, struct export *export, const char *media)
{
    export->pipe = http_pour(request, media);
    pthread_t thread;
    if (!export->pipe) {
        cancel(export->db);
        db_free(export->db);
        free(export->sql);
        free(export);
    } else if (pthread_create(&thread, NULL, run, export)) {
        log_fatal("audit.failed", F("what", "thread"));
    } else {
        pthread_detach(thread);
    }
}

void export_list(struct http_request *request, const struct list *list, enum form form,
                 const char *const *values, const struct page_key *keys, int limit)
{
    struct audit *audit = answer_audit(request);
    char *file = memory_format("attachment; filename=\"%s.%s\"", list->name, forms[form].ending);
    http_add_header(request, "Content-Disposition", file);
    http_add_header(request, "Cache-Control", "no-store");
    free(file);
    if (!strcmp(http_method(request), "HEAD")) {
        http_answer(request, 200, forms[form].media, memory_text(""), 0);
        return;
    }
    struct export *export = memory_new(1, sizeof *export);
    export->db = db_new(audit->connection, "socmod-audit export");
    export->list = list->name;
    if (begin(export, audit, list, form == FORM_CSV, values, keys, limit)) {
        start(request, export, forms[form].media);
        return;
    }
    answer_trouble(request, export->db);
    db_free(export->db);
    free(export->sql);
    free(export);
}
