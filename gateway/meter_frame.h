// SPDX-License-Identifier: Apache-2.0
// Requests to the meter that is played, out of a stream of octets over TCP, and their answers.
// Pure. Source: MODBUS Messaging on TCP/IP 1.0b, 3.1.3.

#ifndef GATEWAY_METER_FRAME_H
#define GATEWAY_METER_FRAME_H

#include "gateway/meter_map.h"

enum { METER_FRAME_HEAD = 7, METER_FRAME_MAX = METER_FRAME_HEAD + METER_MAP_PDU };

// Answer the request at the start of len octets, whatever its unit, as meter_map_answer() does:
// used octets were the request, frame_len octets of frame are the answer.
//   ERR_MORE  not all there yet     ERR_SYNTAX  not Modbus: nothing that follows will be
MUST_CHECK enum err meter_frame_answer(const struct meter_map *map,
                                       const struct meter_values *values, const uint8_t *octets,
                                       size_t len, size_t *used,
                                       uint8_t frame[static METER_FRAME_MAX], size_t *frame_len);

#endif
