// SPDX-License-Identifier: Apache-2.0
// How much and how often a feeder or transformer was above its limit, summed over quarter hours.
// Pure. Over means: the mean of a phase over the quarter lies above the limit of that phase.

#ifndef AUDIT_OVERLOAD_H
#define AUDIT_OVERLOAD_H

#include <stdbool.h>
#include <stdint.h>

enum { PHASES = 3 };

// One value per grid phase, W. For a load: what is not known counts neither as load nor as none.
// For a limit: a phase without one.
struct phases {
    int64_t w[PHASES];
    bool known[PHASES];
};

struct overload {
    int64_t measured;   // quarters with at least one known phase
    int64_t over_limit; // of these, with a phase above its limit
    int64_t over_5pct;  // more than 5 % above it
    int64_t over_w;     // sum over quarters and phases of W above the limit
    double worst_ratio; // highest load / limit; below 0: no phase with a load and a limit
};

struct overload overload_none(void);

// Add the quarter with this load.
void overload_add(struct overload *sum, const struct phases *load, const struct phases *limit);

// Energy above the limit, kWh, of the quarters added.
double overload_kwh(const struct overload *sum);

// Add one feeder to the load of its transformer in the same quarter: a phase that one feeder does
// not know is not known of the transformer. A sum begins with known everywhere, 0 W.
struct phases phases_zero(void);
void phases_add(struct phases *sum, const struct phases *feeder);

#endif
