// SPDX-License-Identifier: Apache-2.0
// What the P1 port receives, passed on octet by octet as it came, good or not: to a second serial
// port, and to who connects by TCP.
//
// Nobody is waited for. Each reader has a buffer; where that runs over, the reader misses
// everything until it has read the rest, so it sees one gap and not many, and what it missed
// is counted.

#ifndef GATEWAY_P1_COPY_H
#define GATEWAY_P1_COPY_H

#include "io/loop.h"

#include <stddef.h>
#include <stdint.h>

enum { P1_COPY_CLIENTS = 4 };

struct p1_copy_settings {
    const char *device;  // of a serial port; "": none
    const char *line;    // one of P1_PORT_LINES
    const char *address; // where to listen, numeric; "": nowhere
    int port;
};

struct p1_copy;

// Opens the device again and again when it cannot be had. NULL when it cannot listen, which was
// logged. Settings are borrowed for its life. Owned: p1_copy_free(); the functions below take
// NULL.
struct p1_copy *p1_copy_new(struct loop *loop, const struct p1_copy_settings *settings);
void p1_copy_free(struct p1_copy *copy);

void p1_copy_take(struct p1_copy *copy, const char *octets, size_t len);

// Octets that a reader missed, of all readers, since the start.
uint64_t p1_copy_missed(const struct p1_copy *copy);

#endif
