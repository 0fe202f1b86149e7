// SPDX-License-Identifier: Apache-2.0
// The P3 port of a meter: a TCP port with the strict DLMS server behind it, one connection at a
// time, that stores what is written as the meter's text and remembers counters over a restart.

#ifndef PEER_DLMS_PORT_H
#define PEER_DLMS_PORT_H

#include "io/loop.h"
#include "tests/peer/meter/dlms_server.h"
#include "tests/peer/meter/meter.h"

#include <stdio.h>

struct dlms_port;

// What a meter is known by on P3.
struct dlms_identity {
    uint8_t title[CIPHER_TITLE_LEN];
    struct cipher_keys keys;
};

// Read the identities of meters from a file of keys as socmod-admin imports it, with the columns
// equipment_id,encryption_key,authentication_key,client_title,meter_title (hex digits). take is
// called for each. False when the file is wrong, which stands then on standard error.
bool dlms_identities_read(const char *path,
                          void (*take)(void *arg, const char *equipment_id,
                                       const struct dlms_identity *identity),
                          void *arg);

// What has been seen on all ports together.
struct dlms_totals {
    int64_t calls, calls_now, most_calls, texts, counters;
    int64_t repeated, lower; // counters that nobody may use: twice, or below an earlier association
};

struct dlms_port_settings {
    const char *folder; // that keeps counters
    enum keep keep;
    uint16_t max_pdu;
    enum dlms_stale stale;
    int64_t answer_ms; // machine time before each answer
    struct cipher *cipher;
    FILE *counters; // gets a line "meter counter" for each seen; NULL: none
    struct dlms_totals *totals;
};

// All borrowed for its life but identity; settings may serve any number of ports. It listens
// nowhere: dlms_port_listen(), or somebody else who gives it callers. Owned: dlms_port_free().
struct dlms_port *dlms_port_new(struct loop *loop, struct meter *meter,
                                const struct dlms_identity *identity,
                                const struct dlms_port_settings *settings);
void dlms_port_free(struct dlms_port *port);
void dlms_port_listen(struct dlms_port *port, const char *address, int tcp_port);
void dlms_port_take(struct dlms_port *port, int fd);

// Its server, to order faults.
struct dlms_server *dlms_port_server(struct dlms_port *port);

#endif
