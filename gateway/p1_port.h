// SPDX-License-Identifier: Apache-2.0
// The P1 port of a meter, or the TIC port of a French one: a serial device, TCP where a box in
// between serves one, or a recording. Opened again, ever more slowly, when it goes away, cannot be
// had, or stays silent. What arrives is decrypted where there is a key, and goes through a reader,
// which tells telegrams apart.
//
// RTS and DTR are kept high: one of them is the Data Request line of the cable.

#ifndef GATEWAY_P1_PORT_H
#define GATEWAY_P1_PORT_H

#include "io/loop.h"
#include "wire/p1_cipher.h"
#include "wire/p1_reader.h"
#include "wire/tic.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct p1_port_settings {
    const char *address; // "/dev/ttyUSB0", "tcp://host:port" or "file:path"; borrowed
    const char *line;    // serial: one of P1_PORT_LINES; borrowed
    int64_t silence_s;   // machine time: without any telegram, open again
    bool is_tic;
    const struct p1_cipher_key *key; // that telegrams are encrypted with; NULL: they are not
};

// The lines there are: DSMR 4 and 5, then older ones and TIC, then what boxes in between do.
#define P1_PORT_LINES "115200/8N1 9600/7E1 9600/8N1 115200/7E1"

// Called with what came, borrowed for the call.
struct p1_port_crew {
    void (*frame)(void *arg, const struct p1_frame *frame, const char *telegram, size_t len);
    void (*tic)(void *arg, const struct tic *tic);
    // All that was read, as it was read, after what came of it was handed over; NULL for none.
    void (*octets)(void *arg, const char *octets, size_t len);
    void *arg;
};

struct p1_port;

// Opens at once, from the loop. Of a recording a telegram is handed over each second; at its end
// nothing more comes. Owned: p1_port_free().
struct p1_port *p1_port_new(struct loop *loop, const struct p1_port_settings *settings,
                            const struct p1_port_crew *crew);
void p1_port_free(struct p1_port *port);

// Borrowed: shows the counts of telegrams as they grow; of a TIC port nothing is counted.
const struct p1_counts *p1_port_counts(const struct p1_port *port);

// Can the address and the line be used at all? NULL, or what is wrong with them.
const char *p1_port_fault(const struct p1_port_settings *settings);

// Open a serial device with a line of P1_PORT_LINES, its Data Request lines high. -1: see errno.
int p1_port_open_serial(const char *address, const char *line);

#endif
