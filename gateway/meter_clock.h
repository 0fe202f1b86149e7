// SPDX-License-Identifier: Apache-2.0
// What time it is for a profile: the telegram's own time, by the letter of its stamp, against
// the system clock. Pure: both come as arguments.
//
//   meter   the telegram's time
//   system  the system clock's
//   auto    the telegram's, if the system clock, where the kernel calls it synchronised, is
//           within the bound of it; the system clock's where the telegram has none
//
// Between telegrams the mono clock carries the time on. It never runs backwards by less than
// the bound: a late telegram does not bring a period back that was over. A time that is not
// set, or jumps by more than the bound, is not taken until it has gone on for the hold time;
// until then the old one is carried on, after that no time is certain.

#ifndef GATEWAY_METER_CLOCK_H
#define GATEWAY_METER_CLOCK_H

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

enum { METER_CLOCK_REASON = 96 };

enum meter_clock_rule { METER_CLOCK_METER, METER_CLOCK_SYSTEM, METER_CLOCK_AUTO };

struct meter_clock_rules {
    enum meter_clock_rule rule;
    int64_t bound_s;
    int64_t hold_ns; // mono
};

// What a trustworthy telegram brings, and the clocks when it came.
struct meter_clock_reading {
    struct mono mono;
    struct utc system;
    bool system_is_synchronised;
    bool has_time; // the telegram has a time stamp that can be read
    int64_t time;  // it, UTC seconds
};

struct meter_clock {
    struct meter_clock_rules rules;
    bool is_set;
    int64_t offset_ns;        // utc less mono
    struct mono agreed;       // last reading taken
    struct mono doubted_from; // first that was not, since then
    struct mono rival_from;   // first of a time that jumped
    bool has_rival;
    int64_t rival_offset_ns;
    char why[METER_CLOCK_REASON]; // the last reading was not taken; "" when it was
    int64_t difference_s;         // meter less system, of the last reading that told both
};

void meter_clock_start(struct meter_clock *clock, const struct meter_clock_rules *rules);

// True: this set the clock, for the first time or to one that had jumped. What was decided by the
// time before may have to be decided anew.
bool meter_clock_read(struct meter_clock *clock, const struct meter_clock_reading *reading);

// Tell the time now: NULL. Or why it is not certain, borrowed from clock; utc is untouched then.
const char *meter_clock_tell(const struct meter_clock *clock, struct mono mono, struct utc *utc);

#endif
