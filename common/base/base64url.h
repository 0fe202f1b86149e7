// SPDX-License-Identifier: Apache-2.0
// Octets as text of letters, digits, '-' and '_', without padding. Each value has one text.
// Source: RFC 4648, section 5.

#ifndef BASE_BASE64URL_H
#define BASE_BASE64URL_H

#include "base/err.h"

#include <stddef.h>

// Characters for so many octets, without terminator.
#define BASE64URL_LEN(octets) (((octets)*4 + 2) / 3)

// Write BASE64URL_LEN(len) characters, no terminator.
void base64url_encode(const void *octets, size_t len, char *text);

// Read exactly len octets from BASE64URL_LEN(len) characters. octets is untouched on error.
//   ERR_SIZE  another number of characters    ERR_SYNTAX  another character, or bits left over
MUST_CHECK enum err base64url_decode(const char *text, size_t characters, void *octets, size_t len);

#endif
