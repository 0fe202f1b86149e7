// SPDX-License-Identifier: Apache-2.0
// SHA-256, and octets as hexadecimal digits and back.
// Source: FIPS 180-4; the work is OpenSSL's.

#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { DIGEST_LEN = 32, DIGEST_TEXT_LEN = 64 };

struct digest {
    uint8_t octets[DIGEST_LEN];
};

// The digest of len octets; data may be NULL when len is 0. Safe from any thread. Ends the
// program when the library will not hash, as out of memory would.
struct digest digest_of(const void *data, size_t len);

// As 64 lower-case digits with a terminator.
void digest_format(const struct digest *digest, char text[static DIGEST_TEXT_LEN + 1]);

// Write len octets as 2 * len lower-case digits and a terminator; all of that fits in room.
void hex_format(const void *octets, size_t len, char *text, size_t room);

// Read len digits, in either case, as len / 2 octets.
//
//   text    only borrowed, no terminator needed
//   octets  room of them; untouched on error, as is count
//   count   octets read
//
//   ERR_SYNTAX  an odd number, or not a digit      ERR_SIZE  more than room
MUST_CHECK enum err hex_parse(const char *text, size_t len, void *octets, size_t room,
                              size_t *count);

#endif
