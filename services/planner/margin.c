// SPDX-License-Identifier: Apache-2.0

#include "services/planner/margin.h"

#include <math.h>

static const float LEAST = 0.01F, MOST = 0.30F;
static const float STEP = 0.0025F, FIRST_RATE = 0.3F, LEAST_RATE = 0.06F, SLOWING = 0.05F;
static const float LONGEST = 40;  // step: one odd quarter hour does not move a margin far
static const float OTHERS = 0.1F; // of the step

static float within(float share)
{
    return fminf(fmaxf(share, LEAST), MOST);
}

void margin_start(struct margin *margin, float share)
{
    *margin = (struct margin){0};
    for (int block = 0; block < MARGIN_BLOCKS; block++)
        margin->share[block] = within(share);
}

void margin_learn(struct margin *margin, int slot, float error_share, float excess)
{
    int own = slot / MARGIN_BLOCK;
    if (!isfinite(error_share))
        return;
    float rate = FIRST_RATE / (1 + SLOWING * (float)margin->seen[own]);
    float above = fmaxf(error_share - margin->share[own], 0) / excess;
    float move = STEP * fmaxf(rate, LEAST_RATE) * (fminf(above, LONGEST) - 1);
    for (int block = 0; block < MARGIN_BLOCKS; block++) {
        float step = block == own ? (1 + OTHERS) * move : OTHERS * move;
        margin->share[block] = within(margin->share[block] + step);
    }
    margin->seen[own] += margin->seen[own] < UINT32_MAX;
}

float margin_share(const struct margin *margin, int slot, float growth)
{
    return fminf(margin->share[slot / MARGIN_BLOCK] * fmaxf(growth, 1), MOST);
}
