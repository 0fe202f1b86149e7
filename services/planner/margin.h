// SPDX-License-Identifier: Apache-2.0
// How much of a limit to keep free, found by what plans were worth: per 2-hour block of the local
// day, so much that what comes out above plan and margin is, in the mean of all quarter hours, no
// more than a given excess. It is energy that heats a transformer: many small errors weigh as much
// as one large, and where errors are small next to the limit hardly any margin is kept.
//
// A share of the limit, so it stays right when the limit is changed. Each error moves the margin
// of its own block by a step that shrinks as the block learns, and those of the others by a
// tenth of it. Never below 1 % nor above 30 %. No clock, no heap.

#ifndef PLANNER_MARGIN_H
#define PLANNER_MARGIN_H

#include "services/planner/calendar.h"

enum { MARGIN_BLOCK = 8, MARGIN_BLOCKS = CALENDAR_SLOTS / MARGIN_BLOCK }; // slots of two hours

struct margin {
    float share[MARGIN_BLOCKS];   // of the limit
    uint32_t seen[MARGIN_BLOCKS]; // errors learnt from
};

// Begin with the same share everywhere; outside of 1 to 30 % it is brought there.
void margin_start(struct margin *margin, float share);

// A quarter hour came out error_share of the limit above its plan, or, negative, below. excess:
// share of the limit, above 0. What is not finite is not learnt.
void margin_learn(struct margin *margin, int slot, float error_share, float excess);

// For a quarter hour of which the plan rests on data so old that errors are `growth` times those
// of fresh data (at least 1): a share of the limit, at most 30 %.
float margin_share(const struct margin *margin, int slot, float growth);

#endif
