// SPDX-License-Identifier: Apache-2.0

#include "services/planner/tail.h"
#include "base/memory.h"
#include "services/planner/demand.h"

#include <math.h>
#include <stdlib.h>

enum { HOUR = 4, SLOTS = 96 };   // quarters
static const double STAYS = 0.6; // of those that charge, an hour later: of 7,700 public sessions

int64_t tail_room(const struct facts_outlook *outlook, int32_t limit_w, int hour)
{
    int64_t room_w = INT64_MAX;
    for (int ahead = hour * HOUR; ahead < (hour + 1) * HOUR; ahead++) {
        int64_t left_w = (int64_t)limit_w - outlook->base_w[ahead] - outlook->margin_w[ahead];
        room_w = left_w < room_w ? left_w : room_w;
    }
    return room_w;
}

double tail_cars(int now, int connections, double arrivals, int slot, int hour)
{
    double usual = connections * demand_usual(arrivals, slot);
    double then = connections * demand_usual(arrivals, (slot + hour * HOUR) % SLOTS);
    return fmax(then + (now - usual) * pow(STAYS, hour), 1);
}

void tail_share(struct sharing_place *places, int feeder_count, const struct sharing_user *users,
                int user_count, int32_t *level_w)
{
    struct sharing_user *then = memory_new((size_t)user_count + 1, sizeof *then);
    for (int u = 0; u < user_count; u++) {
        then[u] = users[u];
        then[u].fixed = false;
        if (then[u].floor_w < then[u].least_w)
            then[u].floor_w = then[u].least_w;
    }
    sharing_fill(places, feeder_count, then, user_count);
    for (int u = 0; u < user_count; u++)
        level_w[u] = then[u].level_w;
    free(then);
}
