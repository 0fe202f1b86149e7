// SPDX-License-Identifier: Apache-2.0

#include "gateway/voltage_bound.h"

static int64_t quarter_of(struct mono at)
{
    return at.ns / (QUARTER_S * SECONDS_NS);
}

// As it stands in the quarter of at.
static struct voltage_bound at_quarter(const struct voltage_bound *bound, int64_t quarter)
{
    if (quarter == bound->quarter)
        return *bound;
    int64_t before_mv = quarter == bound->quarter + 1 ? bound->peak_mv : 0;
    return (struct voltage_bound){.quarter = quarter, .before_mv = before_mv};
}

void voltage_bound_take(struct voltage_bound *bound, struct mono at, int64_t voltage_mv)
{
    if (voltage_mv < VOLTAGE_LEAST_MV)
        return; // a phase that is not connected, or broken
    *bound = at_quarter(bound, quarter_of(at));
    if (voltage_mv > VOLTAGE_MOST_MV)
        voltage_mv = VOLTAGE_MOST_MV;
    if (voltage_mv > bound->peak_mv)
        bound->peak_mv = voltage_mv;
}

int64_t voltage_bound_mv(const struct voltage_bound *bound, struct mono at, int64_t otherwise_mv)
{
    struct voltage_bound now = at_quarter(bound, quarter_of(at));
    int64_t mv = now.peak_mv > now.before_mv ? now.peak_mv : now.before_mv;
    return mv ? mv : otherwise_mv;
}
