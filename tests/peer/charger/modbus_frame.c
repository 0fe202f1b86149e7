// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/charger/modbus_frame.h"
#include "base/cursor.h"
#include "wire/crc16.h"

enum { MBAP_LEN = 7, CRC_LEN = 2, RTU_LEAST = 4, RTU_CRC_START = 0xFFFF };

enum err modbus_tcp_take(const uint8_t *octets, size_t len, struct modbus_frame *frame)
{
    if (len < MBAP_LEN)
        return ERR_MORE;
    struct cursor cursor = cursor_reader(octets, len);
    uint16_t transaction = cursor_get_u16(&cursor);
    uint16_t protocol = cursor_get_u16(&cursor);
    size_t rest = cursor_get_u16(&cursor); // unit and PDU
    if (protocol || rest < 2 || rest > MODBUS_TCP_MAX - MBAP_LEN + 1)
        return ERR_SYNTAX;
    if (len < MBAP_LEN - 1 + rest)
        return ERR_MORE;
    *frame = (struct modbus_frame){
        .transaction = transaction,
        .unit = cursor_get_u8(&cursor),
        .pdu = octets + MBAP_LEN,
        .pdu_len = rest - 1,
        .size = MBAP_LEN - 1 + rest,
    };
    return ERR_NONE;
}

// Length of the request on a line that starts with these octets; 0 when they do not tell.
static size_t rtu_size(const uint8_t *octets, size_t len)
{
    enum { SIX_FIXED = 8, MANY_FIXED = 9, COUNT_AT = 6 };
    if (len < 2)
        return 0;
    if (octets[1] >= 1 && octets[1] <= 6)
        return SIX_FIXED;
    if ((octets[1] == 15 || octets[1] == 16) && len > COUNT_AT)
        return MANY_FIXED + octets[COUNT_AT];
    return 0;
}

enum err modbus_rtu_take(const uint8_t *octets, size_t len, bool silent, struct modbus_frame *frame)
{
    size_t size = rtu_size(octets, len);
    if (!silent && (!size || len < size))
        return len < MODBUS_RTU_MAX ? ERR_MORE : ERR_SYNTAX;
    if (!size)
        size = len;
    if (len < size || size < RTU_LEAST || size > MODBUS_RTU_MAX)
        return ERR_SYNTAX;
    uint16_t crc = crc16_update(RTU_CRC_START, octets, size - CRC_LEN);
    if (octets[size - 2] != (crc & 0xFF) || octets[size - 1] != crc >> 8)
        return ERR_CHECKSUM;
    *frame = (struct modbus_frame){
        .unit = octets[0],
        .pdu = octets + 1,
        .pdu_len = size - CRC_LEN - 1,
        .size = size,
    };
    return ERR_NONE;
}

size_t modbus_tcp_put(const struct modbus_frame *request, const uint8_t *pdu, size_t pdu_len,
                      uint8_t out[static MODBUS_TCP_MAX])
{
    struct cursor cursor = cursor_writer(out, MODBUS_TCP_MAX);
    cursor_put_u16(&cursor, request->transaction);
    cursor_put_u16(&cursor, 0);
    cursor_put_u16(&cursor, (uint16_t)(pdu_len + 1));
    cursor_put_u8(&cursor, request->unit);
    cursor_put(&cursor, pdu, pdu_len);
    return MODBUS_TCP_MAX - cursor_left(&cursor);
}

size_t modbus_rtu_put(const struct modbus_frame *request, const uint8_t *pdu, size_t pdu_len,
                      uint8_t out[static MODBUS_RTU_MAX])
{
    struct cursor cursor = cursor_writer(out, MODBUS_RTU_MAX);
    cursor_put_u8(&cursor, request->unit);
    cursor_put(&cursor, pdu, pdu_len);
    uint16_t crc = crc16_update(RTU_CRC_START, out, pdu_len + 1);
    cursor_put_u8(&cursor, (uint8_t)(crc & 0xFF));
    cursor_put_u8(&cursor, (uint8_t)(crc >> 8));
    return MODBUS_RTU_MAX - cursor_left(&cursor);
}
