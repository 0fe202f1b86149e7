// SPDX-License-Identifier: Apache-2.0
// A street to share out among, and what is drawn there afterwards: for the tests of sharing.

#ifndef TESTS_SHARING_STREET_H
#define TESTS_SHARING_STREET_H

#include "services/planner/sharing.h"

enum { MOST_USERS = 24, MOST_FEEDERS = 3 };

struct street {
    struct sharing_place places[MOST_FEEDERS + 1];
    int feeder_count;
    struct sharing_user users[MOST_USERS];
    int user_count;
};

static inline struct sharing_user *street_add(struct street *street, int feeder, unsigned phases,
                                              int32_t demand_w, int32_t floor_w, double weight)
{
    struct sharing_user *user = &street->users[street->user_count++];
    *user = (struct sharing_user){.feeder = feeder,
                                  .phases = phases,
                                  .demand_w = demand_w,
                                  .floor_w = floor_w,
                                  .weight = weight,
                                  .turn = (uint64_t)street->user_count};
    return user;
}

static inline void street_fill(struct street *street)
{
    sharing_fill(street->places, street->feeder_count, street->users, street->user_count);
}

// Below what it draws at least a car draws nothing.
static inline int32_t street_drawn(const struct sharing_user *user)
{
    if (user->level_w < user->least_w && user->level_w < user->demand_w)
        return 0;
    return user->level_w < user->demand_w ? user->level_w : user->demand_w;
}

static inline bool street_is_on(const struct street *street, const struct sharing_user *user,
                                int place, int phase)
{
    return (place == street->feeder_count || user->feeder == place) && user->phases >> phase & 1;
}

static inline int64_t street_load(const struct street *street, int place, int phase)
{
    int64_t sum_w = 0;
    for (int i = 0; i < street->user_count; i++)
        if (street_is_on(street, &street->users[i], place, phase))
            sum_w += street_drawn(&street->users[i]);
    return sum_w;
}

#endif
