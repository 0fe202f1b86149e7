// SPDX-License-Identifier: Apache-2.0
// Modbus requests out of a stream of octets, over TCP and on a line, and the answers' frames.
// Pure; octets are given as they came, so half a request never holds up anybody else.
// Sources: MODBUS Messaging on TCP/IP 1.0b (section 3.1); MODBUS over Serial Line 1.02 (2.5.1).

#ifndef PEER_MODBUS_FRAME_H
#define PEER_MODBUS_FRAME_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MODBUS_TCP_MAX = 260, MODBUS_RTU_MAX = 256 };

struct modbus_frame {
    uint16_t transaction; // TCP only
    uint8_t unit;
    const uint8_t *pdu; // in the octets given
    size_t pdu_len;
    size_t size; // of the whole frame: octets used up
};

// The request at the start of len octets; frame stays untouched unless it is whole.
//   ERR_MORE    not all there yet
//   ERR_SYNTAX  not Modbus: TCP says the connection is no longer in step, so close it
//   ERR_CHECKSUM, ERR_SYNTAX  on a line: skip everything until it falls silent
// On a line the length follows from the function; where that is not one of 1 to 6, 15 and 16, all
// octets given are taken for one frame, so ask again after a silence with `silent` set.
MUST_CHECK enum err modbus_tcp_take(const uint8_t *octets, size_t len, struct modbus_frame *frame);
MUST_CHECK enum err modbus_rtu_take(const uint8_t *octets, size_t len, bool silent,
                                    struct modbus_frame *frame);

// Put the answer to a request into its frame; returns the frame's length.
size_t modbus_tcp_put(const struct modbus_frame *request, const uint8_t *pdu, size_t pdu_len,
                      uint8_t out[static MODBUS_TCP_MAX]);
size_t modbus_rtu_put(const struct modbus_frame *request, const uint8_t *pdu, size_t pdu_len,
                      uint8_t out[static MODBUS_RTU_MAX]);

#endif
