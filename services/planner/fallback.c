// SPDX-License-Identifier: Apache-2.0

#include "services/planner/fallback.h"

enum { GAIN_W = 460 }; // two amperes: a smaller cut is not worth a message to all

int32_t fallback_level(double room_w, double expected, int32_t told_w, int32_t least_w,
                       int32_t capacity_w)
{
    if (room_w >= expected * capacity_w)
        return capacity_w;
    double level_w = room_w / expected;
    if (level_w > told_w - GAIN_W)
        return told_w;
    int32_t lowest_w = least_w < told_w ? least_w : told_w;
    return level_w > lowest_w ? (int32_t)level_w : lowest_w;
}
