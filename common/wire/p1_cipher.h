// SPDX-License-Identifier: Apache-2.0
// The P1 port of Luxembourg: each telegram is encrypted with the key of its meter.
//
//   DB 08 <system title, 8> 82 <length, 2> 30 <counter, 4> <telegram, encrypted> <tag, 12>
//
// The length counts from 30 on. AES-128-GCM, the initialisation vector is title and counter,
// additional data is 30 and a key that is the same for all. What comes out is an ordinary
// telegram, for wire/p1_reader.h. A frame whose counter is not above the one before is an old
// one, sent again by somebody else.
// Source: Luxembourg P1 specification 1.1.3, 3.2.5.

#ifndef WIRE_P1_CIPHER_H
#define WIRE_P1_CIPHER_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    P1_CIPHER_KEY = 16,
    P1_CIPHER_TITLE = 8,
    P1_CIPHER_TEXT_MAX = 8192,
    P1_CIPHER_MORE = 30, // octets of a frame beside the telegram
};

struct p1_cipher_key {
    uint8_t octets[P1_CIPHER_KEY];
};

// 32 hex digits; blanks and line ends around them do not count.
//   ERR_SYNTAX, ERR_SIZE  not that; key is untouched
MUST_CHECK enum err p1_cipher_key_parse(const char *text, size_t len, struct p1_cipher_key *key);

struct p1_cipher_counts {
    uint64_t good;
    uint64_t bad; // not by this key, or damaged
    uint64_t old; // true, but with a counter not above the one before
};

// Finds the frames in a stream and decrypts them. Owned: p1_cipher_free(), which overwrites the
// key.
struct p1_cipher *p1_cipher_new(const struct p1_cipher_key *key);
void p1_cipher_free(struct p1_cipher *cipher);

// Take octets. True: a telegram is there, and *used of len octets were taken, maybe none; push the
// rest after looking at it. False: all were taken. After damage the next frame is looked for from
// the octet behind the start of the damaged one on.
bool p1_cipher_push(struct p1_cipher *cipher, const void *data, size_t len, size_t *used);

// The stream was interrupted: drop what was begun.
void p1_cipher_end(struct p1_cipher *cipher);

// Borrowed: valid until the next push.
const char *p1_cipher_text(const struct p1_cipher *cipher, size_t *len);
const struct p1_cipher_counts *p1_cipher_counts(const struct p1_cipher *cipher);

// As a meter does; for peers and tests. frame takes len + P1_CIPHER_MORE octets.
void p1_cipher_encrypt(const struct p1_cipher_key *key, const uint8_t title[static P1_CIPHER_TITLE],
                       uint32_t counter, const char *text, size_t len, uint8_t *frame);

#endif
