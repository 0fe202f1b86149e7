// SPDX-License-Identifier: Apache-2.0

#include "base/secret.h"
#include "base/log.h"
#include "base/memory.h"

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>

enum { CHUNK = 65536, ALIGN = alignof(max_align_t) };

void secret_guard_process(void)
{
    if (prctl(PR_SET_DUMPABLE, 0))
        log_warn("secret.unguarded", F("why", "this process may leave a core dump with keys"));
}

void *secret_new(size_t len)
{
    static bool told;
    void *pages = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        log_fatal("memory.exhausted");
    madvise(pages, len, MADV_DONTDUMP);
    if (mlock(pages, len) && !told) {
        told = true;
        log_debug("secret.unlocked", F("why", "no right to lock more memory: see LimitMEMLOCK"));
    }
    return pages;
}

void secret_free(void *secret, size_t len)
{
    if (!secret)
        return;
    memory_wipe(secret, len);
    munmap(secret, len);
}

struct item {
    struct item *next;
};

struct chunk {
    struct chunk *next;
};

struct secret_pool {
    size_t size, chunk_len;
    struct item *free;
    struct chunk *chunks;
};

static size_t whole(size_t len, size_t step)
{
    return (len + step - 1) / step * step;
}

struct secret_pool *secret_pool_new(size_t item_size)
{
    struct secret_pool *pool = memory_new(1, sizeof *pool);
    pool->size = whole(item_size, ALIGN);
    pool->chunk_len = whole(ALIGN + pool->size, CHUNK);
    return pool;
}

void secret_pool_free(struct secret_pool *pool)
{
    if (!pool)
        return;
    for (struct chunk *chunk = pool->chunks; chunk;) {
        struct chunk *next = chunk->next;
        secret_free(chunk, pool->chunk_len);
        chunk = next;
    }
    free(pool);
}

// Returns the first of its items; at least one fits.
static struct item *add_chunk(struct secret_pool *pool)
{
    struct item *first = NULL;
    struct chunk *chunk = secret_new(pool->chunk_len);
    chunk->next = pool->chunks;
    pool->chunks = chunk;
    for (size_t at = ALIGN; at + pool->size <= pool->chunk_len; at += pool->size) {
        struct item *item = (void *)((char *)chunk + at);
        item->next = first;
        first = item;
    }
    assert(first);
    return first;
}

void *secret_pool_take(struct secret_pool *pool)
{
    struct item *item = pool->free ? pool->free : add_chunk(pool);
    pool->free = item->next;
    item->next = NULL;
    return item;
}

void secret_pool_give(struct secret_pool *pool, void *item)
{
    if (!item)
        return;
    memory_wipe(item, pool->size);
    ((struct item *)item)->next = pool->free;
    pool->free = item;
}
