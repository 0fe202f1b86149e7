// SPDX-License-Identifier: Apache-2.0
// Charging sessions from sessions.csv: charger,arrival,departure,energy_wh,phases,max_a, where
// phases are the grid phases that the car uses.

#ifndef PEER_SESSIONS_H
#define PEER_SESSIONS_H

#include "tests/peer/car.h"
#include "tests/peer/street.h"

struct sessions {
    struct car_session *all; // by charger, then by arrival
    size_t *first;           // of each charger in all; one more than there are chargers
};

// Read them for the chargers of a street. False when something is wrong, told on standard
// error. A car may use only phases that the charger's connection has; those that it lacks do
// not count, but at least one must. Owned: sessions_free().
bool sessions_read(const char *path, const struct street *street, struct sessions *sessions);
void sessions_free(struct sessions *sessions);

#endif
