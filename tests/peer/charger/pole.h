// SPDX-License-Identifier: Apache-2.0
// One charger: its station, the cars that charge there under its limit, and a shadow of the same
// cars without any. Pure; it is lived on to a time that the caller gives, event by event, so
// that whoever listens hears each change at its own time, however late the caller is.

#ifndef PEER_POLE_H
#define PEER_POLE_H

#include "tests/peer/car.h"
#include "tests/peer/charger/station.h"

struct pole {
    struct station station;
    struct car_socket car, shadow;
    int64_t dark_until_ms;       // without power until then: draws and answers nothing; 0: it has
    int64_t limit_ma;            // that holds since car.at_ms
    int64_t p_mw[CAR_PHASES];    // drawn since then
    int64_t free_mw[CAR_PHASES]; // by the shadow
};

// One moment on both clocks, which run equally fast.
struct pole_now {
    int64_t utc_ms;
    struct mono mono;
};

// Put up a charger, zero so far except that car and shadow may stand where they once stood, with
// the limit that held then: what lies between is lived under that limit. One that never stood
// anywhere lives what lies before without one.
void pole_start(struct pole *pole, const struct station_plate *plate,
                const struct car_session *sessions, size_t count, struct pole_now now);

// Live on, and call changed(arg, at_ms) each time that limit_ma, p_mw or free_mw became another:
// they then hold from at_ms on.
void pole_run(struct pole *pole, struct pole_now now, void (*changed)(void *arg, int64_t at_ms),
              void *arg);

// When the next change comes by itself, ms UTC; INT64_MAX for never.
int64_t pole_next_ms(const struct pole *pole, struct pole_now now);

// Cut the power for so long, with all registers lost. Run up to now before.
void pole_reboot(struct pole *pole, struct pole_now now, int64_t dark_ms);

#endif
