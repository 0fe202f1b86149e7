// SPDX-License-Identifier: Apache-2.0
// From a limit to the profile worth sending. A profile stands for hours, because a meter may
// take a new one only once an hour, and the next may be lost: it holds the level for a while, then
// has one for each hour ahead, as far as that is foreseen to be less than all there is, and
// releases along the ramp, so that a street does not jump when its limits end.
//
// Levels are W per phase of the connection; a limit of W for the whole connection is the
// level times its number of phases, also when the car uses fewer of them.

#ifndef PLANNER_HORIZON_H
#define PLANNER_HORIZON_H

#include "wire/profile.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    HORIZON_AMPERE_W = 230,    // one ampere on one phase
    HORIZON_LEAST_W = 6 * 230, // per phase: below it a charger pauses (IEC 61851-1)
    HORIZON_STEPS = 24,        // of a plan; more than the writer of messages writes
    HORIZON_TAIL = 7,          // hours after the first of which a profile tells
};

// A profile as the planner remembers it.
struct horizon_plan {
    int64_t valid_from, valid_to;
    int count;
    struct horizon_step {
        int64_t start;
        int32_t limit_w; // whole connection, until the next step or valid_to
    } steps[HORIZON_STEPS];
};

struct horizon_rules {
    int32_t hold_s;   // a level stands this long before it is released
    int32_t length_s; // from the start of a profile to the end of its tail, at least hold_s
    int32_t ramp_w;   // a level rises at most this much per phase and quarter hour
    int32_t gain_w;   // a higher level is worth a message from this gain per phase on
};

// What a profile says of power, as a plan. Returns false, and fills in nothing, when it sets no
// power or has more steps than a plan holds.
bool horizon_of_profile(const struct profile *profile, struct horizon_plan *plan);

// The highest level that the plan allows at any time from `from` until before `to`; capacity_w
// where it does not limit. plan may be NULL: never limits.
int32_t horizon_highest(const struct horizon_plan *plan, int phase_count, int32_t capacity_w,
                        int64_t from, int64_t to);

// Does the plan keep at or below limit_w, whole connection, from `from` until before `to`, all the
// time? plan may be NULL: no.
bool horizon_keeps(const struct horizon_plan *plan, int32_t limit_w, int64_t from, int64_t to);

// Whole amperes, rounded down, but not below the floor; what lacks half an ampere or less to
// the capacity is the capacity.
int32_t horizon_round(int32_t level_w, int32_t floor_w, int32_t capacity_w);

// Is `level_w` instead of `told_w` worth a message to raise it: it gains enough, ends a pause,
// or gives back all there is?
bool horizon_is_worth_raising(const struct horizon_rules *rules, int32_t told_w, int32_t level_w,
                              int32_t capacity_w);

// A tail where nothing is foreseen: an even rise to the capacity within three hours.
void horizon_rise(int32_t level_w, int32_t capacity_w, int32_t tail_w[static HORIZON_TAIL]);

// The profile for a connection.
//
//   told_w   what it is held at now, per phase: a rise from there follows the ramp
//   level_w  where it shall go, at most capacity_w
//   tail_w   where it shall be from one hour after start on, two hours, ...
//   start    of the quarter hour that is decided about: the profile is valid from there
//   hold_s   how long the level stands, instead of the rules'; 0: theirs
//
// Below capacity: ramp to the level, hold, the hours of the tail that then are left, release. It
// ends where all that is left of the tail is the capacity. At capacity: ramp to it and end. A pause
// ends with the hold: what follows is 6 A or more.
void horizon_profile(const struct horizon_rules *rules, int phase_count, int32_t told_w,
                     int32_t level_w, const int32_t tail_w[static HORIZON_TAIL], int32_t capacity_w,
                     int64_t start, int64_t hold_s, struct profile *profile);

// Bring a profile down to limit_w, whole connection, wherever it is higher before `until`, and let
// it last so long; if that is longer than it did, it is released from there along the ramp.
// valid_from lies before `until`.
void horizon_cap(const struct horizon_rules *rules, int phase_count, int32_t limit_w,
                 int32_t capacity_w, int64_t until, struct profile *profile);

#endif
