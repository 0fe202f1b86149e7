// SPDX-License-Identifier: Apache-2.0
// What the chargers drew in each quarter hour, by feeder and grid phase, as it is and as it would
// be without limits. Pure; each charger draws what it last told, from the time it told on, so
// news may come late as long as their quarter is not closed.
//
// Power in mW, energy in uJ, time in ms UTC.

#ifndef PEER_LEDGER_H
#define PEER_LEDGER_H

#include "tests/peer/street.h"

#define LEDGER_QUARTER_MS INT64_C(900000)

struct ledger_draw {
    int64_t at_ms;                                       // counted up to here
    int64_t p_mw[STREET_PHASES], free_mw[STREET_PHASES]; // of the connection
};

struct ledger_cell {
    int64_t with_uj[STREET_PHASES], free_uj[STREET_PHASES]; // of the grid
};

struct ledger {
    const struct street *street;
    int64_t first_ms; // start of the first quarter
    size_t quarter_count;
    struct ledger_cell *cells; // by quarter, then by feeder
    struct ledger_draw *draws; // of each charger
};

// Nothing drawn, and nothing counted before from_ms. Owned: ledger_free().
struct ledger ledger_new(const struct street *street, int64_t first_ms, size_t quarter_count,
                         int64_t from_ms);
void ledger_free(struct ledger *ledger);

struct ledger_cell *ledger_cell(const struct ledger *ledger, size_t quarter, size_t feeder);

// Count all chargers up to a time; what they tell later of before counts no more.
void ledger_run(struct ledger *ledger, int64_t to_ms);

// From at_ms on a charger draws this.
void ledger_take(struct ledger *ledger, size_t charger, int64_t at_ms,
                 const int64_t p_mw[STREET_PHASES], const int64_t free_mw[STREET_PHASES]);

#endif
