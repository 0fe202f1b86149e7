// SPDX-License-Identifier: Apache-2.0

#include "services/audit/answer.h"
#include "base/buffer.h"
#include "base/digest.h"
#include "base/memory.h"
#include "services/audit/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ETAG_DIGITS = 32 };

struct audit *answer_audit(struct http_request *request)
{
    struct worker *worker = http_worker(request);
    return worker->audit;
}

struct db *answer_db(struct http_request *request)
{
    return worker_db(http_worker(request));
}

void answer_text(struct http_request *request, const char *type, char *text, size_t len)
{
    struct digest digest = digest_of(text, len);
    char hex[DIGEST_TEXT_LEN + 1], etag[ETAG_DIGITS + 3];
    digest_format(&digest, hex);
    snprintf(etag, sizeof etag, "\"%.*s\"", ETAG_DIGITS, hex);
    http_add_header(request, "ETag", etag);
    http_add_header(request, "Cache-Control", "private, no-cache");
    http_answer(request, 200, type, text, len);
}

void answer_json(struct http_request *request, char *text)
{
    answer_text(request, "application/json", text, strlen(text));
}

void answer_too_slow(struct http_request *request)
{
    http_add_header(request, "Retry-After", "30");
    http_problem(request, 503, "too-slow", "this takes too long: ask for less");
}

void answer_trouble(struct http_request *request, struct db *db)
{
    const char *state = db_sqlstate(db);
    if (!strcmp(state, "57014")) { // query_canceled, by statement_timeout
        answer_too_slow(request);
    } else if (*state) {
        http_problem(request, 500, "internal", "the database refused the question; see the log");
    } else {
        http_add_header(request, "Retry-After", "2");
        http_problem(request, 503, "database", "the database does not answer");
    }
}

void answer_missing(struct http_request *request, const char *thing)
{
    char *detail = memory_format("no such %s", thing);
    http_problem(request, 404, "not-found", detail);
    free(detail);
}

void answer_wrong(struct http_request *request, const char *parameter, const char *form)
{
    char *detail = memory_format("%s: wanted is %s", parameter, form);
    http_problem(request, 400, "parameter", detail);
    free(detail);
}

void answer_row(struct http_request *request, PGresult *result, struct db *db, const char *thing)
{
    if (!result)
        answer_trouble(request, db);
    else if (!PQntuples(result))
        answer_missing(request, thing);
    else
        answer_json(request, memory_text(PQgetvalue(result, 0, 0)));
    PQclear(result);
}

bool answer_takes_id(struct http_request *request, enum parameter_kind kind, const char *thing,
                     char value[static PARAMETER_MAX + 1])
{
    if (!parameter_parse(kind, http_part(request, 0), value))
        return true;
    answer_missing(request, thing);
    return false;
}

// What a page is asked by.
struct asked {
    enum form form;
    int limit; // of an export: 0 where not asked
    bool has_cursor;
    struct page_key keys[PAGE_KEYS];
    char text[LIST_FILTERS][PARAMETER_MAX + 1];
    const char *values[LIST_FILTERS];
};

// The filters of the query into asked. False: one is wrong, and that was answered.
static bool take_filters(struct http_request *request, const struct list *list,
                         const char *const *preset, struct asked *asked)
{
    for (int i = 0; list->filters[i].name; i++) {
        const struct list_filter *filter = &list->filters[i];
        const char *given = http_query(request, filter->name);
        asked->values[i] = preset ? preset[i] : NULL;
        if (asked->values[i] || filter->required || !given)
            continue;
        if (parameter_parse(filter->kind, given, asked->text[i])) {
            answer_wrong(request, filter->name, parameter_form(filter->kind));
            return false;
        }
        asked->values[i] = asked->text[i];
    }
    return true;
}

static bool take_page(struct http_request *request, const struct list *list, struct asked *asked)
{
    if (parameter_limit(http_query(request, "limit"), &asked->limit)) {
        answer_wrong(request, "limit", "a number from 1 to 1000");
        return false;
    }
    if (asked->form != FORM_JSON && !http_query(request, "limit"))
        asked->limit = 0; // the whole list
    const char *cursor = http_query(request, "cursor");
    asked->has_cursor = cursor;
    if (cursor && page_decode(cursor, list->name, list->keys, asked->keys)) {
        answer_wrong(request, "cursor", "what \"next\" of this list said");
        return false;
    }
    return true;
}

// Link: the same question, from cursor on (RFC 8288).
static void link_next(struct http_request *request, const struct list *list, int limit,
                      const char *cursor)
{
    char *link = NULL;
    size_t len;
    FILE *out = open_memstream(&link, &len);
    fprintf(out, "<%s?limit=%d&cursor=%s", http_path(request), limit, cursor);
    for (int i = 0; list->filters[i].name; i++) {
        const char *given = http_query(request, list->filters[i].name);
        char *escaped = given ? parameter_escape(given) : NULL;
        if (escaped)
            fprintf(out, "&%s=%s", list->filters[i].name, escaped);
        free(escaped);
    }
    fputs(">; rel=\"next\"", out);
    fclose(out);
    http_add_header(request, "Link", link);
    free(link);
}

static void find_next(const struct list *list, const PGresult *result, int last,
                      char cursor[static PAGE_CURSOR_MAX + 1])
{
    struct page_key keys[PAGE_KEYS];
    const char *texts[PAGE_KEYS];
    list_table_keys(list, result, last, keys);
    for (int i = 0; i < PAGE_KEYS; i++)
        texts[i] = keys[i].text;
    page_encode(list->name, list->keys, texts, cursor);
}

static void answer_page(struct http_request *request, const struct list *list, int limit,
                        const PGresult *result)
{
    struct buffer out = {0};
    int rows = PQntuples(result);
    buffer_add_text(&out, "{\"items\":[");
    for (int i = 0; i < rows && i < limit; i++) {
        if (i)
            buffer_add_text(&out, ",\n");
        list_table_put(&out, list, result, i);
    }
    if (rows > limit) {
        char cursor[PAGE_CURSOR_MAX + 1];
        find_next(list, result, limit - 1, cursor);
        link_next(request, list, limit, cursor);
        buffer_add_format(&out, "],\"next\":\"%s\"}", cursor);
    } else {
        buffer_add_text(&out, "],\"next\":null}");
    }
    answer_json(request, buffer_take(&out));
}

void answer_list(struct http_request *request, const struct list *list, const char *const *preset)
{
    struct asked asked;
    if (!form_asked(request, &asked.form) || !take_filters(request, list, preset, &asked)
        || !take_page(request, list, &asked))
        return;
    const struct page_key *keys = asked.has_cursor ? asked.keys : NULL;
    if (asked.form != FORM_JSON) {
        export_list(request, list, asked.form, asked.values, keys, asked.limit);
        return;
    }
    struct db *db = answer_db(request);
    PGresult *result = list_table_page(db, list, asked.values, keys, asked.limit);
    if (result)
        answer_page(request, list, asked.limit, result);
    else
        answer_trouble(request, db);
    PQclear(result);
}

void answer_item(struct http_request *request, const struct list *list, const char *const *preset,
                 const char *thing)
{
    const char *values[LIST_FILTERS] = {NULL};
    for (int i = 0; list->filters[i].name; i++)
        values[i] = preset[i];
    struct db *db = answer_db(request);
    PGresult *result = list_table_page(db, list, values, NULL, 1);
    if (!result) {
        answer_trouble(request, db);
    } else if (!PQntuples(result)) {
        answer_missing(request, thing);
    } else {
        struct buffer out = {0};
        list_table_put(&out, list, result, 0);
        answer_json(request, buffer_take(&out));
    }
    PQclear(result);
}
