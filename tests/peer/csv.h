// SPDX-License-Identifier: Apache-2.0
// Rows of a comma-separated file with a line of names at its top. Without quotes: none of our
// columns has use for them. What is wrong stands on standard error with file and line.

#ifndef PEER_CSV_H
#define PEER_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct csv;

// Open path, whose first line must begin with the columns named ("a,b,c"); further columns are
// skipped. NULL when it cannot be read or begins otherwise. Owned: csv_close().
struct csv *csv_open(const char *path, const char *columns);

// True when the whole file was good.
bool csv_close(struct csv *csv);

// Go to the next row; false at the end or when it has too few fields.
bool csv_next(struct csv *csv);

// A field of the row, borrowed until the next one.
const char *csv_text(const struct csv *csv, size_t column);

// A field as number or time. False after a complaint, also one by csv_refuse().
bool csv_number(struct csv *csv, size_t column, double least, double most, double *value);
bool csv_time(struct csv *csv, size_t column, int64_t *utc_s);
bool csv_refuse(struct csv *csv, size_t column, const char *why);

#endif
