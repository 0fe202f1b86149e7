// SPDX-License-Identifier: Apache-2.0
// What a phase of a feeder carries without the chargers that we steer: its base load, in a quarter
// that was measured; and, where foresight has nothing better to say, that value carried forward
// unchanged. How far this can be trusted falls with its age, and headroom takes that into account.

#ifndef PLANNER_FORECAST_H
#define PLANNER_FORECAST_H

#include "services/planner/facts.h"

struct forecast {
    bool known;           // else nothing fresh enough was measured, and the rest is 0
    int age;              // quarters from the measurement to the quarter decided about; 1 is fresh
    int32_t measured_w;   //
    int32_t controlled_w; // of that, by chargers that we know
    int32_t base_w;       // 0 or more: what the sun feeds in now may be gone in a minute
    bool certain;         // told, not foreseen: needs no margin
};

// Index of the newest quarter in which the phase (0 to 2) was measured and that is still fresh
// enough; -1: none.
int forecast_newest(const struct facts_feeder *feeder, int phase);

// How late the newest measurement of any phase is, in quarters, and so how late reports of chargers
// may be that go with it; 0: not late, or none is fresh enough.
int forecast_late(const struct facts_feeder *feeder);

// What contract and chargers allow, per phase of the connection.
int32_t forecast_capacity(const struct facts_connection *connection);

// The most that the plan known to be in force allowed, per phase, in quarter `at` before the one
// decided about.
int32_t forecast_held(const struct facts_connection *connection, int64_t quarter, int at);

// Was it heard what a connection drew in quarter `at`, or at most two quarters earlier, on its
// phase `own`? FACTS_UNKNOWN: no.
int32_t forecast_heard(const struct facts_connection *connection, int own, int at);

// Is it unheard, at most connections of a feeder, what they drew when it was last measured?
bool forecast_is_deaf(const struct facts *facts, int feeder);

// Is what its chargers draw taken to be what is usual, because it is deaf? Not where a limit by
// hand holds: it has to hold at once, so all that they may draw is counted.
bool forecast_is_guessed(const struct facts *facts, int feeder);

// What a connection drew on its phase `own` (0 to 2) in quarter `at`: as reported; or as at most
// two quarters earlier; or, not heard, limit_w per phase, what it was allowed.
int32_t forecast_drawn(const struct facts_connection *connection, int own, int at, int32_t limit_w);

// Carry the measurement of quarter `at` (-1: none) forward.
struct forecast forecast_carry(const struct facts_feeder *feeder, int phase, int at,
                               int64_t controlled_w);

// What was told instead of foreseen.
struct forecast forecast_certain(const struct facts_feeder *feeder, int phase);

// The same for the transformer: the sum of its feeders, as old as the oldest; known only when
// all are. Without any feeder it carries nothing.
struct forecast forecast_sum(const struct forecast *feeders, int count, int stride);

#endif
