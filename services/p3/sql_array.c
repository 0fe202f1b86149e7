// SPDX-License-Identifier: Apache-2.0

#include "services/p3/sql_array.h"
#include "base/memory.h"
#include "io/db.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void put(struct sql_array *array, const char *text, size_t len)
{
    if (array->len + len + 1 > array->room) {
        array->room = 2 * (array->room + len + 1);
        array->text = memory_grow(array->text, array->room, 1);
    }
    memcpy(array->text + array->len, text, len);
    array->len += len;
    array->text[array->len] = '\0';
}

void sql_array_put(struct sql_array *array, const char *element)
{
    put(array, array->len ? ",\"" : "{\"", 2);
    for (const char *at = element; *at; at++) {
        if (*at == '"' || *at == '\\')
            put(array, "\\", 1);
        put(array, at, 1);
    }
    put(array, "\"", 1);
}

void sql_array_put_integer(struct sql_array *array, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    sql_array_put(array, text);
}

void sql_array_put_time(struct sql_array *array, struct utc utc)
{
    char text[DB_TIME_LEN + 1];
    db_time(utc, text);
    sql_array_put(array, text);
}

const char *sql_array_end(struct sql_array *array)
{
    if (array->len)
        put(array, "}", 1);
    else
        put(array, "{}", 2);
    return array->text;
}
