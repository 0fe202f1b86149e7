// SPDX-License-Identifier: Apache-2.0
// How far above a forecast a load may come: the upper quantiles P90 and P95 of its errors, found
// by keeping count (online quantile tracking), for each horizon and 2-hour block of the local day.
//
// A quantile is a factor times the usual size of an error there. The size is that of the block,
// the horizon and of late together; the factor rises when the load came out above the quantile
// and falls when it did not, by steps in the ratio that keeps them level at 90 and 95 %. Since
// an error of one block says something of the others, these move a fifth of the step.
// Powers in W. No clock, no heap.

#ifndef PLANNER_BAND_H
#define PLANNER_BAND_H

#include "services/planner/calendar.h"
#include "services/planner/ridge.h"

enum { BAND_BLOCK = 8, BAND_BLOCKS = CALENDAR_SLOTS / BAND_BLOCK }; // slots of two hours

enum band_level { BAND_P90, BAND_P95, BAND_LEVELS };

struct band {
    float error[RIDGE_LANES];              // usual absolute error of the horizon ...
    float recent[RIDGE_LANES];             // ... of late ...
    float block[RIDGE_LANES][BAND_BLOCKS]; // ... and of each block
    float factor[BAND_LEVELS][RIDGE_LANES][BAND_BLOCKS];
    uint32_t seen[RIDGE_LANES]; // errors learnt from
};

// Before any error is known it is taken to be a share of the load, more for far horizons.
void band_start(struct band *band, float load_w);

// A forecast of that horizon (a lane) for that slot came out error_w too low, or, negative, high.
void band_learn(struct band *band, int lane, int slot, float error_w);

// What to add to a forecast of that horizon for that slot. Not negative.
float band_above(const struct band *band, enum band_level level, int lane, int slot);

#endif
