// SPDX-License-Identifier: Apache-2.0

#include "services/planner/sql_list.h"
#include "base/rfc3339.h"

#include <assert.h>
#include <stdlib.h>

void sql_list_open(struct sql_list *list)
{
    *list = (struct sql_list){0};
    list->out = open_memstream(&list->text, &list->len);
    assert(list->out);
    fputc('{', list->out);
}

void sql_list_add(struct sql_list *list, const char *item)
{
    if (list->count++)
        fputc(',', list->out);
    fputs(item ? item : "NULL", list->out);
}

void sql_list_add_number(struct sql_list *list, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%jd", (intmax_t)number);
    sql_list_add(list, text);
}

void sql_list_add_time(struct sql_list *list, int64_t utc)
{
    char text[RFC3339_LEN + 1];
    if (utc >= 0)
        rfc3339_format(utc, text);
    sql_list_add(list, utc >= 0 ? text : NULL);
}

const char *sql_list_text(struct sql_list *list)
{
    fputc('}', list->out);
    fflush(list->out);
    return list->text;
}

void sql_list_close(struct sql_list *list)
{
    fclose(list->out);
    free(list->text);
}

const char *sql_number(struct sql_number *place, int64_t number)
{
    snprintf(place->text, sizeof place->text, "%jd", (intmax_t)number);
    return place->text;
}

int sql_integer(const PGresult *rows, int row, int column)
{
    return (int)db_get_integer(rows, row, column);
}

bool sql_is_true(const PGresult *rows, int row, int column)
{
    return *PQgetvalue(rows, row, column) == 't';
}

int64_t sql_time(const PGresult *rows, int row, int column)
{
    return PQgetisnull(rows, row, column) ? -1 : db_get_integer(rows, row, column);
}
