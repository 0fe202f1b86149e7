// SPDX-License-Identifier: Apache-2.0
// Octets as pairs of hex digits, the way a meter shows an octet string.

#ifndef WIRE_HEX_H
#define WIRE_HEX_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

// The value of a digit, upper or lower case; -1 for anything else.
extern const int8_t hex_values[256];
static inline int hex_digit(char digit)
{
    return hex_values[(uint8_t)digit];
}

// Read digits characters into digits / 2 octets, fast.
//   ERR_SYNTAX  an odd number, or something that is no digit; octets then hold anything
MUST_CHECK enum err hex_decode(const char *text, size_t digits, void *octets);

// Write 2 * len digits, no terminator.
void hex_encode_upper(const void *octets, size_t len, char *text);
void hex_encode_lower(const void *octets, size_t len, char *text);

#endif
