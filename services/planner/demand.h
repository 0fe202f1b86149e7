// SPDX-License-Identifier: Apache-2.0
// What a connection would draw in the quarter hour to come if nothing held it back, judged by
// what it drew in the last one.

#ifndef PLANNER_DEMAND_H
#define PLANNER_DEMAND_H

#include "services/planner/facts.h"

enum demand_kind {
    DEMAND_IDLE,   // no car draws: one may come
    DEMAND_SEEN,   // a car draws
    DEMAND_PAUSED, // held below 6 A, so a waiting car does not show
    DEMAND_UNHEARD // no report: a car is assumed on every phase
};

struct demand {
    enum demand_kind kind;
    unsigned phases; // of the connection: 1 << 0 for L1; none where idle
    int32_t level_w; // per phase used
    int charging;    // quarters on end that a car drew or was paused, as far back as is known
    int paused;      // the newest of these that it was paused; 0: it drew
    int back;        // where it drew, but was paused before: quarters since
};

// The quarter of which its newest report tells; -1: none that counts. It counts for two quarters
// more, and while the loads of its feeder come no sooner: from them it is taken off.
//
//   late  of its feeder, forecast_late()
int demand_report(const struct facts_connection *connection, int late);

// Was it held below 6 A, and drew nothing?
bool demand_is_pause(const struct facts_load *load, int phase_count);

// late        of its feeder
// capacity_w  what contract and chargers allow per phase
// limit_w     per phase, in force at the end of the quarter of demand_report()
//
// A car that drew close to its limit, or that came in mid-quarter, may want all there is;
// another a little more than it drew, at least 6 A.
struct demand demand_of(const struct facts_connection *connection, int late, int32_t capacity_w,
                        int32_t limit_w);

// How much a car counts when room is shared out, from how long it has been charging by a quarter
// hour of the local day (0 to 95), and so when it came. Who came between five in the afternoon and
// four at night mostly stays until the morning, and counts 1. Who came by day leaves soon: it
// counts 2.5, and 5 after two hours. In 7,700 public sessions every seventh of the former lacks
// the hour that it is held back, however long it has been charging; of the latter every third,
// and after two hours two of three.
double demand_weight(int charging, int slot);

// Of what connections may draw on a phase together, the share that is usually drawn without a
// limit: by hour of the local day, of 7,700 public sessions.
//
//   arrivals   cars a day that a connection sees
double demand_usual(double arrivals, int slot);

// The share that is expected to be drawn when nobody hears it: two and a half times what is
// usual. In hours that threaten twice as many cars are there as usual; the rest keeps a cut from
// going deeper than it has to before it is seen what it did. 0 to 1.
double demand_expected(double arrivals, int slot);

// Who pauses first where some must: the lowest. A pause lasts an hour, and so does at least the
// time after it; then whoever waits longest comes back first, and by_lot orders equals.
uint64_t demand_turn(const struct demand *demand, uint32_t by_lot);

// Power to keep free, per phase, for a car that may arrive at an idle connection within the
// quarter hour: its chance times what it would start with.
//
//   arrivals   cars a day that a connection sees
//   start_w    per phase, what it may take at once
int32_t demand_reserve(double arrivals, int32_t start_w);

#endif
