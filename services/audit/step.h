// SPDX-License-Identifier: Apache-2.0
// The life of a profile as steps with the time between them, and how it ended. Pure.

#ifndef AUDIT_STEP_H
#define AUDIT_STEP_H

#include <stdint.h>

// In the order in which they happen.
enum step {
    STEP_MEASURED, // the quarter hour that caused it ended
    STEP_ARRIVED,  // the last of its values that the round knew came in
    STEP_PLANNED,  // the profile was made
    STEP_QUEUED,   // for delivery
    STEP_WRITTEN,  // into the meter
    STEP_VERIFIED, // read back from it
    STEP_SEEN,     // on P1, by the gateway
    STEP_APPLIED,  // in the charger's register, read back
    STEP_ENDED,    // superseded, expired, refused, failed, or run out
    STEP_COUNT
};
const char *step_name(enum step step);

// When each step was, microseconds since 1970; STEP_NOT where it was not, or is not known.
#define STEP_NOT INT64_MIN
struct step_times {
    int64_t us[STEP_COUNT];
};

// Seconds between a step that was and the nearest earlier one that was, 0 for the first. Never
// below 0: the clocks of several machines may differ by some.
double step_seconds(const struct step_times *times, enum step step);

// "applied", "superseded", "expired", "refused", "failed", or "open" for any state of a delivery
// that is not its last.
const char *step_end(const char *state);

#endif
