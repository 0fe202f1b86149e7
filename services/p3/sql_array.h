// SPDX-License-Identifier: Apache-2.0
// Many values as one parameter of a statement: an array as the server reads it, {"a","b"}.

#ifndef P3_SQL_ARRAY_H
#define P3_SQL_ARRAY_H

#include "base/clock.h"

#include <stddef.h>
#include <stdint.h>

// Begins as {0}; its text is the caller's to free().
struct sql_array {
    char *text;
    size_t len, room;
};

void sql_array_put(struct sql_array *array, const char *element);
void sql_array_put_integer(struct sql_array *array, int64_t value);
void sql_array_put_time(struct sql_array *array, struct utc utc);

// Close it, also an empty one: nothing is put after that. Returns its text.
const char *sql_array_end(struct sql_array *array);

#endif
