// SPDX-License-Identifier: Apache-2.0
// The street of a replay: cars at sockets that follow the limits their meters hold. Pure: what
// is drawn by lot comes from the caller's seed.
//
// A limit of W for a connection is spread over its phases, whichever of them the car uses; below
// 6 A per phase the car pauses (IEC 61851-1). A car draws, on each of its phases, the least of
// the limit, its own maximum and the charger's, until it has what it wants or leaves. One that
// arrives while another is still there waits for the place.
//
// Power in W at 230 V, energy in Wh, time in UTC seconds.

#ifndef PLANNER_PLANT_H
#define PLANNER_PLANT_H

#include "services/planner/case_file.h"
#include "services/planner/horizon.h"

// One charger and its meter. Zero but for what plant_socket() fills in.
struct plant_socket {
    const struct case_charger *charger;
    const struct case_session *sessions; // its own, by arrival; borrowed
    int next;                            // session that is here, or comes next
    double taken_wh;                     // by that one
    int64_t waiting_s;                   // how long it has been kept from charging
    int64_t charging_s;                  // how long it has drawn on end
    bool holds;                          // the meter holds a plan
    struct horizon_plan plan;            // what it holds
};

struct plant_socket plant_socket(const struct replay_case *given, int charger);

// What the plan in the meter allows at `at`, whole connection; FACTS_UNKNOWN: no limit.
int32_t plant_limit(const struct plant_socket *socket, int64_t at);

// What sessions got, by index of the case's list.
struct plant_result {
    double delivered_wh;
    int64_t full_at;  // 0: never
    int64_t waited_s; // longest that it was kept from charging but for moments
};

// Live from `from` to `to`, which lie within one quarter hour, under the plan held: adds the
// energy drawn on each phase of the connection to energy_wh, and what sessions got to results.
// Time only moves on.
void plant_live(struct plant_socket *socket, int64_t from, int64_t to, double energy_wh[PHASES],
                struct plant_result *results);

// Where measurements are missing, what lies between those before and after, in a straight line;
// at the ends, the nearest. out is as large as given->load_w.
void plant_fill_gaps(const struct replay_case *given, int32_t *out);

// A number of 0 to 1 drawn by lot, the same for the same words.
double plant_lot(uint64_t seed, uint64_t what, uint64_t when, uint64_t who);

#endif
