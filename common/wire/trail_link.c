// SPDX-License-Identifier: Apache-2.0

#include "wire/trail_link.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { US = 1000000, NUMBER_ROOM = 24, SMALL = 4096 };

void trail_at(int64_t us, char text[static TRAIL_AT_LEN + 1])
{
    uint64_t size = us < 0 ? -(uint64_t)us : (uint64_t)us;
    snprintf(text, TRAIL_AT_LEN + 1, "%s%" PRIu64 ".%06" PRIu64, us < 0 ? "-" : "", size / US,
             size % US);
}

static char *put_number(char *at, uint64_t number)
{
    char digits[NUMBER_ROOM];
    size_t len = 0;
    do
        digits[len++] = (char)('0' + number % 10);
    while (number /= 10);
    while (len)
        *at++ = digits[--len];
    return at;
}

static char *put_signed(char *at, int64_t number)
{
    if (number < 0)
        *at++ = '-';
    return put_number(at, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

static char *put_text(char *at, const struct trail_text *text)
{
    at = put_number(at, text->len);
    *at++ = ' ';
    return mempcpy(at, text->at, text->len);
}

struct digest trail_content(const struct trail_event *event)
{
    size_t room = event->program.len + event->kind.len + event->subject.len + event->data.len
                  + TRAIL_AT_LEN + 5 * NUMBER_ROOM;
    char small[SMALL];
    char *text = room <= sizeof small ? small : memory_new(room, 1);
    char *at = put_signed(text, event->id);
    *at++ = ' ';
    trail_at(event->at_us, at);
    at += strlen(at);
    *at++ = ' ';
    at = put_text(at, &event->program);
    at = put_text(at, &event->kind);
    at = put_text(at, &event->subject);
    at = mempcpy(at, event->data.at, event->data.len);
    struct digest digest = digest_of(text, (size_t)(at - text));
    if (text != small)
        free(text);
    return digest;
}

struct digest trail_link(const struct digest *before, int shard, int64_t sequence,
                         const struct digest *content)
{
    char text[2 * DIGEST_LEN + 2 * NUMBER_ROOM];
    char *at = mempcpy(text, before->octets, DIGEST_LEN);
    at = mempcpy(at, content->octets, DIGEST_LEN);
    at = put_signed(at, shard);
    *at++ = ' ';
    at = put_signed(at, sequence);
    return digest_of(text, (size_t)(at - text));
}
