// SPDX-License-Identifier: Apache-2.0

#include "wire/tlv.h"

#include <assert.h>

enum { SHORT_MAX = 127, ONE_OCTET = 0x81, TWO_OCTETS = 0x82 };

void tlv_refuse(struct cursor *cursor, enum err err)
{
    if (!cursor->err)
        cursor->err = err;
}

size_t tlv_get_len(struct cursor *cursor)
{
    uint8_t first = cursor_get_u8(cursor);
    if (first <= SHORT_MAX)
        return first;
    if (first == ONE_OCTET)
        return cursor_get_u8(cursor);
    if (first == TWO_OCTETS)
        return cursor_get_u16(cursor);
    tlv_refuse(cursor, ERR_SYNTAX);
    return 0;
}

struct octets tlv_get_octets(struct cursor *cursor)
{
    size_t len = tlv_get_len(cursor);
    const uint8_t *at = cursor_get(cursor, len);
    return (struct octets){at, at ? len : 0};
}

struct octets tlv_get_rest(struct cursor *cursor)
{
    size_t len = cursor_left(cursor);
    return (struct octets){cursor_get(cursor, len), len};
}

size_t tlv_len_size(size_t len)
{
    return len <= SHORT_MAX ? 1 : len <= UINT8_MAX ? 2 : 3;
}

void tlv_put_len(struct cursor *cursor, size_t len)
{
    assert(len <= TLV_MAX);
    if (len > UINT8_MAX) {
        cursor_put_u8(cursor, TWO_OCTETS);
        cursor_put_u16(cursor, (uint16_t)len);
        return;
    }
    if (len > SHORT_MAX)
        cursor_put_u8(cursor, ONE_OCTET);
    cursor_put_u8(cursor, (uint8_t)len);
}

void tlv_put_octets(struct cursor *cursor, struct octets octets)
{
    tlv_put_len(cursor, octets.len);
    cursor_put(cursor, octets.at, octets.len);
}
