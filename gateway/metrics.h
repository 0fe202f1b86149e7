// SPDX-License-Identifier: Apache-2.0
// Numbers of the gateway as Prometheus reads them. Pure.

#ifndef GATEWAY_METRICS_H
#define GATEWAY_METRICS_H

#include "gateway/feed.h"
#include "wire/p1_reader.h"

#include <stdbool.h>
#include <stdint.h>

struct metrics {
    struct feed_status status;
    int chargers, confirmed;
    struct p1_counts p1;
    bool has_telegram;
    double telegram_age_s;
    uint64_t copy_missed; // octets
    struct feed_counts feed;
    // The longest that the loop was busy with what came at once: so long, at most, the P1 port
    // waited to be read. Real time.
    double busy_longest_s;
    double uptime_s;
};

// Owned: free().
char *metrics_text(const struct metrics *metrics);

#endif
