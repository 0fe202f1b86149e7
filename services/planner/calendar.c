// SPDX-License-Identifier: Apache-2.0

#include "services/planner/calendar.h"
#include "wire/dsmr_time.h"

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S };
enum { THURSDAY = 4, SATURDAY = 6 }; // Sunday is 0; 1 January 1970 was a Thursday

struct date {
    int year, month, day;
};

static int64_t floored(int64_t number, int64_t by)
{
    return number / by - (number % by < 0);
}

static int weekday_of(int32_t day)
{
    return (int)((day + THURSDAY) % 7 + 7) % 7;
}

// Days since 1970 of a date of the Gregorian calendar. Counts years from March, so that the leap
// day is the last, and in eras of 400 years.
static int32_t day_of(struct date date)
{
    int year = date.year - (date.month <= 2);
    int era = (int)floored(year, 400), of_era = year - era * 400;
    int of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static struct date date_of(int32_t day)
{
    int shifted = day + 719468;
    int era = (int)floored(shifted, 146097), of_era = shifted - era * 146097;
    int year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int of_year = of_era - (365 * year + year / 4 - year / 100);
    int month = (5 * of_year + 2) / 153;
    return (struct date){
        .year = year + era * 400 + (month >= 10),
        .month = month + (month < 10 ? 3 : -9),
        .day = of_year - (153 * month + 2) / 5 + 1,
    };
}

// Easter Sunday of the Gregorian calendar, by the method of Meeus, Jones and Butcher.
static int32_t easter_of(int year)
{
    int golden = year % 19, century = year / 100, of_century = year % 100;
    int correction = (8 * century + 13) / 25;
    int moon = (19 * golden + century - century / 4 - correction + 15) % 30;
    int sunday = (32 + 2 * (century % 4) + 2 * (of_century / 4) - moon - of_century % 4) % 7;
    int late = (golden + 11 * moon + 22 * sunday) / 451;
    int counted = moon + sunday - 7 * late + 114;
    return day_of((struct date){year, counted / 31, counted % 31 + 1});
}

static int32_t royal_day_of(int year)
{
    int32_t day = day_of((struct date){year, 4, year < 2014 ? 30 : 27});
    return weekday_of(day) == 0 ? day - 1 : day;
}

bool calendar_is_holiday(int32_t day)
{
    struct date date = date_of(day);
    int after_easter = day - easter_of(date.year);
    switch (date.month) {
    case 1:
        return date.day == 1;
    case 12:
        return date.day == 25 || date.day == 26;
    case 5:
        if (date.day == 5 && date.year % 5 == 0)
            return true;
        break;
    default:
        break;
    }
    return after_easter == 0 || after_easter == 1 || after_easter == 39 || after_easter == 49
           || after_easter == 50 || day == royal_day_of(date.year);
}

struct calendar calendar_of_wall(int64_t wall_s)
{
    int32_t day = (int32_t)floored(wall_s, DAY_S);
    int weekday = weekday_of(day);
    enum calendar_kind kind = weekday == 0 || calendar_is_holiday(day) ? CALENDAR_SUNDAY
                              : weekday == SATURDAY                    ? CALENDAR_SATURDAY
                                                                       : CALENDAR_WORKDAY;
    return (struct calendar){
        .day = day,
        .slot = (int32_t)((wall_s - (int64_t)day * DAY_S) / CALENDAR_QUARTER_S),
        .kind = kind,
    };
}

static int64_t ahead_of_utc(int64_t utc)
{
    return (dsmr_time_is_summer(utc) ? 2 : 1) * HOUR_S;
}

struct calendar calendar_at(int64_t utc)
{
    return calendar_of_wall(utc + ahead_of_utc(utc));
}

void calendar_look_ahead(int64_t quarter, struct calendar_sheet *sheet)
{
    sheet->quarter = quarter;
    for (int i = 0; i <= CALENDAR_AHEAD; i++)
        sheet->at[i] = calendar_at(quarter + (int64_t)i * CALENDAR_QUARTER_S);
}

int calendar_quarters(int32_t day)
{
    // Midnight is never ambiguous, and both changes come at 01:00 UTC, after the midnight of
    // their day and before the next.
    int64_t midnight = (int64_t)day * DAY_S - HOUR_S;
    int64_t grown_s = ahead_of_utc(midnight + DAY_S) - ahead_of_utc(midnight);
    return (int)((DAY_S - grown_s) / CALENDAR_QUARTER_S);
}
