// SPDX-License-Identifier: Apache-2.0
// For the tables of tests: octets as hex digits, blanks allowed between them.

#ifndef TESTS_OCTETS_OF_H
#define TESTS_OCTETS_OF_H

#include "wire/hex.h"
#include "wire/tlv.h"

#include <criterion/criterion.h>

enum { OCTETS_OF_MAX = 4096 };

// In a store of the caller's, which holds OCTETS_OF_MAX.
static inline struct octets octets_of(const char *text, uint8_t *store)
{
    char digits[2 * OCTETS_OF_MAX];
    size_t count = 0;
    for (; *text; text++)
        if (*text != ' ') {
            cr_assert_lt(count, sizeof digits);
            digits[count++] = *text;
        }
    cr_assert_eq(hex_decode(digits, count, store), ERR_NONE, "a table holds no hex digits");
    return (struct octets){store, count / 2};
}

// Octets as hex digits, for a message or a comparison with a table; holds OCTETS_OF_MAX octets.
static inline const char *text_of(struct octets octets, char text[static 2 * OCTETS_OF_MAX + 1])
{
    cr_assert_leq(octets.len, OCTETS_OF_MAX);
    hex_encode_upper(octets.at, octets.len, text);
    text[2 * octets.len] = '\0';
    return text;
}

#endif
