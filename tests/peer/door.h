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

// The same on every address of the loopback interface (127.0.0.0/8), and on no other: which one was
// called, fn asks by getsockname().
struct door *door_new_everywhere(struct loop *loop, int port, void (*fn)(void *arg, int fd),
                                 void *arg);

// A port on all these addresses at which nobody answers, not even the machine: whoever calls waits
// for his time-out. Never freed.
void door_brick_up(int port);

#endif
