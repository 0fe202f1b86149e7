// SPDX-License-Identifier: Apache-2.0

#include "wire/accept.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { QUALITY_MOST = 1000 };

static const char blank[] = " \t";

// A piece of the header: between commas, then between semicolons.
struct piece {
    const char *at;
    size_t len;
};

// The next piece before mark, without the blanks around it; *rest goes behind the mark, or is NULL.
static struct piece next_piece(const char **rest, const char *end, char mark)
{
    const char *at = *rest;
    const char *stop = memchr(at, mark, (size_t)(end - at));
    *rest = stop ? stop + 1 : NULL;
    if (!stop)
        stop = end;
    while (at < stop && strchr(blank, *at))
        at++;
    while (stop > at && strchr(blank, stop[-1]))
        stop--;
    return (struct piece){at, (size_t)(stop - at)};
}

static bool is(struct piece piece, const char *text, size_t len)
{
    return piece.len == len && !strncasecmp(piece.at, text, len);
}

// "q=0.5" in thousandths; -1 for what is not a weight: 0 to 1 with at most three digits behind.
static int read_weight(struct piece piece)
{
    const char *at = piece.at + 2, *end = piece.at + piece.len;
    if (at == end || (*at != '0' && *at != '1'))
        return -1;
    int weight = (*at++ - '0') * QUALITY_MOST;
    if (at < end && *at++ != '.')
        return -1;
    for (int part = 100; at < end; at++, part /= 10) {
        if (!part || *at < '0' || *at > '9')
            return -1;
        weight += (*at - '0') * part;
    }
    return weight > QUALITY_MOST ? -1 : weight;
}

// How exactly range names wanted: 0 not at all, 1 "*" or "*/*", 2 "text/*", 3 itself.
static int exactness(struct piece range, const char *wanted)
{
    const char *slash = strchr(wanted, '/');
    if (is(range, wanted, strlen(wanted)))
        return 3;
    if (slash && range.len == (size_t)(slash - wanted) + 2 && range.at[range.len - 1] == '*'
        && !strncasecmp(range.at, wanted, range.len - 1))
        return 2;
    return slash ? is(range, "*/*", 3) : is(range, "*", 1);
}

static int quality(const char *header, const char *wanted)
{
    const char *rest = header, *end = header + strlen(header);
    int best = 0, found = 0;
    while (rest) {
        struct piece element = next_piece(&rest, end, ',');
        const char *parts = element.at, *stop = element.at + element.len;
        struct piece range = next_piece(&parts, stop, ';');
        int weight = QUALITY_MOST;
        while (parts) {
            struct piece part = next_piece(&parts, stop, ';');
            if (part.len >= 2 && !strncasecmp(part.at, "q=", 2))
                weight = read_weight(part);
        }
        int exact = weight < 0 ? 0 : exactness(range, wanted);
        if (exact > found) {
            found = exact;
            best = weight;
        }
    }
    return best;
}

int accept_type(const char *header, const char *type)
{
    return header ? quality(header, type) : QUALITY_MOST;
}

int accept_coding(const char *header, const char *coding)
{
    return header ? quality(header, coding) : 0;
}
