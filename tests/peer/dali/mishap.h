// SPDX-License-Identifier: Apache-2.0
// Which messages of a DALI box get lost, come late or come twice: by chance, but for one seed
// always the same ones, also after a restart. Pure.

#ifndef PEER_MISHAP_H
#define PEER_MISHAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mishap_odds {
    int64_t seed;
    double drop_percent, late_percent, duplicate_percent;
};

struct mishap {
    bool dropped, twice;
    int quarters_late; // 0 to 3
};

struct mishap mishap_of(const struct mishap_odds *odds, size_t feeder, int64_t quarter_s);

#endif
