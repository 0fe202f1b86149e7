// SPDX-License-Identifier: Apache-2.0
// A charger's ways in: its Modbus TCP port with up to eight masters, and a line (RTU) that looks
// like a serial device. Requests are handed on one by one as they are complete; who sends half a
// request keeps nobody else waiting.

#ifndef PEER_MODBUS_PORT_H
#define PEER_MODBUS_PORT_H

#include "io/loop.h"
#include "tests/peer/charger/station.h"

struct modbus_port;

struct modbus_port_events {
    // Answer a request to our unit, as station_answer(); others are answered or passed over here.
    size_t (*request)(void *arg, const uint8_t *pdu, size_t len, uint8_t answer[]);
    int unit;      // over TCP also 255 where it is 1; on a line also 0, to all: no answer is sent
    bool is_ascii; // on the line, in place of RTU
};

// port 0: no TCP. line "": no line, else the link to its device in folder.
// Owned: modbus_port_free().
struct modbus_port *modbus_port_new(struct loop *loop, const char *address, int port,
                                    const char *folder, const char *line,
                                    const struct modbus_port_events *events, void *arg);
void modbus_port_free(struct modbus_port *port);

// How it treats masters over TCP; all zero is well.
struct modbus_port_manners {
    bool refuses;    // hangs up on everybody, and takes nobody
    bool is_single;  // takes one master at a time, and sends others away
    int64_t slow_ms; // machine time before each answer
};
void modbus_port_behave(struct modbus_port *port, struct modbus_port_manners manners);

// Without power every connection ends, and none is taken, until it is back.
void modbus_port_power(struct modbus_port *port, bool on);

#endif
