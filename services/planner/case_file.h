// SPDX-License-Identifier: Apache-2.0
// A replay case as its folder holds it: grid.json, loads.csv, sessions.csv and case.ini.
//
// Powers in W, currents in A, energies in Wh, times in UTC seconds; grid phases are 0 to 2.

#ifndef PLANNER_CASE_FILE_H
#define PLANNER_CASE_FILE_H

#include "services/planner/facts.h"

#include <stdbool.h>
#include <stdint.h>

enum case_policy {
    CASE_NONE,     // no control
    CASE_STATIC,   // always 6 A
    CASE_RULE,     // the last quarter of phase 1 above 90 % of the limit: 6 A, else free
    CASE_AIMD,     // cut by a factor above 97 % of the limit, rise by steps below 90 %
    CASE_FORECAST, // what the planner does
    CASE_BOUND,    // the same, told the load without chargers of the quarter to come
    CASE_POLICIES
};

struct case_place {
    char id[FACTS_ID];
    bool limited[PHASES];
    int32_t limit_w[PHASES]; // where limited
    int above;               // of a feeder: its transformer
};

struct case_charger {
    char id[FACTS_ID];
    int feeder;
    int phase_count;            // 1 to 3
    uint8_t grid_phase[PHASES]; // behind L1, L2, L3 of the connection
    double max_a, floor_a;      // per phase
    int first, count;           // its sessions, which stand together, by arrival
};

struct case_session {
    int charger;
    int64_t arrival, departure;
    double energy_wh;     // what the car wants
    double max_a;         // of the car, per phase
    unsigned grid_phases; // that it uses: 1 << phase
};

struct replay_case {
    char *name;
    // A feeder that hangs on nothing has a transformer of its own, without a limit or a name.
    struct case_place *transformers, *feeders;
    int transformer_count, feeder_count;
    struct case_charger *chargers;
    int charger_count;
    struct case_session *sessions;
    int session_count;

    int64_t start; // first quarter hour of the loads
    int quarters;
    int32_t *load_w; // [quarter][feeder][phase] without chargers; FACTS_UNKNOWN: not measured

    int64_t score_from;
    int delivery_s, late_quarters, interval_s;
    double loss, missing; // shares of 1
    bool charger_meters;
    uint64_t seed;
    bool policies[CASE_POLICIES];
};

// Read a case. NULL when it cannot be read or does not fit together; what is wrong stands then
// on standard error, with file and line or field. Owned: case_free().
struct replay_case *case_read(const char *folder);
void case_free(struct replay_case *given);

// "none", "static", "rule", "aimd", "forecast", "bound".
const char *case_policy_name(enum case_policy policy);

static inline int32_t *case_load(const struct replay_case *given, int quarter, int feeder)
{
    return given->load_w + ((int64_t)quarter * given->feeder_count + feeder) * PHASES;
}

#endif
