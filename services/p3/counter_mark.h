// SPDX-License-Identifier: Apache-2.0
// The highest reservation that a process has seen, in a file: what it compares a database with.
//
// Two lines of equal length, written in turn, each with a check sum, so that a crash in the middle
// of one leaves the other:  <database> <generation> <serial> <check sum>

#ifndef P3_COUNTER_MARK_H
#define P3_COUNTER_MARK_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { COUNTER_MARK_DATABASE_LEN = 36 };

struct counter_mark {
    char database[COUNTER_MARK_DATABASE_LEN + 1]; // UUID; "": there is no mark yet
    int64_t generation, serial;
};

struct counter_mark_file;

// Open path, or make it, and lock it as long as it is open. Owned: counter_mark_close().
//   mark  what it says
// What is wrong is logged: ERR_IO cannot be had, or another process has it; ERR_SYNTAX holds
// something else.
MUST_CHECK enum err counter_mark_open(const char *path, struct counter_mark_file **file,
                                      struct counter_mark *mark);
void counter_mark_close(struct counter_mark_file *file);

// Have it on disk. ERR_IO: it may not be; the reason was logged.
MUST_CHECK enum err counter_mark_write(struct counter_mark_file *file,
                                       const struct counter_mark *mark);

// Is a behind b: of an earlier generation, or an earlier reservation of the same?
bool counter_mark_behind(const struct counter_mark *a, const struct counter_mark *b);

#endif
