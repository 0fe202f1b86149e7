// SPDX-License-Identifier: Apache-2.0
// Identifiers that any program can make alone and that sort by when they were made:
// UUID version 7. One follows a quarter hour from its measurement to the register.
// Source: RFC 9562, section 5.7; order within a millisecond as in section 6.2, method 2.

#ifndef BASE_ID_H
#define BASE_ID_H

#include "base/clock.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { ID_LEN = 16, ID_TEXT_LEN = 36 };

struct id {
    uint8_t octets[ID_LEN]; // in the order of the text
};

// A new one for what happens at now, which lies in 1970 or later. Within a process each is
// greater than the one before, also when now stands still or goes back: then it keeps the
// latest time seen. Safe from any thread and across fork(). Ends the program when the
// kernel has no random numbers.
struct id id_new(struct utc now);

// As text: 01941f29-7c00-7aaa-8bbb-0123456789ab, lower case, with a terminator.
void id_format(const struct id *id, char text[static ID_TEXT_LEN + 1]);

// Read such a text, in either case, of any version: other systems' identifiers too.
//
//   text  len characters; only borrowed, no terminator needed
//   id    untouched on error
//
//   ERR_SYNTAX  not of that form
MUST_CHECK enum err id_parse(const char *text, size_t len, struct id *id);

// Below 0: a sorts before b; 0: the same; above 0: after it.
int id_compare(const struct id *a, const struct id *b);

#endif
