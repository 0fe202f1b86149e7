// SPDX-License-Identifier: Apache-2.0
// A charger of any type, played from the same file as the gateway's driver: its registers, what
// it takes, what keeps it awake, and what it does in silence. Pure.
//
// It is stricter than the real ones may be: only the addresses and function codes of the file,
// numbers in one piece, limits within least and most (or the pause), no read of two numbers
// where the file says so, no answer to the first of two requests where these are needed.
// What a file leaves open is taken thus: an unknown time-out is that of its plate, a charger
// without a register for it falls back to its plate's fallback, and time-out and fallback
// outlive a restart unless a register commits them.

#ifndef PEER_MIMIC_H
#define PEER_MIMIC_H

#include "base/clock.h"
#include "gateway/charger_type.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mimic_plate {
    int phase_count;
    int64_t max_ma; // per phase
    int64_t fallback_w, timeout_s;
};

struct mimic {
    const struct charger_type *type; // borrowed; NULL: this charger is no mimic
    struct mimic_plate plate;
    bool is_set;                   // a limit was written
    int64_t raw;                   // it, the least of all phases
    int64_t phase[CHARGER_PHASES]; // of each
    bool is_off;                   // paused by its switch
    bool heeds;                    // enabled
    bool is_awake;                 // the first of two requests came
    int64_t timeout, fallback;     // numbers of the registers
    bool has_committed;
    int64_t kept_timeout, kept_fallback;
    int commits;       // writes that wore its memory
    struct mono heard; // what keeps it awake
    bool fallen;
    bool connected, charging; // told by the caller
    bool echoes;              // fault: reads back another limit
    bool is_dumb;             // fault: the limit that holds, if a float, is no number
};

// Power on; zeroed before the first time.
void mimic_start(struct mimic *mimic, const struct charger_type *type,
                 const struct mimic_plate *plate, struct mono now);

// When it stops waiting; INT64_MAX: never, or it has. And do so.
struct mono mimic_runs_out(const struct mimic *mimic);
void mimic_fall(struct mimic *mimic);

// Current that each phase may have.
int64_t mimic_limit_ma(const struct mimic *mimic);

// Answer a request into answer, of room for 253 octets: returns its length, 0 for none.
size_t mimic_answer(struct mimic *mimic, const uint8_t *request, size_t len, struct mono now,
                    uint8_t answer[]);

#endif
