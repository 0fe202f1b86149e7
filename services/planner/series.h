// SPDX-License-Identifier: Apache-2.0
// The forecast of one load, a phase of a feeder or of a transformer, from what was measured of
// it, quarter hour by quarter hour. Each one taken in costs the same, whatever went before, and
// the state does not grow. Powers in W. No clock, no I/O, no heap.
//
//   usual     what the seasonal profile says of a quarter hour
//   residual  measured minus usual
//
// From the first day on (level 1) the last residual is carried ahead, the less the further: a
// share found for each horizon by regression on the past. After a week of measurements (level
// 2) a linear forecast of 19 inputs takes over, learnt online for each of eight horizons: the
// last residuals and two means of them, what yesterday, the day before and last week were at
// the target, the time of day, the kind of day. Between the horizons the coefficients are
// interpolated; beyond a day the usual stands alone.
//
// How far the load may come above it is a band of its own (band.h), learnt from the errors of
// just those forecasts that were made.

#ifndef PLANNER_SERIES_H
#define PLANNER_SERIES_H

#include "services/planner/band.h"
#include "services/planner/ridge.h"
#include "services/planner/season.h"

enum {
    SERIES_WEEK = 7 * CALENDAR_SLOTS,
    SERIES_RECENT = 128, // residuals kept: a day and some, a power of two
    SERIES_LANES = RIDGE_LANES,
    SERIES_ISSUED = 1 + 2 + 4 + 8 + 16 + 32 + 64 + 96,
    SERIES_STUCK = 8, // repeats of exactly one value that are still believed
};

// The horizons that are learnt, in quarter hours: 15 minutes to a day.
extern const int series_horizons[SERIES_LANES];

struct series {
    int64_t newest;    // start of the last quarter hour taken in, UTC seconds; 0: none
    int64_t origin;    // of the last one measured
    uint32_t measured; // how many were
    float last_w;      // the last value that came ...
    int32_t same;      // ... and how often it was repeated since
    float mean_w, spread_w;
    struct season season;
    float history[SERIES_WEEK]; // of the last week, by quarter number; NAN: missing
    float residual[SERIES_RECENT], brief[SERIES_RECENT], lasting[SERIES_RECENT];
    float product[SERIES_LANES], square[SERIES_LANES]; // level 1: share = product / square
    struct ridge ridge;
    float issued[SERIES_ISSUED]; // forecasts that wait for their quarter hour, a ring a horizon
    struct band band;
};

enum series_taken {
    SERIES_MEASURED,
    SERIES_MISSING,
    SERIES_STUCK_VALUE, // refused, counts as missing
    SERIES_IMPLAUSIBLE, // likewise
    SERIES_LATE,        // of a quarter hour before the newest: kept as what it was, no more
};

enum series_method { SERIES_NOTHING, SERIES_PROFILE, SERIES_RIDGE };

struct series_forecast {
    enum series_method method; // SERIES_NOTHING: nothing was measured yet, and the rest is 0
    int horizon;               // quarter hours from the last measurement
    float mean_w, p90_w, p95_w;
};

void series_start(struct series *series);

// Take in the quarter hour of the sheet. power_w NAN: it was not measured; most_w: what can be
// believed, more is refused (INFINITY: anything). Quarter hours passed over were not measured.
enum series_taken series_update(struct series *series, const struct calendar_sheet *sheet,
                                float power_w, float most_w);

// What is foreseen for a quarter hour after origin; `when` is its calendar_at().
struct series_forecast series_forecast(const struct series *series, int64_t quarter,
                                       struct calendar when);

// How much larger errors are at a horizon than at the first, at least 1.
float series_growth(const struct series *series, int horizon);

// "nothing", "profile", "ridge".
const char *series_method_name(enum series_method method);

#endif
