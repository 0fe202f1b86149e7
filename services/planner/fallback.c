// SPDX-License-Identifier: Apache-2.0

#include "services/planner/fallback.h"

static const double CUT_ABOVE = 0.95, CUT = 0.6, RISE_BELOW = 0.80;

int32_t fallback_level(double fullest, int32_t told_w, int32_t least_w, int32_t capacity_w)
{
    if (fullest > CUT_ABOVE) {
        int32_t cut_w = (int32_t)(told_w * CUT);
        int32_t lowest_w = least_w < told_w ? least_w : told_w;
        return cut_w > lowest_w ? cut_w : lowest_w;
    }
    return fullest < RISE_BELOW ? capacity_w : told_w;
}
