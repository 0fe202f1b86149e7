// SPDX-License-Identifier: Apache-2.0
// Dutch days as a load sees them: local time in quarter hours, and what kind of day it is.
//
// Local time is that of Europe/Amsterdam by the rule of the European Union (wire/dsmr_time.h). A
// day has 96 slots of wall-clock time; where summer time begins, the four from 02:00 do not occur
// (92 quarter hours), where it ends they occur twice (100).

#ifndef PLANNER_CALENDAR_H
#define PLANNER_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

enum {
    CALENDAR_SLOTS = 96,
    CALENDAR_QUARTER_S = 900,
};

enum calendar_kind { CALENDAR_WORKDAY, CALENDAR_SATURDAY, CALENDAR_SUNDAY, CALENDAR_KINDS };

struct calendar {
    int32_t day;             // days since 1 January 1970, local
    int32_t slot;            // 0 to 95, quarter of the local day by the wall clock
    enum calendar_kind kind; // a public holiday counts as a Sunday
};

// The quarter hour in which utc lies; utc in 2000 to 2099.
struct calendar calendar_at(int64_t utc);

// A quarter hour and the day after it, looked up once for all the series of a round.
enum { CALENDAR_AHEAD = CALENDAR_SLOTS };
struct calendar_sheet {
    int64_t quarter;                        // its start, UTC
    struct calendar at[CALENDAR_AHEAD + 1]; // [0] is that quarter, [96] as many later
};
void calendar_look_ahead(int64_t quarter, struct calendar_sheet *sheet);

// The same for a time that is local already, seconds of the wall clock since 1970.
struct calendar calendar_of_wall(int64_t wall_s);

// 92, 96 or 100.
int calendar_quarters(int32_t day);

// A day on which most people in the Netherlands do not work: New Year, Easter Monday, King's
// Day (until 2013 Queen's Day), Liberation Day every fifth year, Ascension, Whit Monday,
// Christmas and the day after; and the Sundays of Easter and Whitsun. Good Friday is a workday
// for most. Source: Algemene termijnenwet, article 3.
bool calendar_is_holiday(int32_t day);

#endif
