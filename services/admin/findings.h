// SPDX-License-Identifier: Apache-2.0
// What is wrong with an input, in words for the person who made it: all of it, so that a file
// is mended in one go, but never more lines than one can read.

#ifndef ADMIN_FINDINGS_H
#define ADMIN_FINDINGS_H

#include <stddef.h>
#include <stdio.h>

enum { FINDINGS_KEPT = 50 };

// Starts as {0}. Owned: findings_clear().
struct findings {
    char *text[FINDINGS_KEPT];
    size_t count; // also of those that are not kept
};

// Add one line, without newline.
void findings_add(struct findings *findings, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Print a line for each, and how many more there are.
void findings_print(const struct findings *findings, FILE *out);
void findings_clear(struct findings *findings);

#endif
