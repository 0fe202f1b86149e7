// SPDX-License-Identifier: Apache-2.0

#include "wire/dsmr_time.h"

#include <assert.h>
#include <time.h>

enum { SEASON = DSMR_TIME_LEN - 1 }; // index of the S or W

static int64_t seconds_ahead_of_utc(bool summer)
{
    return summer ? 7200 : 3600;
}

static int two_digits(const char *at)
{
    return (at[0] - '0') * 10 + (at[1] - '0');
}

enum err dsmr_time_parse(const char text[static DSMR_TIME_LEN], int64_t *utc)
{
    for (int i = 0; i < SEASON; i++)
        if (text[i] < '0' || text[i] > '9')
            return ERR_SYNTAX;
    if (text[SEASON] != 'S' && text[SEASON] != 'W')
        return ERR_SYNTAX;

    const struct tm given = {
        .tm_year = 100 + two_digits(text), // struct tm counts from 1900
        .tm_mon = two_digits(text + 2) - 1,
        .tm_mday = two_digits(text + 4),
        .tm_hour = two_digits(text + 6),
        .tm_min = two_digits(text + 8),
        .tm_sec = two_digits(text + 10),
    };
    struct tm real = given;
    time_t wall = timegm(&real); // rolls 31 April over to 1 May; what exists stays put
    if (real.tm_mon != given.tm_mon || real.tm_mday != given.tm_mday
        || real.tm_hour != given.tm_hour || real.tm_min != given.tm_min
        || real.tm_sec != given.tm_sec)
        return ERR_RANGE;

    *utc = wall - seconds_ahead_of_utc(text[SEASON] == 'S');
    return ERR_NONE;
}

// Day of the month of the last Sunday of March (4) and October (1), up to 2099: a year
// shifts the weekday by one, a leap year by two.
static int last_sunday(int year, int shift)
{
    return 31 - (5 * year / 4 + shift) % 7;
}

bool dsmr_time_is_summer(int64_t utc)
{
    enum { MARCH = 2, OCTOBER = 9 };
    time_t seconds = utc;
    struct tm day;
    gmtime_r(&seconds, &day);
    assert(day.tm_year >= 100 && day.tm_year < 200);

    int hour_of_month = day.tm_mday * 24 + day.tm_hour;
    if (day.tm_mon == MARCH)
        return hour_of_month >= last_sunday(day.tm_year + 1900, 4) * 24 + 1;
    if (day.tm_mon == OCTOBER)
        return hour_of_month < last_sunday(day.tm_year + 1900, 1) * 24 + 1;
    return day.tm_mon > MARCH && day.tm_mon < OCTOBER;
}

static void put_two_digits(char *at, int value)
{
    at[0] = (char)('0' + value / 10);
    at[1] = (char)('0' + value % 10);
}

void dsmr_time_format(int64_t utc, bool summer, char text[static DSMR_TIME_LEN + 1])
{
    time_t wall = utc + seconds_ahead_of_utc(summer);
    struct tm shown;
    gmtime_r(&wall, &shown);
    assert(shown.tm_year >= 100 && shown.tm_year < 200);

    put_two_digits(text, shown.tm_year - 100);
    put_two_digits(text + 2, shown.tm_mon + 1);
    put_two_digits(text + 4, shown.tm_mday);
    put_two_digits(text + 6, shown.tm_hour);
    put_two_digits(text + 8, shown.tm_min);
    put_two_digits(text + 10, shown.tm_sec);
    text[SEASON] = summer ? 'S' : 'W';
    text[DSMR_TIME_LEN] = '\0';
}
