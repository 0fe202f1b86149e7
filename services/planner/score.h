// SPDX-License-Identifier: Apache-2.0
// What a policy achieved in a replay, against the same days without control. Pure.

#ifndef PLANNER_SCORE_H
#define PLANNER_SCORE_H

#include "services/planner/plant.h"

// What happened in one run through a case. Places are the feeders, then the transformers.
struct score_run {
    float *load_w;  // [quarter][place][phase], quarter means, chargers and all
    float *drawn_w; // [quarter][charger], sum of its phases
    float *limit_a; // [quarter][charger] per phase, at the end of the quarter; INFINITY: none
    bool *messaged; // [quarter][charger] a message was sent, delivered or not
    struct plant_result *results; // [session]
};

struct score {
    double days, charger_days;
    double overload_quarters, overload_quarters_5pct; // a day, all places together
    double overload_kwh;                              // a day, all places and phases together
    double worst_ratio;                               // highest load / limit
    double curtailed_pct; // energy not drawn in the quarter in which it would have been
    double unserved_pct;  // energy short at departure
    double delay_h;       // mean lateness of being full (or of leaving, where never full)
    double wait_h;        // longest that a car was kept from charging altogether
    double jain, p5;      // of delivered / uncontrolled energy over sessions
    double messages;      // per charger and day
};

// Overload: quarters in which a phase is above its limit where the load without chargers is not.
// What counts are the quarters from score_from on and the sessions that arrive from then on.
//
//   base_w  [quarter][feeder][phase] without chargers and without gaps
struct score score_of(const struct replay_case *given, const int32_t *base_w,
                      const struct score_run *uncontrolled, const struct score_run *run);

// Sum of the base load of a place's feeders in a phase.
double score_base(const struct replay_case *given, const int32_t *base_w, int quarter, int place,
                  int phase);

const struct case_place *score_place(const struct replay_case *given, int place);

static inline int64_t score_at(const struct replay_case *given, int quarter, int place)
{
    return ((int64_t)quarter * (given->feeder_count + given->transformer_count) + place) * PHASES;
}

#endif
