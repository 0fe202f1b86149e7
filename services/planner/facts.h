// SPDX-License-Identifier: Apache-2.0
// What is known of one transformer when a round begins: plain values, read from the tables by
// plan_table, or made by a test. Powers in W, times in UTC seconds.
//
// Lists of quarters run backwards: [0] is the quarter hour before the one that is decided
// about, the newest that can have been measured; [1] the one before that.

#ifndef PLANNER_FACTS_H
#define PLANNER_FACTS_H

#include "services/planner/horizon.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    PHASES = 3,
    FACTS_FRESH = 8,     // quarters: older measurements are not planned with
    FACTS_QUARTERS = 10, // kept of loads, which may stand in for a missing one two later
    FACTS_PAUSED = 80,   // quarters before these through which a pause is followed
    FACTS_AHEAD = 32,    // quarters foreseen
    FACTS_FORESEEN = 96, // quarters: nothing is foreseen from older measurements
    FACTS_ID = 65,       // room for an operator's name with its terminator
    FACTS_CAPS = 4,      // limits by hand on a connection: two of its own, those of places above
};

#define FACTS_UNKNOWN INT32_MIN // a power that was not measured

// How fresh the measurements of the phases with a limit are, the oldest of them.
enum facts_sight {
    FACTS_SIGHT_FRESH, // of the quarter hour before
    FACTS_SIGHT_LATE,  // up to two hours old
    FACTS_SIGHT_BLIND, // older
    FACTS_SIGHT_LOST,  // older than a day: nothing is foreseen from them
};

// A limit set by hand that is in force; number 0: none.
struct facts_hand {
    int number;
    int64_t until;
};

// One on what a connection may draw.
struct facts_cap {
    struct facts_hand hand;
    int32_t limit_w; // whole connection
};

// What is foreseen of the base load of one phase: [0] is the quarter hour decided about. Filled in
// by foresight_look(); without one the last measurement is carried forward.
struct facts_outlook {
    bool known;
    int age; // quarters since the last measurement; INT_MAX: never; 0: nothing learnt yet
    const char *method; // "profile" or "ridge"
    int32_t base_w[FACTS_AHEAD], p90_w[FACTS_AHEAD], p95_w[FACTS_AHEAD];
    int32_t margin_w[FACTS_AHEAD]; // to keep free above base_w
};

struct facts_feeder {
    int number;
    char id[FACTS_ID];
    bool limited;                               // limit_w holds; else no limit here
    int32_t limit_w[PHASES];                    // by grid phase
    struct facts_hand hand;                     // limit_w was set by hand
    int32_t measured_w[FACTS_QUARTERS][PHASES]; // by grid phase
    int32_t revision[FACTS_QUARTERS];           // how often the value was corrected
    struct facts_outlook outlook[PHASES];
    bool certain;              // certain_w holds; a replay's causal bound only
    int32_t certain_w[PHASES]; // base load of the quarter decided about, beyond doubt
};

// What the gateway behind one meter reported of a quarter, by phase of the connection.
struct facts_load {
    int32_t drawn_w[PHASES];
    int32_t limit_w; // in force at its end, whole connection; FACTS_UNKNOWN: none, or not told
};

struct facts_connection {
    int number, meter;
    int feeder;                  // index in facts.feeders
    int phase_count;             // 1 to 3
    uint8_t grid_phase[PHASES];  // 0 to 2, behind L1, L2, L3 of the connection
    int32_t contract_w, floor_w; // whole connection
    int32_t charger_w;           // what its chargers can draw, per phase
    double weight;
    int32_t interval_s; // least time between two messages to its meter
    struct facts_cap caps[FACTS_CAPS];
    int cap_count;
    struct facts_load loads[FACTS_QUARTERS];
    int paused_before; // where all of these are of a pause: quarters that it had lasted before

    // What was sent. Borrowed from whoever filled this in; NULL for none.
    const struct horizon_plan *told;   // the newest that the meter is known to hold
    const struct horizon_plan *coming; // a newer one on its way
    bool told_by_hand, coming_by_hand; // sent because of a limit by hand
    int64_t written;                   // when the meter last took a message; 0: not lately
};

struct facts {
    int number;
    char id[FACTS_ID];
    bool limited;
    int32_t limit_w[PHASES];
    struct facts_hand hand; // limit_w was set by hand
    enum facts_sight saw;   // in the round before
    struct facts_outlook outlook[PHASES];
    struct facts_feeder *feeders;
    int feeder_count;
    struct facts_connection *connections; // only those with a meter: others are base load
    int connection_count;
};

#endif
