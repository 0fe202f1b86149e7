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

// Read the identity of a meter from a file of rows
// equipment_id,system_title,encryption_key,authentication_key (hex digits).
// False when the file is wrong, which stands then on standard error. *found: there is such a row.
bool dlms_identity_read(const char *path, const char *equipment_id, struct dlms_identity *identity,
                        bool *found);

struct dlms_port_settings {
    const char *address;
    int port;
    const char *folder; // that keeps counters
    uint16_t max_pdu;
    enum dlms_stale stale;
    int64_t answer_ms; // machine time before each answer
    struct cipher *cipher;
    FILE *counters; // gets a line "meter counter" for each seen; NULL: none
};

// All borrowed for its life but identity. Owned: dlms_port_free().
struct dlms_port *dlms_port_new(struct loop *loop, struct meter *meter,
                                const struct dlms_identity *identity,
                                const struct dlms_port_settings *settings);
void dlms_port_free(struct dlms_port *port);

// Its server, to order faults.
struct dlms_server *dlms_port_server(struct dlms_port *port);

#endif
