// SPDX-License-Identifier: Apache-2.0
// How many requests a client may make: a bucket of tokens for each address, filled at a steady
// rate up to a burst. The memory is fixed: a crowd of addresses makes the one that was quiet for
// longest forget its past, so it can never be filled up. Pure; not safe from several threads.

#ifndef AUDIT_RATE_LIMIT_H
#define AUDIT_RATE_LIMIT_H

#include <stdint.h>

// rate tokens a second, at most burst at once; rate 0: no limit. Owned: rate_limit_free().
struct rate_limit *rate_limit_new(double rate, double burst);
void rate_limit_free(struct rate_limit *limit);

// Take a token of client at now (ns of a clock that never goes back). Returns 0 when there was
// one, else after how many ns there will be.
//
//   client  an IP address as text; of IPv6 the first 64 bits count, for they are one customer's
int64_t rate_limit_take(struct rate_limit *limit, const char *client, int64_t now_ns);

#endif
