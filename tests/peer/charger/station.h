// SPDX-License-Identifier: Apache-2.0
// The registers of a charging station of the Compleo/EBG line with one point, its watchdog, and
// the limit that follows from both. Pure: requests and times come from the caller.
//
// holding registers (function 3 reads, 6 writes one)
//   0      maximum power of the station     100 W   0..power of the station
//   1      the same in percent              %       0..100
//   2      phase imbalance allowed          0.1 A   0..10 times the maximum current
//   3      fallback power                   100 W   0..power of the station
//   4      the same in percent              %       0..100
//   5      watchdog timeout                 s       0 switches it off
//   0x100  maximum power of the point       100 W   0..power of the station
// input registers (function 4)
//   0x101  state: bit 0 connected, 1 charging, 2 limited, 3 error
//   0x102  limit that holds now             100 W       ours, as are the rest:
//   0x103  1 while the watchdog has run out
//   0x110  power of L1, L2, L3, and of all  W       four registers
//
// Exceptions: 1 another function, 2 another address, 3 a value out of range or a count of 0 or
// above 125, 4 while a fault makes it so. Units 1 and 255 over TCP, 1 on a line.
// The least of 0, 1 and 0x100 holds; without any request for the timeout the least of 3 and 4
// does, until the next request. All registers forget their values at a restart.
// Sources: open drivers of the line; what they leave open (input 0x102 on, imbalance as the
// limit of a car that loads the phases unevenly, the start values) is our choice.
//
// Where its plate names another type, the station is that instead: see mimic.h.

#ifndef PEER_STATION_H
#define PEER_STATION_H

#include "base/clock.h"
#include "tests/peer/charger/mimic.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STATION_PDU_MAX = 253, STATION_EVER = -1 };

// What is on its type plate, and how it starts.
struct station_plate {
    int phase_count;
    int64_t max_ma;                  // per phase
    int64_t fallback_w;              // at the start
    int64_t timeout_s;               // at the start
    const struct charger_type *type; // another than this line; borrowed; NULL: this one
};

// What is wrong with it; the counts are requests still to be treated so, or STATION_EVER.
struct station_faults {
    int silent;    // no answer, nothing done; and for the watchdog nobody asked
    int exception; // answers with exception 4
    bool echo;     // register 0 reads back as another value
    bool nan;      // of another type: each float that it measures is no number
    bool error;    // its contactor has failed: no charging, state bit 3
};

struct station {
    struct station_plate plate;
    struct station_faults faults;
    uint16_t power, percent, imbalance, fallback_power, fallback_percent, timeout_s, point_power;
    struct mono heard; // last request
    bool fallen_back;
    bool connected; // the cable: told by the caller, with what is drawn
    int64_t p_mw[3];
    struct mimic mimic; // of another type
};

void station_start(struct station *station, const struct station_plate *plate, struct mono now);

// Power on the plate in units of 100 W, rounded down: the most that registers 0 and 3 take.
uint16_t station_power(const struct station_plate *plate);

// Look at the watchdog. True when it just ran out.
bool station_watch(struct station *station, struct mono now);

// When it runs out; INT64_MAX when it is off or has.
struct mono station_runs_out(const struct station *station);

// The current that each phase may have now, for a car on so many phases of the connection.
int64_t station_limit_ma(const struct station *station, int car_phases);

// Answer a request (function code and data). Returns the length of the answer, 0 for none.
size_t station_answer(struct station *station, const uint8_t *request, size_t len, struct mono now,
                      uint8_t answer[static STATION_PDU_MAX]);

#endif
