// SPDX-License-Identifier: Apache-2.0

#include "gateway/meter_frame.h"
#include "base/cursor.h"

enum { LENGTH_AT = 4, UNIT_AT = METER_FRAME_HEAD - 1 }; // before: transaction, protocol

enum err meter_frame_answer(const struct meter_map *map, const struct meter_values *values,
                            const uint8_t *octets, size_t len, size_t *used,
                            uint8_t frame[static METER_FRAME_MAX], size_t *frame_len)
{
    if (len < METER_FRAME_HEAD)
        return ERR_MORE;
    struct cursor head = cursor_reader(octets + 2, LENGTH_AT);
    uint16_t protocol = cursor_get_u16(&head);
    size_t rest = cursor_get_u16(&head); // unit and PDU
    if (protocol || rest < 2 || rest > METER_MAP_PDU + 1)
        return ERR_SYNTAX;
    if (len < UNIT_AT + rest)
        return ERR_MORE;
    size_t pdu_len = meter_map_answer(map, values, octets + METER_FRAME_HEAD, rest - 1,
                                      frame + METER_FRAME_HEAD);
    struct cursor out = cursor_writer(frame, METER_FRAME_HEAD);
    cursor_put(&out, octets, LENGTH_AT);
    cursor_put_u16(&out, (uint16_t)(pdu_len + 1));
    cursor_put_u8(&out, octets[UNIT_AT]);
    *used = UNIT_AT + rest;
    *frame_len = METER_FRAME_HEAD + pdu_len;
    return ERR_NONE;
}
