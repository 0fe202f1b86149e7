// SPDX-License-Identifier: Apache-2.0
// One limit for several sockets behind a meter: each gets the same, and where that is less
// than a car can charge with, as many as can charge take turns. Pure.

#ifndef GATEWAY_SOCKET_SHARE_H
#define GATEWAY_SOCKET_SHARE_H

#include <stdbool.h>
#include <stdint.h>

enum { SOCKET_SHARE_MAX = 16 };

// The shares of limit_w, which in all are never more.
//
//   count     sockets, 1 to SOCKET_SHARE_MAX
//   least_w   with which one can charge; below that its share is 0
//   turn      who comes first; the caller counts it up to give all their turn
//
// True when some get nothing for lack of power, so that turns matter.
bool socket_share(int32_t limit_w, int count, int32_t least_w, int64_t turn,
                  int32_t share_w[static SOCKET_SHARE_MAX]);

#endif
