// SPDX-License-Identifier: Apache-2.0
// A TCP port that lets everybody in.

#ifndef PEER_DOOR_H
#define PEER_DOOR_H

#include "io/loop.h"

struct door;

// Listen on a numeric address and port and call fn(arg, fd) for each who comes; the descriptor,
// non-blocking and without delay, is then the callee's. Cannot listen: ends the program.
// Owned: door_free().
struct door *door_new(struct loop *loop, const char *address, int port,
                      void (*fn)(void *arg, int fd), void *arg);
void door_free(struct door *door);

#endif
