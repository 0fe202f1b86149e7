// SPDX-License-Identifier: Apache-2.0
// Where the next page of a list begins: the sort key of the last row, as opaque text. Whoever
// walks with it sees each row that was there from the start exactly once, however many rows come
// or go meanwhile, and the database finds the place by index.
//
// The text is base64url (RFC 4648, no padding) of "<list>\n<key>\n<key>". It is not secret and not
// signed: a forged one asks for another page of a list that may be read anyway.

#ifndef AUDIT_PAGE_H
#define AUDIT_PAGE_H

#include "base/err.h"

#include <stddef.h>

enum { PAGE_KEYS = 3, PAGE_KEY_MAX = 40, PAGE_CURSOR_MAX = 200 };

// The kind of each key, a letter each: 'i' a whole number, 't' microseconds since 1970, 'u' a UUID.
// A key read from a cursor is what a statement takes: a time is then "2026-01-14 16:15:00.000000Z".
struct page_key {
    char text[PAGE_KEY_MAX + 1];
};

// Write the cursor of list behind the row with these keys, as the database gave them.
//
//   keys   of the kinds; each at most PAGE_KEY_MAX long
void page_encode(const char *list, const char *kinds, const char *const *keys,
                 char cursor[static PAGE_CURSOR_MAX + 1]);

// Read a cursor back.
//
//   keys   strlen(kinds) of them; untouched on error
//
//   ERR_SYNTAX  not a cursor of this list      ERR_RANGE  a time outside the years 1970 to 2200
MUST_CHECK enum err page_decode(const char *cursor, const char *list, const char *kinds,
                                struct page_key keys[static PAGE_KEYS]);

#endif
