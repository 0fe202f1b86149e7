// SPDX-License-Identifier: Apache-2.0
// The P1 port of a meter: a TCP port for any number of readers, and a device. Whoever reads too
// slowly misses whole telegrams and never gets half of one in the middle of another.

#ifndef PEER_P1_OUTLET_H
#define PEER_P1_OUTLET_H

#include "io/loop.h"

#include <stdbool.h>
#include <stddef.h>

struct p1_outlet;

// port 0: no TCP. folder "": no device, else folder/name is a link to it.
// Owned: p1_outlet_free().
struct p1_outlet *p1_outlet_new(struct loop *loop, const char *address, int port,
                                const char *folder, const char *name);
void p1_outlet_free(struct p1_outlet *outlet);

// Whether anybody reads; else there is no use in making a telegram.
bool p1_outlet_is_used(const struct p1_outlet *outlet);

void p1_outlet_send(struct p1_outlet *outlet, const char *telegram, size_t len);

#endif
