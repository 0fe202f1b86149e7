// SPDX-License-Identifier: Apache-2.0
// May a measurement be believed? Pure: time, ratings and what came before are given.
//
// Three answers. A quarter that no clock can mean is refused. A value that cannot be true, a
// box that repeats itself, or one that contradicts itself is kept, marked, and never planned
// with. All else is good.

#ifndef INGEST_ARRIVAL_H
#define INGEST_ARRIVAL_H

#include "wire/measurement.h"

#include <stdbool.h>
#include <stdint.h>

// A box that shows exactly the same values for more than this many quarters in a row is stuck:
// real load never stands still to the watt for two hours.
enum { STUCK_AFTER = 8 };

// How far a quarter may be from now.
struct arrival_bounds {
    int64_t future_s; // its end after now: clocks differ
    int64_t oldest_s; // its start before now
};

// Why a quarter (seconds since 1970) cannot be kept, as words for a person; NULL: it can.
const char *arrival_refusal(int64_t quarter, int64_t now, const struct arrival_bounds *bounds);

// The rating that a feeder is measured by, W per phase: its own limit, else its transformer's.
struct rating {
    bool known;
    int32_t limit_w[PHASES];
};

// The quarter right before, of the same feeder.
struct before {
    bool known;
    struct measured values;
    int same; // as below
};

enum quality { QUALITY_GOOD, QUALITY_IMPLAUSIBLE, QUALITY_STUCK, QUALITY_SUSPECT };

enum { VERDICT_REASON_LEN = 95 };

struct verdict {
    enum quality quality;
    char reason[VERDICT_REASON_LEN + 1]; // why it is not good; "" when it is
    int same; // quarters right before it with exactly its values; no more than STUCK_AFTER
    bool worth_telling; // an operator wants to hear of it: each mark, but of a stuck box the first
};

// As the tables call it: "good", "implausible", "stuck", "suspect".
const char *quality_name(enum quality quality);

// Judge values that came with the sender's own word for them.
//
//   implausible  a power beyond 2.5 times the rating, either way
//   stuck        same values for more than STUCK_AFTER quarters
//   suspect      the sender itself says not good; no phase is known; a voltage that no low-voltage
//                grid has; more power than voltage times current allows
struct verdict arrival_judge(const struct measured *values, const char *said,
                             const struct rating *rating, const struct before *before);

bool arrival_is_equal(const struct measured *a, const struct measured *b);

// A feeder that has been silent for this many whole quarters at time now was heard last in the
// quarter returned, or before. A quarter gets five minutes after its end to arrive.
int64_t arrival_silent_since(int64_t now, int64_t quarters);

#endif
