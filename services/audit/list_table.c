// SPDX-License-Identifier: Apache-2.0

#include "services/audit/list_table.h"
#include "base/id.h"
#include "base/log.h"
#include "base/memory.h"
#include "services/audit/row_json.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A statement being written. Values become the parameters that its "$1" ... take, or stand in it
// where there is a connection to quote them for.
struct statement {
    FILE *sql;
    PGconn *quotes; // NULL: parameters
    const char *params[2 * LIST_FILTERS + PAGE_KEYS];
    int count;
};

static void put_value(struct statement *statement, const char *value)
{
    if (!statement->quotes) {
        statement->params[statement->count++] = value;
        fprintf(statement->sql, "$%d", statement->count);
        return;
    }
    char *quoted = PQescapeLiteral(statement->quotes, value, strlen(value));
    if (quoted)
        fputs(quoted, statement->sql);
    else // not in the encoding of the connection, which a checked value is
        log_fatal("audit.failed", F("what", "quoting"));
    PQfreemem(quoted);
}

// A condition; each '$' in it takes the next of count values, or the last once more.
static void append(struct statement *statement, const char *condition, int count,
                   const char *const *values)
{
    fputs(" and ", statement->sql);
    for (const char *at = condition; *at; at++) {
        if (*at != '$') {
            fputc(*at, statement->sql);
            continue;
        }
        put_value(statement, *values);
        if (count > 1)
            count--, values++;
    }
}

static void put_conditions(struct statement *statement, const struct list *list,
                           const char *const *values, const struct page_key *keys)
{
    fputs(" where true", statement->sql);
    for (int i = 0; list->filters[i].name; i++)
        if (values[i])
            append(statement, list->filters[i].sql, 1, &values[i]);
    if (keys) {
        const char *after[PAGE_KEYS];
        for (int i = 0; i < PAGE_KEYS; i++)
            after[i] = keys[i].text;
        append(statement, list->after, PAGE_KEYS, after);
    }
    fprintf(statement->sql, " %s", list->order);
}

// Statements are prepared by their address, so each text must stand in one place for good. There
// are as many as combinations of filters in use.
static const char *text_for_good(char *text)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static char **texts;
    static size_t count;
    pthread_mutex_lock(&lock);
    size_t i = 0;
    while (i < count && strcmp(texts[i], text) != 0)
        i++;
    if (i == count) {
        texts = memory_grow(texts, count + 1, sizeof *texts);
        texts[count++] = text;
    } else {
        free(text);
    }
    const char *kept = texts[i];
    pthread_mutex_unlock(&lock);
    return kept;
}

// A limit that stands in the statement lets it be planned once and for a few rows; a few such
// limits do for all that are asked. One more than asked is read.
static int rows_read(int limit)
{
    static const int steps[] = {11, 21, 51, PAGE_ITEMS + 1, 251, 501};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (limit < steps[i])
            return steps[i];
    return PAGE_ITEMS_MAX + 1;
}

PGresult *list_table_page(struct db *db, const struct list *list, const char *const *values,
                          const struct page_key *keys, int limit)
{
    char *text = NULL;
    size_t len;
    struct statement statement = {.sql = open_memstream(&text, &len)};
    fprintf(statement.sql, "select %s, null as \"/keys\", %s from %s",
            list->row ? list->row : "row_to_json(item)", list->key_values, list->from);
    put_conditions(&statement, list, values, keys);
    fprintf(statement.sql, " limit %d", rows_read(limit));
    fclose(statement.sql);
    const struct db_ask ask = {text_for_good(text), statement.count, statement.params, NULL, true};
    PGresult *result;
    return db_query_all(db, &ask, 1, &result) ? NULL : result;
}

void list_table_put(struct buffer *out, const struct list *list, const PGresult *result, int row)
{
    if (list->row)
        row_json_object(out, result, row, NULL);
    else
        buffer_add(out, PQgetvalue(result, row, 0), (size_t)PQgetlength(result, row, 0));
}

void list_table_keys(const struct list *list, const PGresult *result, int row,
                     struct page_key keys[static PAGE_KEYS])
{
    size_t count = strlen(list->keys);
    int first = PQnfields(result) - (int)count;
    for (size_t i = 0; i < count; i++) {
        int column = first + (int)i;
        if (list->keys[i] == 'u') {
            struct id id;
            memcpy(id.octets, PQgetvalue(result, row, column), ID_LEN);
            id_format(&id, keys[i].text);
        } else {
            int64_t number = list->keys[i] == 't' ? db_binary_us(result, row, column)
                                                  : db_binary_integer(result, row, column);
            snprintf(keys[i].text, sizeof keys[i].text, "%" PRId64, number);
        }
    }
}

// JSON has no raw octets below 32, so with these marks COPY leaves each line as it is.
#define AS_JSON "format csv, delimiter E'\\x02', quote E'\\x01', encoding 'UTF8'"

char *list_table_copy(PGconn *conn, const struct list *list, const char *const *values,
                      const struct page_key *keys, int limit, bool csv)
{
    char *text = NULL;
    size_t len;
    struct statement statement = {.sql = open_memstream(&text, &len), .quotes = conn};
    fprintf(statement.sql, "copy (select %s from %s", csv ? list->csv : "row_to_json(item)",
            list->from);
    put_conditions(&statement, list, values, keys);
    if (limit > 0)
        fprintf(statement.sql, " limit %d", limit);
    fprintf(statement.sql, ") to stdout with (%s)",
            csv ? "format csv, header, encoding 'UTF8'" : AS_JSON);
    fclose(statement.sql);
    return text;
}
