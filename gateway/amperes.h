// SPDX-License-Identifier: Apache-2.0
// Watts into what a charger takes: amperes per phase, watts, a multiple of them, or per cent.
// Always rounded down, so that the charger never gets more than the limit. Pure, whole
// numbers only.

#ifndef GATEWAY_AMPERES_H
#define GATEWAY_AMPERES_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum amperes_unit { AMPERES_A, AMPERES_W, AMPERES_PERCENT };

// What the charger's register means. A value in it is a multiple of step.
struct amperes_scale {
    enum amperes_unit unit;
    int64_t step_micro; // millionths of the unit: 100 W is 100000000, 0.1 A is 100000
    int64_t least;      // lowest register value that charges; 0: any
    int64_t most;       // highest that the register may get
    int64_t pause;      // register value that stops charging
};

// How the charger is connected.
struct amperes_connection {
    int phases;         // that it may load, 1 to 3
    int64_t voltage_mv; // phase to neutral: take the highest that is likely
    int64_t rated_w;    // what 100 per cent is
};

enum { AMPERES_PHASES = 3 };
struct amperes_value {
    int64_t raw;                   // for the register; where each phase has one, the highest
    int64_t phase[AMPERES_PHASES]; // of each phase of the charger
    int32_t watts;                 // that it allows at most
    bool paused;                   // the limit is below the least
};

// Currents that no phase may exceed, mA; AMPERES_UNBOUND: any.
#define AMPERES_UNBOUND INT64_MAX
struct amperes_bounds {
    int64_t ma[AMPERES_PHASES];
};

// Read "25 25 16", in A, as bounds of the phases of the connection; empty: none.
//   ERR_SYNTAX  not three numbers above 0     Untouched on error.
MUST_CHECK enum err amperes_bounds_read(const char *text, struct amperes_bounds *bounds);

// The same for the phases of a charger that is connected in another order: "231" where its first
// phase is on L2.
struct amperes_bounds amperes_rotate(const struct amperes_bounds *bounds,
                                     const char rotation[static AMPERES_PHASES]);

// The value for limit_w.
//
//   hold_least  below the least, hold that instead of pausing: the charger then takes more
//               than the limit, so this is only for who has agreed to it
struct amperes_value amperes_from_watts(const struct amperes_scale *scale,
                                        const struct amperes_connection *connection,
                                        bool hold_least, int32_t limit_w);

// The same, with no phase above its bound. A charger that takes a current for each phase gets each
// its own; one that takes a single number the least of its phases, and one that takes power so much
// as that current is at the lowest voltage of a grid, 207 V.
struct amperes_value amperes_from_bounded(const struct amperes_scale *scale,
                                          const struct amperes_connection *connection,
                                          bool hold_least, bool per_phase,
                                          const struct amperes_bounds *bounds, int32_t limit_w);

// The watts that a register value allows, rounded up. Of the scale, unit and step count.
int32_t amperes_to_watts(const struct amperes_scale *scale,
                         const struct amperes_connection *connection, int64_t raw);

// "60 x 100 W", "173 x 0.1 A", "54 %".
void amperes_describe(const struct amperes_scale *scale, int64_t raw, char *text, size_t room);

#endif
