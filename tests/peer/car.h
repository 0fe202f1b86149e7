// SPDX-License-Identifier: Apache-2.0
// Cars at the one socket of a charger: they arrive, draw on each of their phases the least of
// the limit, their own and the charger's maximum, until they are full or have to leave. Pure:
// time and limit come from the caller, so the same sessions run once under control and once
// free, and a day takes no time in a test.
//
// Units: time in ms UTC, current in mA, power in mW (230 V times mA), energy in uJ (mW times
// ms), so all sums are exact. Phases are those of the connection.
// Source of the rules: IEC 61851-1 (no charging below 6 A); a power limit is spread over the
// phases of the connection, whichever of them the car uses.

#ifndef PEER_CAR_H
#define PEER_CAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CAR_PHASES = 3, CAR_VOLT = 230, CAR_LEAST_MA = 6000 };
#define CAR_WH_UJ INT64_C(3600000000)

struct car_session {
    int64_t arrival_ms, departure_ms;
    int64_t energy_uj;     // what it wants
    int64_t max_ma;        // least of its own and the charger's maximum
    bool uses[CAR_PHASES]; // L1, L2, L3 of the connection
};

// Zero except for sessions and count, it stands before all of them.
struct car_socket {
    const struct car_session *sessions; // by arrival; borrowed
    size_t count;
    size_t next;      // the session that is here, or comes next
    int64_t at_ms;    // how far the sessions were lived
    int64_t taken_uj; // by the one that is here
};

// A limit of the whole connection in W as current on each of its phases, rounded down.
int64_t car_limit_ma(int64_t limit_w, int phase_count);

// The session that is here, full or not; NULL for none.
const struct car_session *car_here(const struct car_socket *socket);

// What is drawn on each phase now, and how much that is in all. A limit below 6 A pauses.
int64_t car_draw(const struct car_socket *socket, int64_t limit_ma, int64_t p_mw[CAR_PHASES]);

// When something changes by itself if the limit stays: a car comes, is full or leaves.
// INT64_MAX for never.
int64_t car_next_ms(const struct car_socket *socket, int64_t limit_ma);

// Live on to to_ms under one limit and add what was drawn to energy_uj, which may be NULL. A
// car that arrives while another is still here waits for the place. Never goes back in time.
void car_step(struct car_socket *socket, int64_t to_ms, int64_t limit_ma,
              int64_t energy_uj[CAR_PHASES]);

#endif
