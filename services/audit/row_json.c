// SPDX-License-Identifier: Apache-2.0

#include "services/audit/row_json.h"

#include <assert.h>
#include <string.h>

// Types by their numbers in pg_type, which never change.
enum {
    TYPE_BOOL = 16,
    TYPE_INT8 = 20,
    TYPE_INT2 = 21,
    TYPE_INT4 = 23,
    TYPE_JSON = 114,
    TYPE_FLOAT4 = 700,
    TYPE_FLOAT8 = 701,
    TYPE_INT4_ARRAY = 1007,
    TYPE_TIMESTAMPTZ = 1184,
    TYPE_JSONB = 3802,
};

static void put_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        size_t plain = 0;
        while ((unsigned char)text[plain] >= ' ' && text[plain] != '"' && text[plain] != '\\')
            plain++;
        fwrite(text, 1, plain, out);
        text += plain;
        if (!*text)
            break;
        if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else
            fprintf(out, "\\u%04x", *text);
    }
    fputc('"', out);
}

// {1,NULL,3}; the server writes no blanks.
static void put_integers(FILE *out, const char *text)
{
    const char *comma = "[";
    for (text++; *text && *text != '}';) {
        size_t len = strcspn(text, ",}");
        fputs(comma, out);
        if (*text == 'N')
            fputs("null", out);
        else
            fwrite(text, 1, len, out);
        comma = ",";
        text += len + (text[len] == ',');
    }
    fputs(*comma == '[' ? "[]" : "]", out);
}

enum { DAY_LEN = 10, SECOND_LEN = 19, FRACTION = 3 };

// "2026-01-14 16:30:09.5+00", as a session in UTC shows it. Digits behind the milliseconds are left
// out, not rounded, as to_char() does.
static void put_time(FILE *out, const char *text, int type_modifier)
{
    if (strlen(text) < SECOND_LEN || text[DAY_LEN] != ' ') {
        put_text(out, text); // infinity, or before Christ
        return;
    }
    fprintf(out, "\"%.*sT%.*s", DAY_LEN, text, SECOND_LEN - DAY_LEN - 1, text + DAY_LEN + 1);
    const char *fraction = text + SECOND_LEN;
    int digits = *fraction == '.' ? (int)strspn(fraction + 1, "0123456789") : 0;
    int shown = digits < FRACTION ? digits : FRACTION;
    if (type_modifier != 0)
        fprintf(out, ".%.*s%.*s", shown, fraction + !!digits, FRACTION - shown, "000");
    fputs("Z\"", out);
}

static void put_value(FILE *out, const PGresult *result, int row, int column)
{
    const char *text = PQgetvalue(result, row, column);
    if (PQgetisnull(result, row, column)) {
        fputs("null", out);
        return;
    }
    switch (PQftype(result, column)) {
    case TYPE_BOOL:
        fputs(*text == 't' ? "true" : "false", out);
        break;
    case TYPE_INT2:
    case TYPE_INT4:
    case TYPE_INT8:
    case TYPE_FLOAT4:
    case TYPE_FLOAT8:
    case TYPE_JSON:
    case TYPE_JSONB:
        fputs(text, out);
        break;
    case TYPE_INT4_ARRAY:
        put_integers(out, text);
        break;
    case TYPE_TIMESTAMPTZ:
        put_time(out, text, PQfmod(result, column));
        break;
    default:
        put_text(out, text);
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

void row_json_object(FILE *out, const PGresult *result, int row, const char *group)
{
    int columns = PQnfields(result), column = first_column(result, group);
    const char *comma = "{";
    for (; column < columns && *PQfname(result, column) != '/'; column++) {
        fprintf(out, "%s\"%s\":", comma, PQfname(result, column));
        put_value(out, result, row, column);
        comma = ",";
    }
    fputs(*comma == '{' ? "{}" : "}", out);
}

void row_json_array(FILE *out, const PGresult *result)
{
    fputc('[', out);
    for (int row = 0; row < PQntuples(result); row++) {
        if (row)
            fputs(",\n ", out);
        row_json_object(out, result, row, NULL);
    }
    fputc(']', out);
}
