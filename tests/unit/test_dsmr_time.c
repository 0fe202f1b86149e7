// SPDX-License-Identifier: Apache-2.0

#include "wire/dsmr_time.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <time.h>

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

struct season {
    int64_t utc;
    bool summer;
    char why[48];
};

ParameterizedTestParameters(dsmr_time, knows_summer_time)
{
    static struct season cases[] = {
        {946684800, false, "first second of the century"},
        {1553993999, false, "last second of winter 2019"},
        {1553994000, true, "first of summer 2019"},
        {1572137999, true, "last second of summer 2019"},
        {1572138000, false, "first of winter 2019"},
        {1711846799, false, "last second of winter 2024, 31 March"},
        {1711846800, true, "first of summer 2024"},
        {1729990799, true, "last second of summer 2024"},
        {1729990800, false, "first of winter 2024"},
        {1774745999, false, "last second of winter 2026"},
        {1774746000, true, "first of summer 2026, 29 March"},
        {1792889999, true, "last second of summer 2026, 25 October"},
        {1792890000, false, "first of winter 2026"},
        {1740787200, false, "1 March"},
        {1743379199, true, "31 March 2025, the day after the last Sunday"},
        {1751328000, true, "July"},
        {1764547200, false, "December"},
    };
    return cr_make_param_array(struct season, cases, COUNT(cases));
}

ParameterizedTest(struct season *c, dsmr_time, knows_summer_time)
{
    cr_expect_eq(dsmr_time_is_summer(c->utc), c->summer, "%s", c->why);
}

Test(dsmr_time, changes_twice_a_year_on_a_last_sunday_at_one)
{
    int changes = 0;
    bool before = false;
    for (int64_t utc = 946684800; utc < 4102444800; utc += 3600) {
        bool summer = dsmr_time_is_summer(utc);
        if (summer == before)
            continue;
        time_t seconds = utc;
        struct tm day;
        gmtime_r(&seconds, &day);
        cr_expect_eq(day.tm_mon, summer ? 2 : 9, "year %d", day.tm_year + 1900);
        cr_expect_eq(day.tm_wday, 0, "year %d", day.tm_year + 1900);
        cr_expect_geq(day.tm_mday, 25, "year %d", day.tm_year + 1900);
        cr_expect_eq(day.tm_hour, 1, "year %d", day.tm_year + 1900);
        changes++;
        before = summer;
    }
    cr_expect_eq(changes, 200);
}
