// SPDX-License-Identifier: Apache-2.0
// Results are made here as the server would give them, in binary format.

#include "base/digest.h"
#include "services/audit/row_json.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum {
    BOOL = 16,
    INT8 = 20,
    INT2 = 21,
    INT4 = 23,
    TEXT = 25,
    JSON = 114,
    INT4S = 1007,
    TIMESTAMPTZ = 1184,
    UUID = 2950,
    JSONB = 3802
};

struct column {
    const char *name;
    Oid type;
    int modifier;
    const char *value; // NULL: null
    int len;
};

static PGresult *result_of(const struct column *columns, int count, int rows)
{
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    PGresAttDesc shape[8] = {{0}};
    for (int i = 0; i < count; i++)
        shape[i] = (PGresAttDesc){.name = (char *)(uintptr_t)columns[i].name,
                                  .format = 1,
                                  .typid = columns[i].type,
                                  .atttypmod = columns[i].modifier};
    cr_assert(PQsetResultAttrs(result, count, shape));
    for (int row = 0; row < rows; row++)
        for (int i = 0; i < count; i++) {
            const char *value = columns[i].value;
            cr_assert(
                PQsetvalue(result, row, i, (char *)(uintptr_t)value, value ? columns[i].len : -1));
        }
    return result;
}

struct value_case {
    int type, modifier;
    char value[72]; // what it is, in hexadecimal
    char wanted[64];
    char why[40];
};

ParameterizedTestParameters(row_json, writes_a_value)
{
    static struct value_case cases[] = {
        {TEXT, -1, "5a7569642037", "\"Zuid 7\"", "a text"},
        {TEXT, -1, "", "\"\"", "an empty one"},
        {TEXT, -1, "6122625c63", "\"a\\\"b\\\\c\"", "quote and backslash"},
        {TEXT, -1, "0a1b7fc3a9", "\"\\u000a\\u001b\x7f\xc3\xa9\"", "control characters, UTF-8"},
        {TEXT, -1, "22", "\"\\\"\"", "a quote alone"},
        {INT2, -1, "0007", "7", "a small number"},
        {INT4, -1, "ffffffef", "-17", "a number below 0"},
        {INT4, -1, "00000000", "0", "none"},
        {INT8, -1, "7fffffffffffffff", "9223372036854775807", "the greatest"},
        {INT8, -1, "8000000000000000", "-9223372036854775808", "the least"},
        {BOOL, -1, "01", "true", "a truth"},
        {BOOL, -1, "00", "false", "its opposite"},
        {JSON, -1, "7b7d", "{}", "json as it is"},
        {JSONB, -1, "017b2261223a20317d", "{\"a\": 1}", "jsonb, behind its version"},
        {INT4S, -1, "00000001000000010000001700000002000000010000000400000001ffffffff", "[1,null]",
         "an array with a gap"},
        {INT4S, -1, "000000000000000000000017", "[]", "an empty one"},
        {UUID, -1, "019bbd8000017000a00000000000000f", "\"019bbd80-0001-7000-a000-00000000000f\"",
         "a uuid"},
        {TIMESTAMPTZ, -1, "0002eb5a63e5a640", "\"2026-01-14T16:30:09.000Z\"", "no fraction"},
        {TIMESTAMPTZ, -1, "0002eb5a63e78a9f", "\"2026-01-14T16:30:09.123Z\"", "not rounded"},
        {TIMESTAMPTZ, 0, "0002eb5a63e5a640", "\"2026-01-14T16:30:09Z\"", "whole seconds"},
        {TIMESTAMPTZ, -1, "fffca2fec4c81fff", "\"1969-12-31T23:59:59.999Z\"", "before 1970"},
        {TIMESTAMPTZ, -1, "7fffffffffffffff", "\"infinity\"", "no time"},
        {TIMESTAMPTZ, -1, "8000000000000000", "\"-infinity\"", "nor that"},
    };
    return cr_make_param_array(struct value_case, cases, COUNT(cases));
}

ParameterizedTest(struct value_case *c, row_json, writes_a_value)
{
    char octets[40] = {0}, wanted[80];
    size_t len;
    cr_assert_eq(hex_parse(c->value, strlen(c->value), octets, sizeof octets, &len), ERR_NONE);
    const struct column columns[] = {{"x", (Oid)c->type, c->modifier, octets, (int)len}};
    PGresult *result = result_of(columns, 1, 1);
    struct buffer out = {0};
    row_json_object(&out, result, 0, NULL);
    char *text = buffer_take(&out);
    snprintf(wanted, sizeof wanted, "{\"x\":%s}", c->wanted);
    cr_expect_str_eq(text, wanted, "%s: %s", c->why, text);
    free(text);
    PQclear(result);
}

static const struct column grouped[] = {
    {"a", INT2, -1, "\0\1", 2}, {"b", TEXT, -1, NULL, 0},      {"/next", INT2, -1, "\0\11", 2},
    {"c", INT2, -1, "\0\2", 2}, {"/empty", INT4, -1, NULL, 0},
};

Test(row_json, takes_a_row_apart)
{
    PGresult *result = result_of(grouped, COUNT(grouped), 1);
    struct buffer out = {0};
    row_json_object(&out, result, 0, NULL);
    row_json_object(&out, result, 0, "/next");
    row_json_object(&out, result, 0, "/empty");
    char *text = buffer_take(&out);
    cr_expect_str_eq(text, "{\"a\":1,\"b\":null}{\"c\":2}{}");
    free(text);
    PQclear(result);
}

Test(row_json, writes_all_rows)
{
    for (int rows = 0; rows < 3; rows++) {
        static const char *const wanted[] = {"[]", "[{\"a\":1,\"b\":null}]",
                                             "[{\"a\":1,\"b\":null},\n {\"a\":1,\"b\":null}]"};
        PGresult *result = result_of(grouped, 2, rows);
        struct buffer out = {0};
        row_json_array(&out, result);
        char *text = buffer_take(&out);
        cr_expect_str_eq(text, wanted[rows]);
        free(text);
        PQclear(result);
    }
}
