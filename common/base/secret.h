// SPDX-License-Identifier: Apache-2.0
// Memory for keys: pages of its own that are locked (not swapped) where the system allows, left
// out of core dumps, and wiped before they are given back. Like all memory, there is enough or
// the program ends. Not for several threads at once.

#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stddef.h>

// No core dump of this process, and no look into it by others of the same user. Each program does
// it first (base/program.h).
void secret_guard_process(void);

// Zeroed room for len octets, in whole pages. Owned: secret_free() with the same len, which wipes.
void *secret_new(size_t len) __attribute__((returns_nonnull));
void secret_free(void *secret, size_t len);

// Many small ones of one size, which share pages. Owned: secret_pool_free(), when all are back.
struct secret_pool;
struct secret_pool *secret_pool_new(size_t item_size);
void secret_pool_free(struct secret_pool *pool);

// Zeroed. Giving back wipes it; NULL is fine.
void *secret_pool_take(struct secret_pool *pool) __attribute__((returns_nonnull));
void secret_pool_give(struct secret_pool *pool, void *item);

#endif
