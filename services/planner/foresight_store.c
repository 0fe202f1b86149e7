// SPDX-License-Identifier: Apache-2.0

#include "services/planner/foresight_store.h"
#include "base/clock.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static const int64_t DAY_S = 24 * 3600;
enum { DAYS_MOST = 28, DAYS_LEAST = 2, DAYS_TOGETHER = 14000 };

struct entry {
    struct foresight *foresight;
    bool wanted;
};

struct foresight_store {
    struct entry *entries; // by the number of the transformer, which the grid gives out in order
    int room;
    int *wanted;
    int wanted_count, wanted_room;
    int wanted_together; // most that were since none was
};

struct foresight_store *foresight_store_new(void)
{
    return memory_new(1, sizeof(struct foresight_store));
}

void foresight_store_free(struct foresight_store *store)
{
    if (!store)
        return;
    for (int i = 0; i < store->room; i++)
        foresight_free(store->entries[i].foresight);
    free(store->entries);
    free(store->wanted);
    free(store);
}

static struct entry *entry_of(struct foresight_store *store, int transformer)
{
    if (transformer >= store->room) {
        int room = transformer + transformer / 2 + 64;
        store->entries = memory_grow(store->entries, (size_t)room, sizeof *store->entries);
        memset(store->entries + store->room, 0,
               (size_t)(room - store->room) * sizeof *store->entries);
        store->room = room;
    }
    return &store->entries[transformer];
}

void foresight_store_want(struct foresight_store *store, int transformer)
{
    struct entry *entry = entry_of(store, transformer);
    if (entry->wanted)
        return;
    entry->wanted = true;
    if (store->wanted_count == store->wanted_room) {
        store->wanted_room = 2 * store->wanted_room + 64;
        store->wanted =
            memory_grow(store->wanted, (size_t)store->wanted_room, sizeof *store->wanted);
    }
    store->wanted[store->wanted_count++] = transformer;
    if (store->wanted_count > store->wanted_together)
        store->wanted_together = store->wanted_count;
}

static bool is_old(const struct foresight *foresight, int64_t quarter)
{
    return quarter - foresight->looked > FACTS_FRESH * (int64_t)QUARTER_S;
}

void foresight_store_trim(struct foresight_store *store, int64_t quarter)
{
    for (int i = 0; i < store->room; i++) {
        struct entry *entry = &store->entries[i];
        if (!entry->foresight || !is_old(entry->foresight, quarter))
            continue;
        foresight_free(entry->foresight);
        entry->foresight = NULL;
    }
}

struct foresight *foresight_store_get(struct foresight_store *store, int transformer,
                                      int64_t quarter)
{
    struct foresight *foresight = entry_of(store, transformer)->foresight;
    if (foresight && !is_old(foresight, quarter))
        return foresight;
    foresight_store_want(store, transformer);
    return NULL;
}

void foresight_store_put(struct foresight_store *store, struct foresight *foresight)
{
    struct entry *entry = entry_of(store, foresight->transformer);
    foresight_free(entry->foresight);
    entry->foresight = foresight;
}

bool foresight_store_wants(const struct foresight_store *store)
{
    return store->wanted_count > 0;
}

int64_t foresight_store_history_s(const struct foresight_store *store)
{
    int together = store->wanted_together > 0 ? store->wanted_together : 1;
    int days = DAYS_TOGETHER / together;
    return DAY_S * (days > DAYS_MOST ? DAYS_MOST : days < DAYS_LEAST ? DAYS_LEAST : days);
}

static int by_size(const void *a, const void *b)
{
    int left = *(const int *)a, right = *(const int *)b;
    return (left > right) - (left < right);
}

int foresight_store_take_wanted(struct foresight_store *store, int *transformers, int most)
{
    int count = store->wanted_count < most ? store->wanted_count : most;
    store->wanted_count -= count;
    if (!store->wanted_count)
        store->wanted_together = 0;
    for (int i = 0; i < count; i++) {
        transformers[i] = store->wanted[store->wanted_count + i];
        entry_of(store, transformers[i])->wanted = false;
    }
    if (count)
        qsort(transformers, (size_t)count, sizeof *transformers, by_size);
    return count;
}
