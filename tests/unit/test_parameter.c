// SPDX-License-Identifier: Apache-2.0

#include "services/audit/parameter.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct value_case {
    enum parameter_kind kind;
    char given[210], value[80];
    enum err err;
};

ParameterizedTestParameters(parameter, takes_and_refuses)
{
    static struct value_case cases[] = {
        {PARAMETER_TIME, "2026-01-14T16:15:00Z", "2026-01-14 16:15:00Z", ERR_NONE},
        {PARAMETER_TIME, "2026-01-14T17:15:00.250+01:00", "2026-01-14 16:15:00.250Z", ERR_NONE},
        {PARAMETER_TIME, "2026-01-14T16:15:00.123456789Z", "2026-01-14 16:15:00.123456Z", ERR_NONE},
        {PARAMETER_TIME, "0000-12-31T23:59:59Z", "", ERR_RANGE},
        {PARAMETER_TIME, "0001-01-01T00:00:00Z", "0001-01-01 00:00:00Z", ERR_NONE},
        {PARAMETER_TIME, "9999-12-31T23:59:59Z", "9999-12-31 23:59:59Z", ERR_NONE},
        {PARAMETER_TIME, "2026-01-14 16:15:00Z", "", ERR_SYNTAX},
        {PARAMETER_TIME, "2026-02-30T16:15:00Z", "", ERR_RANGE},
        {PARAMETER_TIME, "", "", ERR_SYNTAX},
        {PARAMETER_UUID, "019BBD80-0000-7000-8000-00000000000A",
         "019bbd80-0000-7000-8000-00000000000a", ERR_NONE},
        {PARAMETER_UUID, "019bbd80000070008000000000000001", "", ERR_SYNTAX},
        {PARAMETER_UUID, "019bbd80-0000-7000-8000-00000000000'", "", ERR_SYNTAX},
        {PARAMETER_IDENTIFIER, "T-1.a_b", "T-1.a_b", ERR_NONE},
        {PARAMETER_IDENTIFIER, "-T1", "", ERR_SYNTAX},
        {PARAMETER_IDENTIFIER, "T1;drop", "", ERR_SYNTAX},
        {PARAMETER_IDENTIFIER, "a1234567890123456789012345678901234567890123456789012345678901234",
         "", ERR_SYNTAX},
        {PARAMETER_IDENTIFIER, "a123456789012345678901234567890123456789012345678901234567890123",
         "a123456789012345678901234567890123456789012345678901234567890123", ERR_NONE},
        {PARAMETER_EAN, "871687120000000011", "871687120000000011", ERR_NONE},
        {PARAMETER_EAN, "87168712000000001", "", ERR_SYNTAX},
        {PARAMETER_EAN, "8716871200000000111", "", ERR_SYNTAX},
        {PARAMETER_EQUIPMENT_ID, "E0051000000000001", "E0051000000000001", ERR_NONE},
        {PARAMETER_EQUIPMENT_ID, "E005 1", "", ERR_SYNTAX},
        {PARAMETER_EQUIPMENT_ID, "E00510051005100510051005100510051005100510051005",
         "E00510051005100510051005100510051005100510051005", ERR_NONE},
        {PARAMETER_EQUIPMENT_ID, "E005100510051005100510051005100510051005100510051", "",
         ERR_SYNTAX},
        {PARAMETER_NUMBER, "1", "1", ERR_NONE},
        {PARAMETER_NUMBER, "999999999", "999999999", ERR_NONE},
        {PARAMETER_NUMBER, "1000000000", "", ERR_SYNTAX},
        {PARAMETER_NUMBER, "0", "", ERR_SYNTAX},
        {PARAMETER_NUMBER, "-1", "", ERR_SYNTAX},
        {PARAMETER_STATE, "ailed", "", ERR_SYNTAX},
        {PARAMETER_STATE, "lanne", "", ERR_SYNTAX},
        {PARAMETER_STATE, "planned", "planned", ERR_NONE},
        {PARAMETER_STATE, "superseded", "superseded", ERR_NONE},
        {PARAMETER_STATE, "Failed", "", ERR_SYNTAX},
        {PARAMETER_STATE, "fail", "", ERR_SYNTAX},
        {PARAMETER_STATE, "planned queued", "", ERR_SYNTAX},
        {PARAMETER_STATE, "", "", ERR_SYNTAX},
        {PARAMETER_RECEIPT_STATE, "ended", "ended", ERR_NONE},
        {PARAMETER_RECEIPT_STATE, "planned", "", ERR_SYNTAX},
        {PARAMETER_MODE, "safe", "safe", ERR_NONE},
        {PARAMETER_MODE, "offline", "", ERR_SYNTAX},
        {PARAMETER_TRUTH, "true", "true", ERR_NONE},
        {PARAMETER_TRUTH, "1", "", ERR_SYNTAX},
        {PARAMETER_EVENT_KIND, "access.refused", "access.refused", ERR_NONE},
        {PARAMETER_EVENT_KIND, "access", "", ERR_SYNTAX},
        {PARAMETER_EVENT_KIND, ".refused", "", ERR_SYNTAX},
        {PARAMETER_EVENT_KIND, "access.", "", ERR_SYNTAX},
        {PARAMETER_WORDS, "feeder F1", "feeder F1", ERR_NONE},
        {PARAMETER_WORDS, "", "", ERR_SYNTAX},
        {PARAMETER_WORDS, " ", "", ERR_SYNTAX},
        {PARAMETER_WORDS, "a\nb", "", ERR_SYNTAX},
        {PARAMETER_WORDS, "\xc3\xa9", "", ERR_SYNTAX},
        {PARAMETER_WORDS, "a\x7f", "", ERR_SYNTAX},
    };
    return cr_make_param_array(struct value_case, cases, COUNT(cases));
}

ParameterizedTest(struct value_case *c, parameter, takes_and_refuses)
{
    char value[PARAMETER_MAX + 1] = "untouched";
    enum err err = parameter_parse(c->kind, c->given, value);
    cr_expect_eq(err, c->err, "%s: %s", c->given, err_name(err));
    cr_expect_str_eq(value, c->err ? "untouched" : c->value, "%s", c->given);
    cr_expect_not_null(parameter_form(c->kind));
}

Test(parameter, refuses_words_that_are_too_long)
{
    char given[PARAMETER_MAX + 2] = {0}, value[PARAMETER_MAX + 1];
    memset(given, 'x', PARAMETER_MAX);
    cr_expect_eq(parameter_parse(PARAMETER_WORDS, given, value), ERR_NONE);
    given[PARAMETER_MAX] = 'x';
    cr_expect_eq(parameter_parse(PARAMETER_WORDS, given, value), ERR_SYNTAX);
}

struct limit_case {
    char given[16];
    int limit; // 0: refused
};

ParameterizedTestParameters(parameter, bounds_a_page)
{
    static struct limit_case cases[] = {
        {"1", 1}, {"1000", 1000}, {"007", 7}, {"0", 0},  {"1001", 0},
        {"", 0},  {"-1", 0},      {"1e3", 0}, {" 1", 0}, {"99999999999999", 0},
    };
    return cr_make_param_array(struct limit_case, cases, COUNT(cases));
}

ParameterizedTest(struct limit_case *c, parameter, bounds_a_page)
{
    int limit = -1;
    enum err err = parameter_limit(c->given, &limit);
    cr_expect_eq(err != ERR_NONE, c->limit == 0, "%s", c->given);
    cr_expect_eq(limit, c->limit ? c->limit : -1, "%s: %d", c->given, limit);
}

Test(parameter, gives_a_hundred_items_where_none_are_asked)
{
    int limit = -1;
    cr_expect_eq(parameter_limit(NULL, &limit), ERR_NONE);
    cr_expect_eq(limit, 100);
}

struct span_case {
    char from[32], to[32]; // "": not given
    int64_t start, end;
    enum err err;
    char what[8];
};

enum { NOW = 1768406400 }; // 2026-01-14 16:00

ParameterizedTestParameters(parameter, bounds_a_span)
{
    static struct span_case cases[] = {
        {"", "", NOW - 86400, NOW, ERR_NONE, ""},
        {"2026-01-14T15:00:00Z", "", NOW - 3600, NOW, ERR_NONE, ""},
        {"", "2026-01-13T16:00:00Z", NOW - 2 * 86400, NOW - 86400, ERR_NONE, ""},
        {"2025-12-14T16:00:00Z", "2026-01-14T16:00:00Z", NOW - 31 * 86400, NOW, ERR_NONE, ""},
        {"2025-12-14T15:59:59Z", "2026-01-14T16:00:00Z", 0, 0, ERR_RANGE, "from"},
        {"2026-01-14T16:00:00Z", "2026-01-14T16:00:00Z", 0, 0, ERR_RANGE, "from"},
        {"2026-01-14T17:00:00Z", "", 0, 0, ERR_RANGE, "from"},
        {"", "0001-01-01T12:00:00Z", 0, 0, ERR_RANGE, "from"},
        {"yesterday", "", 0, 0, ERR_SYNTAX, "from"},
        {"", "today", 0, 0, ERR_SYNTAX, "to"},
    };
    return cr_make_param_array(struct span_case, cases, COUNT(cases));
}

ParameterizedTest(struct span_case *c, parameter, bounds_a_span)
{
    struct span span = {0, 0};
    const char *what = "";
    enum err err =
        parameter_span(*c->from ? c->from : NULL, *c->to ? c->to : NULL, NOW, 31, &span, &what);
    cr_expect_eq(err, c->err, "%s to %s: %s", c->from, c->to, err_name(err));
    cr_expect_eq(span.from, c->start);
    cr_expect_eq(span.to, c->end);
    if (err)
        cr_expect_str_eq(what, c->what);
}

Test(parameter, escapes_what_may_not_stand_in_a_query)
{
    char *escaped = parameter_escape("feeder F1&a=b/\xc3\xa9-._~");
    cr_expect_str_eq(escaped, "feeder%20F1%26a%3Db%2F%C3%A9-._~");
    free(escaped);
}

Test(parameter, tames_what_a_client_sent)
{
    char long_text[400] = {0}, tame[PARAMETER_MAX + 1];
    parameter_tame("/v1/\x1b[2J\n\xff", tame);
    cr_expect_str_eq(tame, "/v1/?[2J??");
    memset(long_text, 'x', sizeof long_text - 1);
    parameter_tame(long_text, tame);
    cr_expect_eq(strlen(tame), PARAMETER_MAX);
}
