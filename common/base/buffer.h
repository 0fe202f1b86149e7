// SPDX-License-Identifier: Apache-2.0
// A text being made, in one piece of memory that grows. For what is written octet by octet many
// thousand times a second: a FILE locks at every call.

#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stddef.h>

// Begins as {0}, which holds nothing.
struct buffer {
    char *octets;
    size_t len, room;
};

// Room for len octets more, behind those that are there; who writes them counts them in len.
char *buffer_room(struct buffer *buffer, size_t len) __attribute__((returns_nonnull));

void buffer_add(struct buffer *buffer, const char *octets, size_t len);
void buffer_add_text(struct buffer *buffer, const char *text);
void buffer_add_char(struct buffer *buffer, char c);
void buffer_add_format(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// The text, with a terminator that len does not count; the buffer is empty again. Owned: free().
char *buffer_take(struct buffer *buffer) __attribute__((returns_nonnull));

#endif
