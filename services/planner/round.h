// SPDX-License-Identifier: Apache-2.0
// One round of one transformer: what is known in, what is decided and why out. The rules
// stand in forecast, headroom, demand, sharing and horizon; here they meet.
//
// The older the measurements the wider the margins. Where a phase with a limit has neither an
// outlook, which lasts a day, nor a measurement of the last two hours, nothing can be shared out
// there. Then every connection on it gets a fixed careful limit, 6 A or its floor, in the hours in
// which a street is busiest, and none outside them. The round says how well it saw.
//
// A limit set by hand is a cap above all this: on a connection it holds to the watt, also below
// its floor and whatever is foreseen; on a feeder or transformer it takes the place of a higher
// limit there, and floors beneath do not hold. Where its base load is not known, the careful limit
// then holds at all hours, and all connections together get no more than the limit. The message
// that brings it lasts until its end, and goes before all others.

#ifndef PLANNER_ROUND_H
#define PLANNER_ROUND_H

#include "services/planner/facts.h"

struct round_rules {
    double margin;                // share of a limit kept free with fresh data, until learnt
    double excess;                // share of a limit by which loads may exceed plans, in the mean
    double arrivals;              // cars a day that a connection sees
    int32_t severe_w;             // a level below this, per phase, holds idle connections back too
    int32_t idle_s;               // how long an idle one is held back
    int32_t slack_s;              // how much earlier than its interval allows a message may be made
    int careful_from, careful_to; // hours of local time that are careful when blind
    bool waive;                   // messages by hand do not wait for a meter's interval
    struct horizon_rules horizon;
};

// A feeder or the transformer, one phase: why it has what it has. All W.
struct round_line {
    bool limited;
    bool known;    // base_w is: foreseen, or carried forward
    bool measured; // in the last two hours: so are measured_at, measured_w, controlled_w
    int32_t limit_w;
    int64_t measured_at; // quarter of the measurement (of the oldest, for the transformer)
    int32_t measured_w, controlled_w, base_w, margin_w, headroom_w;
    int32_t p90_w, p95_w; // of the base load; FACTS_UNKNOWN where only carried forward
    const char *method;   // "none", "last", "profile", "ridge": how base_w was found
    int32_t reserved_w;   // of the headroom, for cars that may arrive
    int64_t demand_w;     // of the cars there, unlimited
    int64_t given_w;      // what the limits in force after this round let them draw
    int chargers;         // connections on it
};

enum { ROUND_BY_HAND = 1 }; // priorities up to here: messages because of a limit by hand

enum round_decision { ROUND_SEND, ROUND_KEEP, ROUND_FREE };

struct round_share {
    int connection;            // index in facts
    int32_t demand_w, share_w; // whole connection
    char bound_by[96]; // 'demand', 'contract', 'floor', 'pause', 'interval', 'delivery', 'no data',
                       // 'no meters', 'idle', 'by hand', 'feeder F1 L2', 'transformer T1 L3'
    enum round_decision decision;
    char reason[288];        // in words, with numbers
    int priority;            // of what to send: 0 first
    struct profile *profile; // what to send; NULL unless ROUND_SEND
    bool keeps_coming;       // ROUND_KEEP: what counts is the profile on its way
};

struct round {
    struct round_line *lines; // feeder by feeder, then the transformer, 3 phases each
    struct round_share *shares;
    int share_count;
    bool congested; // some phase has less than the cars on it ask for
    enum facts_sight sight;
    int deaf; // feeders with most connections not heard
};

// Plan the quarter hour that starts at `quarter`, seen at time now. Owned: round_free().
struct round *round_plan(const struct facts *facts, const struct round_rules *rules,
                         int64_t quarter, int64_t now);
void round_free(struct round *round);

// Careful enough to be told: nothing of the last two hours was measured.
static inline bool round_is_blind(const struct round *round)
{
    return round->sight >= FACTS_SIGHT_BLIND;
}

// "fresh", "late", "blind", "lost".
const char *round_sight_name(enum facts_sight sight);

// "send", "keep", "free".
const char *round_decision_name(enum round_decision decision);

#endif
