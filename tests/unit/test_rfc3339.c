// SPDX-License-Identifier: Apache-2.0

#include "base/rfc3339.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct good {
    char text[40];
    int64_t utc;
    char why[48];
};

ParameterizedTestParameters(rfc3339, reads)
{
    static struct good cases[] = {
        {"1970-01-01T00:00:00Z", 0, "the beginning"},
        {"2026-01-14T16:15:00Z", 1768407300, "a quarter hour"},
        {"2026-01-14t16:15:00z", 1768407300, "lower case is allowed"},
        {"2026-01-14T17:15:00+01:00", 1768407300, "with an offset east"},
        {"2026-01-14T11:45:00-04:30", 1768407300, "with an offset west"},
        {"2026-01-14T16:15:00.999Z", 1768407300, "a fraction is dropped"},
        {"2024-02-29T00:00:00Z", 1709164800, "leap day"},
        {"0000-01-01T00:00:00Z", -62167219200, "the first that can be written"},
        {"9999-12-31T23:59:59Z", 253402300799, "the last"},
        {"9999-12-31T23:59:59+00:01", 253402300739, "before the last in UTC"},
    };
    return cr_make_param_array(struct good, cases, COUNT(cases));
}

ParameterizedTest(struct good *c, rfc3339, reads)
{
    int64_t utc = -1;
    enum err err = rfc3339_parse(c->text, strlen(c->text), &utc);
    cr_assert_eq(err, ERR_NONE, "%s: %s", c->why, err_name(err));
    cr_expect_eq(utc, c->utc, "%s: %jd", c->why, (intmax_t)utc);
}

struct bad {
    char text[40];
    enum err err;
    char why[48];
};

ParameterizedTestParameters(rfc3339, refuses)
{
    static struct bad cases[] = {
        {"2026-01-14T16:15:00", ERR_SYNTAX, "no offset: whose clock?"},
        {"2026-01-14 16:15:00Z", ERR_SYNTAX, "blank for T"},
        {"2026-01-14T16:15Z", ERR_SYNTAX, "no seconds"},
        {"2026-01-14T16:15:00.Z", ERR_SYNTAX, "empty fraction"},
        {"2026-01-14T16:15:00Zx", ERR_SYNTAX, "more behind it"},
        {"2026-01-14T16:15:00+25:00", ERR_RANGE, "offset of more than a day"},
        {"2023-02-29T00:00:00Z", ERR_RANGE, "no leap year"},
        {"2026-01-14T24:00:00Z", ERR_RANGE, "hour 24"},
        {"2026-01-14T16:15:60Z", ERR_RANGE, "second 60"},
        {"9999-12-31T23:59:59-00:01", ERR_RANGE, "the year 10000 in UTC"},
        {"0000-01-01T00:00:00+00:01", ERR_RANGE, "before the year 0 in UTC"},
        {"", ERR_SYNTAX, "nothing"},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, rfc3339, refuses)
{
    int64_t utc = 42;
    enum err err = rfc3339_parse(c->text, strlen(c->text), &utc);
    cr_expect_eq(err, c->err, "%s: %s", c->why, err_name(err));
    cr_expect_eq(utc, 42, "%s: the result must stay untouched", c->why);
}

Test(rfc3339, writes_seconds_and_milliseconds)
{
    char text[RFC3339_MS_LEN + 1];
    rfc3339_format(1768407300, text);
    cr_expect_str_eq(text, "2026-01-14T16:15:00Z");
    rfc3339_format_ms(INT64_C(1768407300042999999), text);
    cr_expect_str_eq(text, "2026-01-14T16:15:00.042Z");
}

struct year {
    int64_t utc;
    char text[RFC3339_LEN + 1];
};

ParameterizedTestParameters(rfc3339, writes_each_year_with_four_digits)
{
    static struct year cases[] = {
        {-62167219200, "0000-01-01T00:00:00Z"},
        {-61851600000, "0010-01-01T00:00:00Z"},
        {-30641760000, "0999-01-01T00:00:00Z"},
        {253402300799, "9999-12-31T23:59:59Z"},
    };
    return cr_make_param_array(struct year, cases, COUNT(cases));
}

ParameterizedTest(struct year *c, rfc3339, writes_each_year_with_four_digits)
{
    char text[RFC3339_LEN + 1];
    rfc3339_format(c->utc, text);
    cr_expect_str_eq(text, c->text, "%jd: %s", (intmax_t)c->utc, text);
}

Test(rfc3339, writes_each_day_as_the_library_knows_it)
{
    for (int64_t day = RFC3339_FIRST / 86400; day <= RFC3339_LAST / 86400; day++) {
        time_t utc = day * 86400 + (day % 86400 + 86400) % 86400;
        struct tm tm;
        char text[RFC3339_LEN + 1], wanted[80];
        gmtime_r(&utc, &tm);
        snprintf(wanted, sizeof wanted, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        rfc3339_format(utc, text);
        cr_assert_str_eq(text, wanted, "%jd: %s", (intmax_t)utc, text);
    }
}
