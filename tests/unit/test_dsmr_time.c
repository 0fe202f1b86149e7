// SPDX-License-Identifier: Apache-2.0

#include "wire/dsmr_time.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

// Text sits inside the case, not behind a pointer: a parameter travels to another
// process, where a pointer means nothing.
struct good {
    char text[DSMR_TIME_LEN + 1];
    int64_t utc;
    char why[48];
};

ParameterizedTestParameters(dsmr_time, reads_and_writes_back)
{
    static struct good cases[] = {
        {"101209113020W", 1291890620, "example of the P1 standard"},
        {"000101010000W", 946684800, "first second that can be told in UTC"},
        {"240229120000W", 1709204400, "leap day"},
        {"240331015959W", 1711846799, "last second of winter time"},
        {"240331030000S", 1711846800, "and the next: first of summer time"},
        {"241027023000S", 1729989000, "02:30, first time"},
        {"241027023000W", 1729992600, "02:30, second time, an hour later"},
        {"991231235959W", 4102441199, "last second of the century"},
    };
    return cr_make_param_array(struct good, cases, COUNT(cases));
}

ParameterizedTest(struct good *c, dsmr_time, reads_and_writes_back)
{
    int64_t utc = -1;
    enum err err = dsmr_time_parse(c->text, &utc);
    cr_assert_eq(err, ERR_NONE, "%s: %s", c->why, err_name(err));
    cr_expect_eq(utc, c->utc, "%s: %jd", c->why, (intmax_t)utc);

    char text[DSMR_TIME_LEN + 1];
    dsmr_time_format(utc, c->text[DSMR_TIME_LEN - 1] == 'S', text);
    cr_expect_str_eq(text, c->text, "%s", c->why);
}

struct bad {
    char text[DSMR_TIME_LEN + 1];
    enum err err;
    char why[48];
};

ParameterizedTestParameters(dsmr_time, refuses)
{
    static struct bad cases[] = {
        {"101209113020X", ERR_SYNTAX, "no such season"},
        {"101209113020s", ERR_SYNTAX, "season in lower case"},
        {"10120911302 W", ERR_SYNTAX, "space below the digits"},
        {"1012091130A0W", ERR_SYNTAX, "letter above the digits"},
        {"632525252525W", ERR_RANGE, "never read, says the meter"},
        {"230229120000W", ERR_RANGE, "no leap year"},
        {"230431120000S", ERR_RANGE, "31 April"},
        {"230001120000W", ERR_RANGE, "month 0"},
        {"230101240000W", ERR_RANGE, "hour 24"},
        {"230101126000W", ERR_RANGE, "minute 60"},
        {"230101120060W", ERR_RANGE, "second 60"},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, dsmr_time, refuses)
{
    int64_t utc = 42;
    enum err err = dsmr_time_parse(c->text, &utc);
    cr_expect_eq(err, c->err, "%s: %s", c->why, err_name(err));
    cr_expect_eq(utc, 42, "%s: the result must stay untouched", c->why);
}
