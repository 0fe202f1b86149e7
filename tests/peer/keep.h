// SPDX-License-Identifier: Apache-2.0
// A small file that is replaced as a whole: after a crash it holds what it held before or what
// it should hold now, never half of it.

#ifndef PEER_KEEP_H
#define PEER_KEEP_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

// durable: also when the machine loses its power, which takes the time of a disk.
MUST_CHECK enum err keep_write(const char *path, const void *octets, size_t len, bool durable);

// How well a peer keeps things, as its settings say.
enum keep { KEEP_DISK, KEEP_CACHE, KEEP_MEMORY }; // durable, not flushed, not written at all
#define KEEP_WORDS "disk cache memory"
enum keep keep_of(const char *word);

// The whole file with a terminator behind its len octets, owned: free(). NULL when there is
// none; one that is there but cannot be read ends the program, because going on without it
// would forget what was promised.
char *keep_read(const char *path, size_t *len);

#endif
