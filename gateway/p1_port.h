// SPDX-License-Identifier: Apache-2.0
// The P1 port of a meter: a serial device, or TCP where a box in between serves one. Opened
// again, ever more slowly, when it goes away, cannot be had, or stays silent. What arrives
// goes through a reader, which tells telegrams apart.
//
// RTS and DTR are kept high: one of them is the Data Request line of the cable.

#ifndef GATEWAY_P1_PORT_H
#define GATEWAY_P1_PORT_H

#include "io/loop.h"
#include "wire/p1_reader.h"

#include <stddef.h>
#include <stdint.h>

struct p1_port_settings {
    const char *address; // "/dev/ttyUSB0" or "tcp://host:port"; borrowed
    const char *line;    // serial: "115200/8N1" or "9600/7E1"; borrowed
    int64_t silence_s;   // machine time: without any telegram, open again
};

struct p1_port;

// Opens at once, from the loop. frame(arg, frame, telegram, len): see wire/p1_reader.h; all
// borrowed for the call. Owned: p1_port_free().
struct p1_port *p1_port_new(struct loop *loop, const struct p1_port_settings *settings,
                            void (*frame)(void *arg, const struct p1_frame *frame,
                                          const char *telegram, size_t len),
                            void *arg);
void p1_port_free(struct p1_port *port);

// Borrowed: shows the counts as they grow.
const struct p1_counts *p1_port_counts(const struct p1_port *port);

// Can the address and the line be used at all? NULL, or what is wrong with them.
const char *p1_port_fault(const struct p1_port_settings *settings);

#endif
