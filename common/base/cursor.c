// SPDX-License-Identifier: Apache-2.0

#include "base/cursor.h"

#include <string.h>

struct cursor cursor_reader(const void *octets, size_t len)
{
    union {
        const void *given;
        uint8_t *at;
    } start = {octets}; // only the put functions write, and they are for writers
    return cursor_writer(start.at, len);
}

struct cursor cursor_writer(void *octets, size_t len)
{
    uint8_t *at = octets;
    return (struct cursor){at, len ? at + len : at, ERR_NONE}; // NULL is nowhere, not even at + 0
}

size_t cursor_left(const struct cursor *cursor)
{
    return cursor->err ? 0 : (size_t)(cursor->end - cursor->at);
}

// The place of the next len octets, which are then behind us; NULL beyond the end.
static uint8_t *step(struct cursor *cursor, size_t len)
{
    if (cursor->err)
        return NULL;
    if (len > cursor_left(cursor)) {
        cursor->err = ERR_SIZE;
        return NULL;
    }
    uint8_t *at = cursor->at;
    cursor->at += len;
    return at;
}

const uint8_t *cursor_get(struct cursor *cursor, size_t len)
{
    return step(cursor, len);
}

static uint32_t get(struct cursor *cursor, size_t len)
{
    uint32_t value = 0;
    const uint8_t *at = step(cursor, len);
    for (size_t i = 0; at && i < len; i++)
        value = value << 8 | at[i];
    return value;
}

uint8_t cursor_get_u8(struct cursor *cursor)
{
    return (uint8_t)get(cursor, 1);
}

uint16_t cursor_get_u16(struct cursor *cursor)
{
    return (uint16_t)get(cursor, 2);
}

uint32_t cursor_get_u32(struct cursor *cursor)
{
    return get(cursor, 4);
}

static void put_number(struct cursor *cursor, uint32_t value, size_t len)
{
    uint8_t *at = step(cursor, len);
    for (size_t i = len; at && i-- > 0; value >>= 8)
        at[i] = (uint8_t)value;
}

void cursor_put_u8(struct cursor *cursor, uint8_t value)
{
    put_number(cursor, value, 1);
}

void cursor_put_u16(struct cursor *cursor, uint16_t value)
{
    put_number(cursor, value, 2);
}

void cursor_put_u32(struct cursor *cursor, uint32_t value)
{
    put_number(cursor, value, 4);
}

void cursor_put(struct cursor *cursor, const void *octets, size_t len)
{
    uint8_t *at = step(cursor, len);
    if (at && len)
        memcpy(at, octets, len);
}
