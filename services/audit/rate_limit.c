// SPDX-License-Identifier: Apache-2.0

#include "services/audit/rate_limit.h"
#include "base/memory.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SETS = 1024, WAYS = 4 };

struct bucket {
    uint64_t client; // 0: free
    int64_t at_ns;
    double tokens;
};

struct rate_limit {
    double rate, burst;
    struct bucket buckets[SETS][WAYS];
};

struct rate_limit *rate_limit_new(double rate, double burst)
{
    struct rate_limit *limit = memory_new(1, sizeof *limit);
    limit->rate = rate;
    limit->burst = burst < 1 ? 1 : burst;
    return limit;
}

void rate_limit_free(struct rate_limit *limit)
{
    free(limit);
}

// Never 0.
static uint64_t number_of(const char *client)
{
    uint8_t octets[16];
    uint64_t number = 0;
    if (inet_pton(AF_INET, client, octets) == 1)
        for (int i = 0; i < 4; i++)
            number = number << 8 | octets[i];
    else if (inet_pton(AF_INET6, client, octets) == 1)
        for (int i = 0; i < 8; i++)
            number = number << 8 | octets[i];
    return number + 1 ? number + 1 : 1;
}

// The finisher of MurmurHash3: neighbours end up far apart.
static uint64_t scatter(uint64_t number)
{
    number = (number ^ number >> 33) * UINT64_C(0xff51afd7ed558ccd);
    number = (number ^ number >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return number ^ number >> 33;
}

static struct bucket *find(struct rate_limit *limit, uint64_t client, int64_t now_ns)
{
    struct bucket *set = limit->buckets[scatter(client) % SETS], *oldest = set;
    for (int i = 0; i < WAYS; i++) {
        if (set[i].client == client)
            return &set[i];
        if (!set[i].client || (oldest->client && set[i].at_ns < oldest->at_ns))
            oldest = &set[i];
    }
    *oldest = (struct bucket){.client = client, .at_ns = now_ns, .tokens = limit->burst};
    return oldest;
}

int64_t rate_limit_take(struct rate_limit *limit, const char *client, int64_t now_ns)
{
    if (limit->rate <= 0)
        return 0;
    struct bucket *bucket = find(limit, number_of(client), now_ns);
    bucket->tokens += (double)(now_ns - bucket->at_ns) * 1e-9 * limit->rate;
    if (bucket->tokens > limit->burst)
        bucket->tokens = limit->burst;
    bucket->at_ns = now_ns;
    if (bucket->tokens >= 1) {
        bucket->tokens -= 1;
        return 0;
    }
    return (int64_t)((1 - bucket->tokens) / limit->rate * 1e9) + 1;
}
