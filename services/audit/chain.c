// SPDX-License-Identifier: Apache-2.0

#include "services/audit/chain.h"
#include "base/memory.h"

#include <inttypes.h>
#include <string.h>

static bool is_same(const struct digest *a, const struct digest *b)
{
    return !memcmp(a->octets, b->octets, DIGEST_LEN);
}

bool chain_follow(struct chain *chain, const struct trail_event *event)
{
    if (event->sequence != chain->sequence + 1)
        return false;
    struct digest content = trail_content(event);
    struct digest hash = trail_link(&chain->hash, chain->shard, event->sequence, &content);
    if (!is_same(&hash, &event->hash))
        return false;
    chain->sequence = event->sequence;
    chain->hash = event->hash;
    return true;
}

// Was place sealed as that number, behind an event of that hash?
static bool was_sealed(const struct chain *chain, const struct digest *before, int64_t sequence,
                       const struct chain_place *place)
{
    struct digest hash = trail_link(before, chain->shard, sequence, &place->content);
    return is_same(&hash, &place->hash);
}

// The n-th event that stands at sequence, or NULL.
static const struct chain_place *find(const struct chain_place *window, size_t count,
                                      int64_t sequence, int n)
{
    for (size_t i = 0; i < count; i++)
        if (window[i].sequence == sequence && !n--)
            return &window[i];
    return NULL;
}

// Another event at the place of the last good one, or NULL.
static const struct chain_place *find_false(const struct chain *chain,
                                            const struct chain_place *window, size_t count)
{
    const struct chain_place *one = find(window, count, chain->sequence, 0);
    const struct chain_place *other = find(window, count, chain->sequence, 1);
    if (!one || !other)
        return NULL;
    return is_same(&one->hash, &chain->hash) ? other : one;
}

// The event that truly follows, wherever it stands, or NULL.
static const struct chain_place *find_true(const struct chain *chain,
                                           const struct chain_place *window, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (was_sealed(chain, &chain->hash, chain->sequence + 1, &window[i]))
            return &window[i];
    return NULL;
}

// The number as which place was sealed, behind any of the window; 0: none.
static int64_t find_number(const struct chain *chain, const struct chain_place *place,
                           const struct chain_place *window, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            if (was_sealed(chain, &window[i].hash, window[j].sequence, place))
                return window[j].sequence;
    return 0;
}

static int64_t last_missing(int64_t first, const struct chain_place *window, size_t count)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < count; i++)
        if (window[i].sequence > first && window[i].sequence < next)
            next = window[i].sequence;
    return next == INT64_MAX ? first : next - 1;
}

// One event stands at the place, and it is not the one.
static struct chain_finding explain_one(const struct chain *chain, const struct chain_place *here,
                                        const struct chain_place *window, size_t count)
{
    int64_t sequence = here->sequence;
    struct chain_finding finding = {CHAIN_CHANGED, sequence, 0, here->id};
    const struct chain_place *belongs = find_true(chain, window, count);
    const struct chain_place *next = find(window, count, sequence + 1, 0);
    int64_t number = find_number(chain, here, window, count);
    if (number) {
        finding.fault = CHAIN_REORDERED;
        finding.other = number;
    } else if (belongs && belongs != next) {
        finding.fault = CHAIN_DISPLACED;
        finding.other = belongs->sequence;
    } else if (belongs) {
        finding.fault = CHAIN_INSERTED;
    } else if (next && was_sealed(chain, &here->hash, sequence + 2, next)) {
        finding.fault = CHAIN_REMOVED;
    }
    return finding;
}

struct chain_finding chain_explain(const struct chain *chain, const struct chain_place *window,
                                   size_t count)
{
    int64_t sequence = chain->sequence + 1;
    const struct chain_place *double_of_last = find_false(chain, window, count);
    if (double_of_last)
        return (struct chain_finding){CHAIN_INSERTED, chain->sequence, 0, double_of_last->id};
    const struct chain_place *here = find(window, count, sequence, 0);
    const struct chain_place *twin = find(window, count, sequence, 1);
    if (here && !twin)
        return explain_one(chain, here, window, count);
    if (here) {
        bool is_true = was_sealed(chain, &chain->hash, sequence, here);
        return (struct chain_finding){CHAIN_INSERTED, sequence, 0, is_true ? twin->id : here->id};
    }
    const struct chain_place *belongs = find_true(chain, window, count);
    if (belongs)
        return (struct chain_finding){CHAIN_REORDERED, belongs->sequence, sequence, belongs->id};
    return (struct chain_finding){CHAIN_MISSING, sequence, last_missing(sequence, window, count),
                                  0};
}

static const char *const fault_texts[CHAIN_FAULTS] = {
    [CHAIN_CHANGED] = "changed: its hash is not that of what it says behind the event before",
    [CHAIN_INSERTED] = "inserted: it was never sealed here, and the others follow without it",
    [CHAIN_REMOVED] = "missing: the event sealed here is gone, and those behind were renumbered",
    [CHAIN_OTHER_HEAD] = "changed: the shard's head has another hash for its last event",
};

char *chain_finding_text(const struct chain_finding *finding)
{
    if (finding->fault == CHAIN_MISSING && finding->other > finding->sequence)
        return memory_format("sequence %" PRId64 ": missing, with all up to %" PRId64,
                             finding->sequence, finding->other);
    if (finding->fault == CHAIN_MISSING)
        return memory_format("sequence %" PRId64 ": missing", finding->sequence);
    if (finding->fault == CHAIN_REORDERED || finding->fault == CHAIN_DISPLACED)
        return memory_format(
            "sequence %" PRId64 " (id %" PRId64 "): reordered: %s sequence %" PRId64,
            finding->sequence, finding->id,
            finding->fault == CHAIN_REORDERED ? "it was sealed as"
                                              : "here belongs the event that is now",
            finding->other);
    return memory_format("sequence %" PRId64 " (id %" PRId64 "): %s", finding->sequence,
                         finding->id, fault_texts[finding->fault]);
}
