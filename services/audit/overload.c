// SPDX-License-Identifier: Apache-2.0

#include "services/audit/overload.h"

struct overload overload_none(void)
{
    return (struct overload){.worst_ratio = -1};
}

void overload_add(struct overload *sum, const struct phases *load, const struct phases *limit)
{
    bool measured = false, over = false, over_5pct = false;
    for (int i = 0; i < PHASES; i++) {
        measured |= load->known[i];
        if (!load->known[i] || !limit->known[i])
            continue;
        int64_t above = load->w[i] - limit->w[i];
        if (above > 0) {
            over = true;
            over_5pct |= above * 20 > limit->w[i];
            sum->over_w += above;
        }
        if (limit->w[i] && (double)load->w[i] / (double)limit->w[i] > sum->worst_ratio)
            sum->worst_ratio = (double)load->w[i] / (double)limit->w[i];
    }
    sum->measured += measured;
    sum->over_limit += over;
    sum->over_5pct += over_5pct;
}

double overload_kwh(const struct overload *sum)
{
    return (double)sum->over_w / 4000; // a quarter of an hour, 1000 W
}

struct phases phases_zero(void)
{
    return (struct phases){.known = {true, true, true}};
}

void phases_add(struct phases *sum, const struct phases *feeder)
{
    for (int i = 0; i < PHASES; i++) {
        sum->w[i] += feeder->w[i];
        sum->known[i] &= feeder->known[i];
    }
}
