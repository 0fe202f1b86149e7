// SPDX-License-Identifier: Apache-2.0
// Invocation counters of one key and title in a file, reserved before they are used: after a
// crash some are lost, and none is given out twice, also not to two processes at once.
//
// The file holds the next free counter in decimal digits; once a session has been, a second line,
// "meter" and the highest counter seen of the meter's own: what it sends later is above that, or is
// an old answer played again. Whoever puts back an older copy of it
// makes used counters free again: then the key is spent.

#ifndef P3_COUNTER_FILE_H
#define P3_COUNTER_FILE_H

#include "base/err.h"
#include "services/p3/session.h"

#include <stdint.h>

enum { COUNTER_FILE_MUST_EXIST = -1, COUNTER_FILE_NONE = -1 };

// Reserve count counters, none below least, and have that on disk before they are given.
//
//   path   beside it stand path.lock and, for a moment, path.new
//   start  the first counter where there is no file; COUNTER_FILE_MUST_EXIST: there must be one
//
// What is wrong is logged with its reason:
//   ERR_IO      cannot be read, written or locked, or there is none
//   ERR_SYNTAX  holds something else
//   ERR_RANGE   counters are used up: the key must be changed
MUST_CHECK enum err counter_file_reserve(const char *path, int64_t start, uint32_t least,
                                         uint32_t count, struct counter_range *range);

// The highest counter of the meter that was kept; COUNTER_FILE_NONE: none, or no file yet.
// Errors as above.
MUST_CHECK enum err counter_file_seen(const char *path, int64_t *meter_counter);

// Keep that one, where it is higher. There must be a file. Errors as above.
MUST_CHECK enum err counter_file_note(const char *path, int64_t meter_counter);

#endif
