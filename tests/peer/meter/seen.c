// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/meter/seen.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

// Index of the first run that ends at counter or above it.
static size_t find(const struct seen *seen, uint32_t counter)
{
    size_t low = 0, high = seen->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (seen->runs[middle].last < counter)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void insert(struct seen *seen, size_t at, uint32_t counter)
{
    if (seen->count == seen->room) {
        seen->room = seen->room ? 2 * seen->room : 4;
        seen->runs = memory_grow(seen->runs, seen->room, sizeof *seen->runs);
    }
    memmove(&seen->runs[at + 1], &seen->runs[at], (seen->count - at) * sizeof *seen->runs);
    seen->runs[at] = (struct seen_run){counter, counter};
    seen->count++;
}

enum seen_what seen_note(struct seen *seen, uint32_t counter)
{
    size_t at = find(seen, counter);
    enum seen_what what = at == seen->count ? SEEN_NEW : SEEN_LOWER;
    if (at < seen->count && seen->runs[at].first <= counter)
        return SEEN_REPEATED;
    bool joins_next = at < seen->count && seen->runs[at].first == counter + 1;
    if (at && seen->runs[at - 1].last + 1 == counter) {
        seen->runs[at - 1].last = counter;
        if (joins_next) {
            seen->runs[at - 1].last = seen->runs[at].last;
            memmove(&seen->runs[at], &seen->runs[at + 1],
                    (seen->count - at - 1) * sizeof *seen->runs);
            seen->count--;
        }
    } else if (joins_next) {
        seen->runs[at].first = counter;
    } else {
        insert(seen, at, counter);
    }
    return what;
}

void seen_free(struct seen *seen)
{
    free(seen->runs);
    *seen = (struct seen){0};
}
