// SPDX-License-Identifier: Apache-2.0
// Orders to a peer to misbehave: "word name [number]", where name may be * for all. They come
// as datagrams while it runs, or from the settings, separated by commas.

#ifndef PEER_CONTROL_H
#define PEER_CONTROL_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { CONTROL_LEN = 64, CONTROL_NO_NUMBER = -1 };

struct control {
    char word[CONTROL_LEN + 1], name[CONTROL_LEN + 1];
    int64_t number; // CONTROL_NO_NUMBER where none was given
};

// One order. ERR_SYNTAX: not of that form; order stays untouched.
MUST_CHECK enum err control_read(const char *text, struct control *order);

// Each order of a list: obey(arg, order) says NULL, or why not. True when all were obeyed; else
// what was wrong stands on standard error after `where`.
bool control_read_list(const char *where, const char *list,
                       const char *(*obey)(void *arg, const struct control *order), void *arg);

#endif
