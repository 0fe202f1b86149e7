// SPDX-License-Identifier: Apache-2.0
// Results are made here as the server would give them.

#include "services/audit/row_json.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { TEXT = 25, BOOL = 16, INT4 = 23, INT4S = 1007, TIMESTAMPTZ = 1184, JSONB = 3802 };

struct column {
    const char *name;
    Oid type;
    int modifier;
    const char *value; // NULL: null
};

static PGresult *result_of(const struct column *columns, int count, int rows)
{
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    PGresAttDesc shape[8] = {{0}};
    for (int i = 0; i < count; i++)
        shape[i] = (PGresAttDesc){.name = (char *)(uintptr_t)columns[i].name,
                                  .typid = columns[i].type,
                                  .atttypmod = columns[i].modifier};
    cr_assert(PQsetResultAttrs(result, count, shape));
    for (int row = 0; row < rows; row++)
        for (int i = 0; i < count; i++) {
            const char *value = columns[i].value;
            cr_assert(PQsetvalue(result, row, i, (char *)(uintptr_t)value,
                                 value ? (int)strlen(value) : -1));
        }
    return result;
}

struct value_case {
    int type, modifier;
    char value[48];
    char wanted[64];
    char why[40];
};

ParameterizedTestParameters(row_json, writes_a_value)
{
    static struct value_case cases[] = {
        {TEXT, -1, "Zuid 7", "\"Zuid 7\"", "a text"},
        {TEXT, -1, "", "\"\"", "an empty one"},
        {TEXT, -1, "a\"b\\c", "\"a\\\"b\\\\c\"", "quote and backslash"},
        {TEXT, -1, "\n\x1b\x7f\xc3\xa9", "\"\\u000a\\u001b\x7f\xc3\xa9\"",
         "control characters, UTF-8"},
        {TEXT, -1, "\"", "\"\\\"\"", "a quote alone"},
        {INT4, -1, "-17", "-17", "a number"},
        {BOOL, -1, "t", "true", "a truth"},
        {BOOL, -1, "f", "false", "its opposite"},
        {JSONB, -1, "{\"a\": 1}", "{\"a\": 1}", "json as it is"},
        {INT4S, -1, "{1,NULL,-3}", "[1,null,-3]", "an array with a gap"},
        {INT4S, -1, "{}", "[]", "an empty one"},
        {TIMESTAMPTZ, -1, "2026-01-14 16:30:09+00", "\"2026-01-14T16:30:09.000Z\"", "no fraction"},
        {TIMESTAMPTZ, -1, "2026-01-14 16:30:09.5+00", "\"2026-01-14T16:30:09.500Z\"", "one digit"},
        {TIMESTAMPTZ, -1, "2026-01-14 16:30:09.123999+00", "\"2026-01-14T16:30:09.123Z\"",
         "not rounded"},
        {TIMESTAMPTZ, 0, "2026-01-14 16:30:00+00", "\"2026-01-14T16:30:00Z\"", "whole seconds"},
        {TIMESTAMPTZ, -1, "infinity", "\"infinity\"", "no time"},
    };
    return cr_make_param_array(struct value_case, cases, COUNT(cases));
}

ParameterizedTest(struct value_case *c, row_json, writes_a_value)
{
    const struct column columns[] = {{"x", (Oid)c->type, c->modifier, c->value}};
    PGresult *result = result_of(columns, 1, 1);
    char *text = NULL, wanted[80];
    size_t len;
    FILE *out = open_memstream(&text, &len);
    row_json_object(out, result, 0, NULL);
    fclose(out);
    snprintf(wanted, sizeof wanted, "{\"x\":%s}", c->wanted);
    cr_expect_str_eq(text, wanted, "%s: %s", c->why, text);
    free(text);
    PQclear(result);
}

static const struct column grouped[] = {
    {"a", INT4, -1, "1"}, {"b", TEXT, -1, NULL},      {"/next", INT4, -1, "9"},
    {"c", INT4, -1, "2"}, {"/empty", INT4, -1, NULL},
};

Test(row_json, takes_a_row_apart)
{
    PGresult *result = result_of(grouped, COUNT(grouped), 1);
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    row_json_object(out, result, 0, NULL);
    row_json_object(out, result, 0, "/next");
    row_json_object(out, result, 0, "/empty");
    fclose(out);
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
        char *text = NULL;
        size_t len;
        FILE *out = open_memstream(&text, &len);
        row_json_array(out, result);
        fclose(out);
        cr_expect_str_eq(text, wanted[rows]);
        free(text);
        PQclear(result);
    }
}
