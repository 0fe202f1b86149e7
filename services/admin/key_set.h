// SPDX-License-Identifier: Apache-2.0
// Texts that stand only once, each with the line it stands on. Made for millions.

#ifndef ADMIN_KEY_SET_H
#define ADMIN_KEY_SET_H

#include <stddef.h>

struct key_set;

// Owned: key_set_free().
struct key_set *key_set_new(void);
void key_set_free(struct key_set *set);

// Add key with its line (from 1). Returns 0, or the line of the same key when it was there.
int key_set_add(struct key_set *set, const char *key, int line);

// The line of key, or 0.
int key_set_line(const struct key_set *set, const char *key);

#endif
