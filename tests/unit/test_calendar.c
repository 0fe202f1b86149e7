// SPDX-License-Identifier: Apache-2.0

#include "services/planner/calendar.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdint.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { DAY_S = 86400 };

struct moment {
    int64_t utc;
    int32_t day, slot;
    enum calendar_kind kind;
    char why[56];
};

ParameterizedTestParameters(calendar, knows_local_time)
{
    static struct moment cases[] = {
        {1768399200, 20467, 60, CALENDAR_WORKDAY, "Wednesday 2026-01-14 15:00 winter"},
        {1768400099, 20467, 60, CALENDAR_WORKDAY, "its last second"},
        {1768400100, 20467, 61, CALENDAR_WORKDAY, "the next quarter hour"},
        {1768431600, 20468, 0, CALENDAR_WORKDAY, "local midnight is 23:00 UTC"},
        {1768431599, 20467, 95, CALENDAR_WORKDAY, "and the second before"},
        {1783605600, 20643, 64, CALENDAR_WORKDAY, "Thursday 2026-07-09 16:00 summer"},
        {1768665600, 20470, 68, CALENDAR_SATURDAY, "Saturday 2026-01-17 17:00"},
        {1768752000, 20471, 68, CALENDAR_SUNDAY, "Sunday 2026-01-18 17:00"},
        {1774745999, 20541, 7, CALENDAR_SUNDAY, "2026-03-29 01:59:59, last of winter time"},
        {1774746000, 20541, 12, CALENDAR_SUNDAY, "03:00, first of summer time"},
        {1792886400, 20751, 8, CALENDAR_SUNDAY, "2026-10-25 02:00, first time"},
        {1792890000, 20751, 8, CALENDAR_SUNDAY, "02:00, second time"},
        {1777284000, 20570, 48, CALENDAR_SUNDAY, "King's Day 2026, a Monday"},
    };
    return cr_make_param_array(struct moment, cases, COUNT(cases));
}

ParameterizedTest(struct moment *c, calendar, knows_local_time)
{
    struct calendar at = calendar_at(c->utc);
    cr_expect_eq(at.day, c->day, "%s: day %d", c->why, at.day);
    cr_expect_eq(at.slot, c->slot, "%s: slot %d", c->why, at.slot);
    cr_expect_eq(at.kind, c->kind, "%s: kind %d", c->why, at.kind);
}

struct length {
    int32_t day;
    int quarters;
    char why[32];
};

ParameterizedTestParameters(calendar, knows_how_long_a_day_is)
{
    static struct length cases[] = {
        {20540, 96, "2026-03-28"},   {20541, 92, "2026-03-29, spring"},  {20542, 96, "2026-03-30"},
        {20750, 96, "2026-10-24"},   {20751, 100, "2026-10-25, autumn"}, {20752, 96, "2026-10-26"},
        {20467, 96, "a winter day"}, {20643, 96, "a summer day"},
    };
    return cr_make_param_array(struct length, cases, COUNT(cases));
}

ParameterizedTest(struct length *c, calendar, knows_how_long_a_day_is)
{
    cr_expect_eq(calendar_quarters(c->day), c->quarters, "%s: %d", c->why,
                 calendar_quarters(c->day));
    int counted = 0;
    for (int64_t utc = (int64_t)c->day * DAY_S - DAY_S; utc < ((int64_t)c->day + 2) * DAY_S;
         utc += CALENDAR_QUARTER_S)
        counted += calendar_at(utc).day == c->day;
    cr_expect_eq(counted, c->quarters, "%s: %d occur", c->why, counted);
}

struct holiday {
    int32_t day;
    bool is_holiday;
    char why[48];
};

ParameterizedTestParameters(calendar, knows_the_holidays_of_the_netherlands)
{
    static struct holiday cases[] = {
        {20454, true, "2026-01-01 New Year"},
        {20455, false, "2026-01-02"},
        {20546, false, "2026-04-03 Good Friday is worked"},
        {20548, true, "2026-04-05 Easter"},
        {20549, true, "2026-04-06 Easter Monday"},
        {20550, false, "2026-04-07"},
        {20570, true, "2026-04-27 King's Day"},
        {20204, true, "2025-04-26 King's Day, the 27th is a Sunday"},
        {15825, true, "2013-04-30 Queen's Day"},
        {15822, false, "2013-04-27 before there was a King's Day"},
        {20578, false, "2026-05-05 not the fifth year"},
        {20213, true, "2025-05-05 Liberation Day"},
        {20587, true, "2026-05-14 Ascension"},
        {20598, true, "2026-05-25 Whit Monday"},
        {20812, true, "2026-12-25 Christmas"},
        {20813, true, "2026-12-26 the day after"},
        {20811, false, "2026-12-24"},
        {18365, true, "2020-04-13 Easter Monday of another year"},
    };
    return cr_make_param_array(struct holiday, cases, COUNT(cases));
}

ParameterizedTest(struct holiday *c, calendar, knows_the_holidays_of_the_netherlands)
{
    cr_expect_eq(calendar_is_holiday(c->day), c->is_holiday, "%s", c->why);
}

Test(calendar, looks_a_day_ahead)
{
    static struct calendar_sheet sheet;
    calendar_look_ahead(1774742400, &sheet); // 2026-03-29 01:00 local, an hour before the change
    cr_expect_eq(sheet.quarter, 1774742400);
    cr_expect_eq(sheet.at[0].slot, 4);
    cr_expect_eq(sheet.at[3].slot, 7);
    cr_expect_eq(sheet.at[4].slot, 12);
    cr_expect_eq(sheet.at[96].slot, 8);
    cr_expect_eq(sheet.at[96].day, sheet.at[0].day + 1);
}

// Every slot of every day of a century occurs as often as the length of its day says.
Test(calendar, loses_no_quarter_hour)
{
    int64_t utc = 946767600; // 2000-01-02 00:00 local
    for (int32_t day = 10958; day < 10958 + 36500; day++) {
        struct calendar first = calendar_at(utc);
        cr_assert_eq(first.day, day);
        cr_assert_eq(first.slot, 0, "day %d", day);
        utc += (int64_t)calendar_quarters(day) * CALENDAR_QUARTER_S;
    }
}
