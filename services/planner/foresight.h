// SPDX-License-Identifier: Apache-2.0
// What the planner learns of a transformer and its feeders from one round to the next, phase by
// phase: how their base loads go (series) and how much its plans missed by (margin). Pure: taken
// in from facts and rounds, given out as outlooks. No clock, no I/O; heap only where feeders come.
//
// A round then goes: facts are read, foresight_learn(), foresight_look() fills in the outlooks,
// round_plan(), and foresight_promise() once the round stands. All may be done again with the same
// facts: what was taken in is not taken in twice.
//
// The base load of a feeder is what was measured less what its chargers were heard to draw; that
// of a transformer the sum of its feeders', in quarters where all are measured. Chargers that were
// not heard are in there with what they draw; what they might draw is taken off the outlook, since
// the round counts it as demand.

#ifndef PLANNER_FORESIGHT_H
#define PLANNER_FORESIGHT_H

#include "services/planner/margin.h"
#include "services/planner/round.h"
#include "services/planner/series.h"

enum {
    FORESIGHT_ENOUGH = 24,             // measurements from which a forecast beats the last value
    FORESIGHT_OLDEST = FACTS_FORESEEN, // quarters
    FORESIGHT_PROMISES = 4, // plans kept until their quarter hour is measured, also a late one
};

// What a plan would come to.
struct foresight_promise {
    int64_t quarter;         // 0: none
    int32_t power_w[PHASES]; // FACTS_UNKNOWN: not known
    float growth[PHASES];    // how much less sure it was than from fresh data
};

// A feeder, or the transformer itself.
struct foresight_place {
    int number; // of the feeder; 0: the transformer
    struct series series[PHASES];
    struct margin margin[PHASES];
    int reports; // gateways heard of the last quarter hour that was recovered
    struct foresight_promise promises[FORESIGHT_PROMISES]; // by quarter hour, a ring
};

struct foresight {
    int transformer;
    int64_t looked; // up to, not including, this quarter hour it took in what there was; 0: none
    int count;
    struct foresight_place **places;
};

// Local time around a quarter hour decided about, looked up once for all transformers.
struct foresight_clock {
    int64_t quarter;
    struct calendar_sheet past[FACTS_QUARTERS]; // [0] the quarter before, as in facts
};
void foresight_clock_set(struct foresight_clock *clock, int64_t quarter);

// Knows nothing. Owned: foresight_free().
struct foresight *foresight_new(int transformer);
void foresight_free(struct foresight *foresight);

// The place of a feeder (0: the transformer), made where there is none. Borrowed until the feeder
// is gone from the facts of foresight_learn().
struct foresight_place *foresight_place(struct foresight *foresight, int feeder,
                                        const struct round_rules *rules);

// Where the plan for a quarter hour stands, or stood.
static inline int foresight_slot(int64_t quarter)
{
    return (int)(quarter / CALENDAR_QUARTER_S % FORESIGHT_PROMISES);
}

// Take in what was measured since.
void foresight_learn(struct foresight *foresight, const struct facts *facts,
                     const struct foresight_clock *clock, const struct round_rules *rules);

// Fill in the outlooks of the facts, where enough is known.
void foresight_look(const struct foresight *foresight, struct facts *facts,
                    const struct foresight_clock *clock, const struct round_rules *rules);

// Remember what the round planned, to learn from how it comes out.
void foresight_promise(struct foresight *foresight, const struct facts *facts,
                       const struct round *round, int64_t quarter);

#endif
