// SPDX-License-Identifier: Apache-2.0

#include "base/buffer.h"
#include "base/memory.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_ROOM = 4096 };

static void grow(struct buffer *buffer, size_t len)
{
    assert(len < SIZE_MAX / 4 && buffer->len < SIZE_MAX / 4);
    size_t room = buffer->room ? buffer->room : FIRST_ROOM;
    while (room - buffer->len < len)
        room *= 2;
    buffer->octets = memory_grow(buffer->octets, room, 1);
    buffer->room = room;
}

char *buffer_room(struct buffer *buffer, size_t len)
{
    if (buffer->room - buffer->len < len || !buffer->octets)
        grow(buffer, len);
    return buffer->octets + buffer->len;
}

void buffer_add(struct buffer *buffer, const char *octets, size_t len)
{
    memcpy(buffer_room(buffer, len), octets, len);
    buffer->len += len;
}

void buffer_add_text(struct buffer *buffer, const char *text)
{
    buffer_add(buffer, text, strlen(text));
}

void buffer_add_char(struct buffer *buffer, char c)
{
    *buffer_room(buffer, 1) = c;
    buffer->len++;
}

void buffer_add_format(struct buffer *buffer, const char *format, ...)
{
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    int len = vsnprintf(NULL, 0, format, list);
    assert(len >= 0);
    vsnprintf(buffer_room(buffer, (size_t)len + 1), (size_t)len + 1, format, again);
    buffer->len += (size_t)len;
    va_end(again);
    va_end(list);
}

char *buffer_take(struct buffer *buffer)
{
    *buffer_room(buffer, 1) = '\0';
    char *text = buffer->octets;
    *buffer = (struct buffer){0};
    return text;
}
