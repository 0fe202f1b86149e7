// SPDX-License-Identifier: Apache-2.0
// The social rule: who may draw how much of what is left. Max-min fair per phase: all levels
// rise together, each in step with its weight, until a phase of a feeder or of the
// transformer is full; its users stay there and the others rise on. Nobody gets more by
// asking for more, and nobody could get more without someone getting less who has less.
//
// A level is W per phase and the same on each phase that a user draws on. Nobody is held
// below its floor, also when the floors alone are too much; the caller is told so.
//
// A charger cannot draw less than 6 A, so nobody is set below that while there is enough for
// all. Where there is not, some pause. Who goes on is found in the order of their `turn`, the
// highest first: each for whom those before it leave its 6 A. Who pauses changes with that order.
//
// When a limit rises and is the only one, nobody gets less. Where several phases are limited no
// fair rule can promise that: who was held there, and draws on another phase as well, takes more of
// that too. What holds is that the poorest gain: of all shares for their weight, from the lowest
// up, the first that changes rises; and on the phase itself no less is drawn. In a million random
// streets every tenth had somebody who lost, at most 1.7 W for each W of the rise. Who comes back
// from a pause takes its 6 A at once, so another may then pause (in every 40th), but the first by
// turn whose pause begins or ends is one who comes back; with one limit nobody has to pause for
// that.
//
// Pure; exact up to 1 W. Cost: about users x log(users) x places.

#ifndef PLANNER_SHARING_H
#define PLANNER_SHARING_H

#include <stdbool.h>
#include <stdint.h>

enum { SHARING_PHASES = 3 };

// A feeder or the transformer: what it has left per grid phase, for all users together.
struct sharing_place {
    bool limited[SHARING_PHASES];
    int64_t room_w[SHARING_PHASES]; // where limited; may be negative
    bool full[SHARING_PHASES];      // out: it bound somebody
    bool over[SHARING_PHASES];      // out: floors and what is fixed exceed the room
};

enum sharing_bound {
    SHARING_FREE,  // nothing bound: it gets what it asks for
    SHARING_FLOOR, // held at its floor by a full place
    SHARING_PLACE, // held by a full place
    SHARING_PAUSE, // below 6 A to make room for others
    SHARING_FIXED, // not ours to change
};

struct sharing_user {
    int feeder;       // index in places
    unsigned phases;  // grid phases it draws on: 1 << 0 for L1; at least one
    int32_t demand_w; // what it would draw
    int32_t floor_w;  // never held below
    int32_t least_w;  // draws nothing below this level
    double weight;    // > 0
    uint64_t turn;    // the lowest pauses first; no two have the same
    bool fixed;       // stays at level_w whatever happens

    int32_t level_w;          // in where fixed; else out
    enum sharing_bound bound; // out
    int place, phase;         // out, where bound by a place: which
};

// Share out. places[0 .. feeder_count - 1] are the feeders, places[feeder_count] is the
// transformer.
void sharing_fill(struct sharing_place *places, int feeder_count, struct sharing_user *users,
                  int user_count);

#endif
