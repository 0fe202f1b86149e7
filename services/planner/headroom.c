// SPDX-License-Identifier: Apache-2.0

#include "services/planner/headroom.h"

#include <math.h>

static const double MOST = 0.30;

int32_t headroom_margin(int32_t limit_w, double share, int age)
{
    double grown = share * sqrt(age > 1 ? age : 1);
    double most = share > MOST ? share : MOST;
    return (int32_t)lround(limit_w * (grown < most ? grown : most));
}

int32_t headroom_left(int32_t limit_w, int32_t base_w, int32_t margin_w)
{
    int64_t left_w = (int64_t)limit_w - base_w - margin_w;
    return (int32_t)(left_w < -INT32_MAX ? -INT32_MAX : left_w > INT32_MAX ? INT32_MAX : left_w);
}
