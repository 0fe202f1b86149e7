// SPDX-License-Identifier: Apache-2.0

#include "services/admin/key_set.h"
#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct slot {
    size_t at; // of the key in `keys`
    int line;  // 0: empty
};

struct key_set {
    char *keys; // one after the other, each with its terminator
    size_t used, room;
    struct slot *slots;
    size_t size, count; // size is a power of two, at least twice count
};

struct key_set *key_set_new(void)
{
    struct key_set *set = memory_new(1, sizeof *set);
    set->size = 64;
    set->slots = memory_new(set->size, sizeof *set->slots);
    return set;
}

void key_set_free(struct key_set *set)
{
    if (!set)
        return;
    free(set->keys);
    free(set->slots);
    free(set);
}

static uint64_t hash(const char *key) // FNV-1a
{
    uint64_t value = UINT64_C(14695981039346656037);
    for (; *key; key++)
        value = (value ^ (unsigned char)*key) * UINT64_C(1099511628211);
    return value ^ value >> 32;
}

// Where key stands, or the empty slot where it belongs.
static struct slot *find(const struct key_set *set, const char *key)
{
    size_t i = (size_t)hash(key) & (set->size - 1);
    while (set->slots[i].line && strcmp(set->keys + set->slots[i].at, key) != 0)
        i = (i + 1) & (set->size - 1);
    return &set->slots[i];
}

static void grow(struct key_set *set)
{
    struct slot *old = set->slots;
    size_t old_size = set->size;
    set->size *= 2;
    set->slots = memory_new(set->size, sizeof *set->slots);
    for (size_t i = 0; i < old_size; i++)
        if (old[i].line)
            *find(set, set->keys + old[i].at) = old[i];
    free(old);
}

int key_set_add(struct key_set *set, const char *key, int line)
{
    struct slot *slot = find(set, key);
    if (slot->line)
        return slot->line;
    size_t len = strlen(key) + 1;
    if (set->used + len > set->room)
        set->keys = memory_grow(set->keys, set->room = 2 * set->room + len, 1);
    memcpy(set->keys + set->used, key, len);
    *slot = (struct slot){set->used, line};
    set->used += len;
    if (++set->count * 2 > set->size)
        grow(set);
    return 0;
}

int key_set_line(const struct key_set *set, const char *key)
{
    return find(set, key)->line;
}
