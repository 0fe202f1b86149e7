// SPDX-License-Identifier: Apache-2.0

#include "services/audit/row_json.h"
#include "base/cursor.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "io/db.h"

#include <assert.h>
#include <string.h>

// Types by their numbers in pg_type, which never change.
enum {
    TYPE_BOOL = 16,
    TYPE_INT8 = 20,
    TYPE_INT2 = 21,
    TYPE_INT4 = 23,
    TYPE_TEXT = 25,
    TYPE_JSON = 114,
    TYPE_INT4_ARRAY = 1007,
    TYPE_TIMESTAMPTZ = 1184,
    TYPE_UUID = 2950,
    TYPE_JSONB = 3802,
};

static void put_text(struct buffer *out, const char *text, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    char *room = buffer_room(out, 6 * len + 2), *at = room;
    *at++ = '"';
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < ' ') {
            memcpy(at, "\\u00", 4);
            at[4] = digits[c >> 4];
            at[5] = digits[c & 15];
            at += 6;
            continue;
        }
        if (c == '"' || c == '\\')
            *at++ = '\\';
        *at++ = text[i];
    }
    *at++ = '"';
    out->len += (size_t)(at - room);
}

static void put_integer(struct buffer *out, int64_t value)
{
    char digits[20];
    int count = 0;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do
        digits[count++] = (char)('0' + rest % 10);
    while (rest /= 10);
    char *at = buffer_room(out, sizeof digits + 1);
    if (value < 0)
        *at++ = '-';
    out->len += (size_t)count + (value < 0);
    while (count)
        *at++ = digits[--count];
}

// As array_send() writes it: dimensions, whether there are nulls, the type of the elements; length
// and lower bound of each dimension; and each element behind its length, -1 for null.
static void put_integers(struct buffer *out, const char *octets, size_t len)
{
    struct cursor in = cursor_reader(octets, len);
    uint32_t dimensions = cursor_get_u32(&in);
    cursor_get(&in, 8);
    uint32_t count = dimensions == 1 ? cursor_get_u32(&in) : 0;
    cursor_get(&in, dimensions == 1 ? 4 : 0);
    buffer_add_char(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i)
            buffer_add_char(out, ',');
        if (cursor_get_u32(&in) == UINT32_MAX)
            buffer_add(out, "null", 4);
        else
            put_integer(out, (int32_t)cursor_get_u32(&in));
        assert(!in.err);
    }
    buffer_add_char(out, ']');
}

static void put_time(struct buffer *out, int64_t us, bool whole_seconds)
{
    // Infinity too, and what four digits of a year cannot tell.
    if (us < RFC3339_FIRST * 1000000 || us / 1000000 > RFC3339_LAST) {
        buffer_add_text(out, us < 0 ? "\"-infinity\"" : "\"infinity\"");
        return;
    }
    int64_t ms = (us - (us % 1000 + 1000) % 1000) / 1000;
    char text[RFC3339_MS_LEN + 1];
    rfc3339_format_of_ms(ms, text);
    if (whole_seconds)
        memcpy(text + RFC3339_LEN - 1, "Z", 2);
    buffer_add_char(out, '"');
    buffer_add(out, text, whole_seconds ? RFC3339_LEN : RFC3339_MS_LEN);
    buffer_add_char(out, '"');
}

static void put_uuid(struct buffer *out, const char *octets)
{
    static const char digits[] = "0123456789abcdef";
    char *room = buffer_room(out, 38), *at = room;
    *at++ = '"';
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[(unsigned char)octets[i] >> 4];
        *at++ = digits[(unsigned char)octets[i] & 15];
    }
    *at++ = '"';
    out->len += (size_t)(at - room);
}

static void put_value(struct buffer *out, const PGresult *result, int row, int column)
{
    const char *value = PQgetvalue(result, row, column);
    size_t len = (size_t)PQgetlength(result, row, column);
    if (PQgetisnull(result, row, column)) {
        buffer_add(out, "null", 4);
        return;
    }
    switch (PQftype(result, column)) {
    case TYPE_BOOL:
        buffer_add_text(out, *value ? "true" : "false");
        break;
    case TYPE_INT2:
    case TYPE_INT4:
    case TYPE_INT8:
        put_integer(out, db_binary_integer(result, row, column));
        break;
    case TYPE_INT4_ARRAY:
        put_integers(out, value, len);
        break;
    case TYPE_TEXT:
        put_text(out, value, len);
        break;
    case TYPE_JSON:
        buffer_add(out, value, len);
        break;
    case TYPE_JSONB: // behind the number of its form, 1
        buffer_add(out, value + 1, len - 1);
        break;
    case TYPE_TIMESTAMPTZ:
        put_time(out, db_binary_us(result, row, column), PQfmod(result, column) == 0);
        break;
    case TYPE_UUID:
        put_uuid(out, value);
        break;
    default:
        log_fatal("audit.failed", F("what", "a type of a column"),
                  F("column", PQfname(result, column)));
    }
}

static int first_column(const PGresult *result, const char *group)
{
    int column = 0, columns = PQnfields(result);
    if (!group)
        return 0;
    while (column < columns && strcmp(PQfname(result, column), group) != 0)
        column++;
    assert(column < columns);
    return column + 1;
}

void row_json_object(struct buffer *out, const PGresult *result, int row, const char *group)
{
    int columns = PQnfields(result), first = first_column(result, group);
    buffer_add_char(out, '{');
    for (int column = first; column < columns; column++) {
        const char *name = PQfname(result, column);
        if (*name == '/')
            break;
        size_t len = strlen(name);
        char *at = buffer_room(out, len + 4);
        if (column > first)
            *at++ = ',', out->len++;
        *at = '"';
        memcpy(at + 1, name, len);
        memcpy(at + 1 + len, "\":", 2);
        out->len += len + 3;
        put_value(out, result, row, column);
    }
    buffer_add_char(out, '}');
}

void row_json_array(struct buffer *out, const PGresult *result)
{
    buffer_add_char(out, '[');
    for (int row = 0; row < PQntuples(result); row++) {
        if (row)
            buffer_add(out, ",\n ", 3);
        row_json_object(out, result, row, NULL);
    }
    buffer_add_char(out, ']');
}
