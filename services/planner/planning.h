// SPDX-License-Identifier: Apache-2.0
// What is known and found out in one round, step by step: private to round_plan(), whose steps are
// the functions here, each in a file of its own, in this order. No clock, no I/O.
//
// A place is a feeder, by its index, or, after the last, the transformer.

#ifndef PLANNER_PLANNING_H
#define PLANNER_PLANNING_H

#include "services/planner/demand.h"
#include "services/planner/round.h"
#include "services/planner/sharing.h"

// What a limit set by hand asks of a round.
enum hand {
    HAND_NONE,
    HAND_HELD,    // what the meter holds keeps it, or it is on its way
    HAND_SEND,    // it has to be told
    HAND_RELEASE, // it was, and holds no more
};

enum choice {
    CHOICE_KEEP,  // what it holds is good enough, or nothing can be done
    CHOICE_RAISE, // a message that gives more
    CHOICE_LOWER, // a message that gives less
};

// What is found out about one connection on the way; all W per phase of the connection.
struct seat {
    int32_t capacity_w, floor_w;
    int32_t cap_w;    // by hand; INT32_MAX: none, or above the capacity
    enum hand hand;   //
    bool is_beneath;  // a feeder or transformer limited by hand
    bool was_by_hand; // what it holds, or what is on its way
    bool waived;      // a message may go out within its meter's interval
    int32_t told_w;   // holds for the quarter decided about, as far as is known
    int32_t could_w;  // the same, or what is on its way where that is more
    int32_t coming_w; // what is on its way allows; told_w where nothing is
    struct demand demand;
    unsigned grid_phases; // on which it draws, or, idle, may draw
    int32_t wanted_w;     // the rules' limit for it
    int32_t final_w;      // what it will hold after this round
    enum sharing_bound bound;
    int place, phase; // where a place bound it
    bool blocked, late, blind;
    bool deaf;       // nobody hears what it and most others of its feeder draw
    double expected; // W that it draws, for each W that its limit lets a car there draw
    enum choice choice;
    int64_t hold_s;               // of the profile, where not the usual
    int32_t tail_w[HORIZON_TAIL]; // of the profile: what the hours ahead leave
};

struct planning {
    const struct facts *facts;
    const struct round_rules *rules;
    int64_t quarter, now;
    int slot; // of the quarter, in the local day
    struct round *round;
    struct seat *seats;
    struct sharing_place *places;
    bool *forced; // place x phase: the plans in force are too much there
    struct sharing_user *users;
    int *user_seat;
    bool *deaf; // by feeder: most of its connections are not heard
    int user_count;
};

static inline int32_t planning_least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static inline int32_t planning_most(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static inline int planning_places(const struct planning *p)
{
    return p->facts->feeder_count + 1;
}

static inline struct round_line *planning_line(const struct planning *p, int place, int phase)
{
    return &p->round->lines[place * PHASES + phase];
}

static inline bool planning_is_on(const struct seat *seat, int phase)
{
    return seat->grid_phases >> phase & 1;
}

// The two places of a connection: its feeder and the transformer.
static inline int planning_place(const struct planning *p, int i, int which)
{
    return which ? p->facts->feeder_count : p->facts->connections[i].feeder;
}

static inline struct facts_hand planning_hand(const struct planning *p, int place)
{
    return place < p->facts->feeder_count ? p->facts->feeders[place].hand : p->facts->hand;
}

// Nobody hears what it draws, and no limit by hand holds above it. Where one does it has to hold at
// once, so all it may draw is counted, and its share is the most that it gets.
static inline bool planning_only_follows(const struct seat *seat)
{
    return seat->deaf && !seat->is_beneath;
}

static inline int64_t planning_draw(const struct seat *seat, int32_t level_w)
{
    return (int64_t)(seat->expected * level_w);
}

// What holds, what is seen and foreseen, and what each connection would draw if nothing held it
// back.
void planning_know(struct planning *p);

// The lowest limit there is a reason for where nothing is known; per phase of the connection.
int32_t planning_careful_level(const struct planning *p, int i);

// The limit that each connection should have: its share, or what those get that nobody hears.
void planning_share(struct planning *p);

// Who gets a message, and idle connections where others are held low.
void planning_choose(struct planning *p);

// Is what is on its way as good as what would be sent?
bool planning_is_coming(const struct planning *p, int i);

// What the hours ahead leave each connection.
void planning_look_ahead(const struct planning *p);

// What bound a connection, and why it gets what it gets, in words. comes: what is on its way will
// do.
void planning_explain(const struct planning *p, int i, bool comes, struct round_share *share);

#endif
