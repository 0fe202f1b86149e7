// SPDX-License-Identifier: Apache-2.0
// Allocation that succeeds or ends the program: a daemon that systemd restarts in
// milliseconds is safer than one that limps on without memory.

#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

// Zeroed room for count items of size octets. Owned by the caller: free().
void *memory_new(size_t count, size_t size) __attribute__((malloc, returns_nonnull));

// As realloc(); what was added is not zeroed.
void *memory_grow(void *old, size_t count, size_t size) __attribute__((returns_nonnull));

// A copy of a text, or of its first len octets with a terminator. Owned: free().
char *memory_text(const char *text) __attribute__((malloc, returns_nonnull));
char *memory_text_n(const char *text, size_t len) __attribute__((malloc, returns_nonnull));

// printf into a text of its own. Owned: free().
char *memory_format(const char *format, ...)
    __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

// Overwrite a secret so that the compiler cannot leave it out.
void memory_wipe(void *secret, size_t len);

#endif
