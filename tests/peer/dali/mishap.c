// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/dali/mishap.h"

// The next of a sequence of well mixed numbers ("splitmix64", Steele, Lea and Flood 2014).
static uint64_t next(uint64_t *state)
{
    uint64_t mixed = *state += UINT64_C(0x9E3779B97F4A7C15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94D049BB133111EB);
    return mixed ^ mixed >> 31;
}

static bool happens(uint64_t *state, double percent)
{
    return (double)(next(state) >> 11) * 0x1p-53 * 100 < percent;
}

struct mishap mishap_of(const struct mishap_odds *odds, size_t feeder, int64_t quarter_s)
{
    uint64_t state = (uint64_t)odds->seed;
    state ^= next(&state) + feeder;
    state ^= next(&state) + (uint64_t)quarter_s;
    struct mishap mishap = {
        .dropped = happens(&state, odds->drop_percent),
        .twice = happens(&state, odds->duplicate_percent),
    };
    if (happens(&state, odds->late_percent))
        mishap.quarters_late = 1 + (int)(next(&state) % 3);
    return mishap;
}
