// SPDX-License-Identifier: Apache-2.0
// Bounded reading and writing of octets, big-endian, with an error that sticks: after the
// first step beyond the end everything reads as zero, nothing is written, and err says
// ERR_SIZE. So a decoder checks once, at its end. It may also set err itself, to what it found
// wrong: that sticks as well.

#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct cursor {
    uint8_t *at, *end;
    enum err err;
};

// Over len octets, borrowed for the life of the cursor. A cursor made to read never writes.
struct cursor cursor_reader(const void *octets, size_t len);
struct cursor cursor_writer(void *octets, size_t len);

size_t cursor_left(const struct cursor *cursor);

uint8_t cursor_get_u8(struct cursor *cursor);
uint16_t cursor_get_u16(struct cursor *cursor);
uint32_t cursor_get_u32(struct cursor *cursor);
// The next len octets, borrowed from what the cursor is over; NULL when there are fewer.
const uint8_t *cursor_get(struct cursor *cursor, size_t len);

void cursor_put_u8(struct cursor *cursor, uint8_t value);
void cursor_put_u16(struct cursor *cursor, uint16_t value);
void cursor_put_u32(struct cursor *cursor, uint32_t value);
void cursor_put(struct cursor *cursor, const void *octets, size_t len);

#endif
