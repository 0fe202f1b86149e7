// SPDX-License-Identifier: Apache-2.0
// Modbus on a serial line as text: a colon, pairs of hex digits, their longitudinal sum, and
// CR LF. Pure. Source: MODBUS over Serial Line 1.02, 2.5.2.

#ifndef GATEWAY_MODBUS_ASCII_H
#define GATEWAY_MODBUS_ASCII_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { MODBUS_PDU_MAX = 253, MODBUS_ASCII_MAX = 1 + 2 * (MODBUS_PDU_MAX + 2) + 2 };

// The frame of a request; len is that of the PDU. Returns the frame's length; no terminator.
size_t modbus_ascii_put(uint8_t unit, const uint8_t *pdu, size_t len,
                        char frame[static MODBUS_ASCII_MAX]);

// The answer in what was received; octets before its colon are passed over.
//
//   pdu  its length is told in pdu_len; untouched on error
//
//   ERR_MORE      no end of line yet
//   ERR_SYNTAX    not pairs of hex digits, too short, or of another unit
//   ERR_CHECKSUM  damaged
MUST_CHECK enum err modbus_ascii_take(uint8_t unit, const char *text, size_t len,
                                      uint8_t pdu[static MODBUS_PDU_MAX], size_t *pdu_len);

#endif
