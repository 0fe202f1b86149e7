// SPDX-License-Identifier: Apache-2.0
// The load of the feeders without chargers, from loads.csv:
// feeder,quarter,p_l1_w,p_l2_w,p_l3_w, where an empty field is a missing measurement.

#ifndef PEER_LOADS_H
#define PEER_LOADS_H

#include "tests/peer/street.h"

enum { LOADS_QUARTER_S = 900 };

// One feeder in one quarter. What was not measured is guessed from its neighbours, because it
// was there all the same.
struct load {
    int64_t p_w[STREET_PHASES];
    bool measured[STREET_PHASES];
};

struct loads {
    int64_t first_s; // start of the first quarter, UTC
    size_t quarter_count, feeder_count;
    struct load *all;       // by quarter, then by feeder of the street
    bool *has_measurements; // of each feeder, any
};

// False when something is wrong, told on standard error. Owned: loads_free().
bool loads_read(const char *path, const struct street *street, struct loads *loads);
void loads_free(struct loads *loads);

struct load *loads_at(const struct loads *loads, size_t quarter, size_t feeder);

#endif
