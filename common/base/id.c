// SPDX-License-Identifier: Apache-2.0

#include "base/id.h"
#include "base/digest.h"
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

enum { NS_PER_MS = 1000000, DASHES = 4, GROUPS = DASHES + 1 };
static const uint64_t LOW_END = UINT64_C(1) << 62; // what fits behind the variant

// Octets of each group of the text.
static const size_t group_len[GROUPS] = {4, 2, 2, 2, 6};

// The three parts of an identifier that are not fixed, greatest first.
struct parts {
    uint64_t ms;   // 48 bits, since 1970
    uint16_t high; // 12 bits, random for each ms
    uint64_t low;  // 62 bits, random at first, and then rising
};

static void fill_random(void *room, size_t len)
{
    ssize_t got;
    do
        got = getrandom(room, len, 0);
    while (got < 0 && errno == EINTR);
    if (got != (ssize_t)len) // never short for so few octets
        log_fatal("id.no_random", F("reason", strerror(errno)));
}

static struct parts fresh(uint64_t ms)
{
    struct parts parts = {.ms = ms};
    fill_random(&parts.high, sizeof parts.high);
    fill_random(&parts.low, sizeof parts.low);
    parts.high &= 0x0FFF;
    parts.low %= LOW_END;
    return parts;
}

// The next of the same millisecond. Its distance is random too: two processes that were
// one when this millisecond began must not go on alike.
static struct parts next(struct parts parts)
{
    uint32_t step;
    fill_random(&step, sizeof step);
    parts.low += UINT64_C(1) + step;
    return parts.low < LOW_END ? parts : fresh(parts.ms + 1);
}

static void put(uint8_t *at, uint64_t value, int octets)
{
    for (int i = octets - 1; i >= 0; i--, value >>= 8)
        at[i] = (uint8_t)value;
}

struct id id_new(struct utc now)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct parts last;
    assert(now.ns >= 0);
    uint64_t ms = (uint64_t)now.ns / NS_PER_MS;

    pthread_mutex_lock(&lock);
    last = ms > last.ms ? fresh(ms) : next(last);
    struct parts parts = last;
    pthread_mutex_unlock(&lock);

    struct id id = {{0}};
    put(id.octets, parts.ms, 6);
    put(id.octets + 6, UINT64_C(7) << 12 | parts.high, 2);
    put(id.octets + 8, UINT64_C(2) << 62 | parts.low, 8);
    return id;
}

void id_format(const struct id *id, char text[static ID_TEXT_LEN + 1])
{
    const uint8_t *from = id->octets;
    char *to = text;
    for (int g = 0; g < GROUPS; g++) {
        hex_format(from, group_len[g], to, (size_t)(text + ID_TEXT_LEN + 1 - to));
        from += group_len[g];
        to += 2 * group_len[g];
        if (g < DASHES)
            *to++ = '-';
    }
}

enum err id_parse(const char *text, size_t len, struct id *id)
{
    if (len != ID_TEXT_LEN)
        return ERR_SYNTAX;
    struct id read;
    uint8_t *to = read.octets;
    for (int g = 0; g < GROUPS; g++) {
        size_t count;
        if (hex_parse(text, 2 * group_len[g], to, group_len[g], &count))
            return ERR_SYNTAX;
        to += count;
        text += 2 * count;
        if (g < DASHES && *text++ != '-')
            return ERR_SYNTAX;
    }
    *id = read;
    return ERR_NONE;
}

int id_compare(const struct id *a, const struct id *b)
{
    return memcmp(a->octets, b->octets, ID_LEN);
}
