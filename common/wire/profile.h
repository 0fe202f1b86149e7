// SPDX-License-Identifier: Apache-2.0
// A profile: what one connection may take, period by period, and from when to when that
// holds. The long message carries one; see long_message.h for its text.
//
// A period is a partial update: what it does not set keeps the value of the period before
// it. So a profile that sets the power only once limits it until valid_to. The smaller a
// value, the stricter it is, for every field; a field never set does not limit.
//
// Pure and plain: no clock, no heap, passed by value or filled in for the caller.
// Source: ElaadNL's paper on the chain, figure 8, and the public emulator of its gateway.
// The units of what figure 8 does not show follow from the registers they end up in.

#ifndef WIRE_PROFILE_H
#define WIRE_PROFILE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    PROFILE_CAPACITY = 128, // periods of a profile: a day of 100 quarters, and some
    PROFILE_REASON = 96,    // room for a reason with its terminator
};

enum profile_field {
    PROFILE_MAX_POWER,           // W
    PROFILE_LOAD_REDUCT,         // per cent of its own limit that the charger may use
    PROFILE_MAX_PHASE_IMBALANCE, // 0.1 A
    PROFILE_FALLBACK_POWER,      // W, when the charger hears nothing any more
    PROFILE_FALLBACK_PERCENT,    // per cent, likewise
    PROFILE_REFRESH_INTERVAL,    // s of silence until then
    PROFILE_FIELDS
};

// A set of values; each counts only when its bit is in present.
struct profile_limits {
    unsigned present; // 1 << enum profile_field
    union {
        struct {
            int32_t max_power_w;
            int32_t load_reduct_pct;
            int32_t max_phase_imbalance_da;
            int32_t fallback_power_w;
            int32_t fallback_pct;
            int32_t refresh_interval_s;
        };
        int32_t value[PROFILE_FIELDS];
    };
};

struct profile_period {
    int64_t start; // UTC seconds
    struct profile_limits set;
};

struct profile {
    int64_t valid_from, valid_to; // UTC seconds, the second not included
    int count;                    // 0 to PROFILE_CAPACITY
    struct profile_period periods[PROFILE_CAPACITY];
};

// What each field may be.
struct profile_range {
    int32_t min, max;
};
extern const struct profile_range profile_ranges[PROFILE_FIELDS];

// For logs: "max_power_w" ...
const char *profile_field_name(enum profile_field field);

static inline bool profile_has(const struct profile_limits *limits, enum profile_field field)
{
    return limits->present >> field & 1;
}

static inline void profile_set(struct profile_limits *limits, enum profile_field field,
                               int32_t value)
{
    limits->present |= 1U << field;
    limits->value[field] = value;
}

// May this profile be obeyed or sent?
//
//   reason  names what is wrong, "periods[3].start: ..."; untouched without error
//
//   ERR_RANGE   a value, a time outside 2000 to 2099, or valid_to not after valid_from
//   ERR_SYNTAX  no period, one that sets nothing, or starts out of order: each start lies
//               after the one before and before valid_to; only the first may lie before
//               valid_from, and then counts from there
MUST_CHECK enum err profile_check(const struct profile *profile,
                                  char reason[static PROFILE_REASON]);

// What holds once period number index has begun: its own values and those it keeps.
struct profile_limits profile_limits_of(const struct profile *profile, int index);

// What holds at utc. Nothing present: no limit, because the profile is not valid yet or
// any more, or its first period has not begun.
struct profile_limits profile_at(const struct profile *profile, int64_t utc);

// The same validity and the same limits at every instant, however written?
bool profile_equal(const struct profile *a, const struct profile *b);

// Write it the shortest way without changing any limit at any instant: periods in order, of
// two with one start the later in the list wins, none before valid_from or from valid_to
// on, each sets only what it changes, and one that changes nothing is gone.
void profile_normalise(struct profile *profile);

// Normalise, then merge neighbours until there are at most max_periods (1 or more). Two
// that merge take the lower of each value, so no limit rises at any instant; each time
// those two merge that lose least (watts times seconds), of equals the later ones.
// Returns how many periods that took away; 0: nothing was lost.
int profile_fit(struct profile *profile, int max_periods);

#endif
