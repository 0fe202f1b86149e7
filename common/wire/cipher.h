// SPDX-License-Identifier: Apache-2.0
// Protection of APDUs with suite 0 of DLMS/COSEM: AES-128-GCM under global keys, and the GMAC by
// which the two sides of HLS 5 prove that they know them.
//
//   glo- or ded- tag, length, SC, counter (4), ciphered APDU, authentication tag (12)
//
// Nonce: system title of the sender, then the counter. Whoever seals must never use a counter
// twice for the same key and title. Authenticated besides: SC, authentication key, and what SC
// leaves in clear.
// Source: Green Book 8.1, 9.2.7; recomputed from its published examples. The work is OpenSSL's.

#ifndef WIRE_CIPHER_H
#define WIRE_CIPHER_H

#include "base/err.h"
#include "wire/tlv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CIPHER_KEY_LEN = 16,
    CIPHER_TITLE_LEN = 8,
    CIPHER_TAG_LEN = 12,
    CIPHER_HEAD_LEN = 5, // SC and counter
    CIPHER_TOKEN_LEN = CIPHER_HEAD_LEN + CIPHER_TAG_LEN,
};

// Security control: bits 0 to 3 the suite, which is 0, 4 authenticated, 5 encrypted.
enum { CIPHER_AUTHENTICATED = 0x10, CIPHER_ENCRYPTED = 0x20, CIPHER_BOTH = 0x30 };

// What the tag of a protected APDU is. The dedicated ones are the global ones and 8.
enum cipher_key_kind { CIPHER_UNPROTECTED, CIPHER_GLOBAL, CIPHER_DEDICATED };

struct cipher_keys {
    uint8_t encryption[CIPHER_KEY_LEN]; // global or dedicated
    uint8_t authentication[CIPHER_KEY_LEN];
};

// A worker: keeps no secret between calls, and serves one thread. Ends the program where the
// library will not cipher. Owned: cipher_free().
struct cipher;
struct cipher *cipher_new(void);
void cipher_free(struct cipher *cipher);

// By which key an APDU with this first octet is protected.
enum cipher_key_kind cipher_kind(uint8_t tag);

// The tag under the global key of an APDU that begins with this octet; 0: never protected.
uint8_t cipher_global_tag(uint8_t first);

// How long an APDU of len octets becomes under CIPHER_BOTH.
size_t cipher_sealed_len(size_t len);

// Protect an APDU. What does not fit becomes the cursor's error.
//
//   control  CIPHER_BOTH, or one of its two halves
//   plain    an APDU that has a global tag; may not overlap the output
void cipher_seal(struct cipher *cipher, const struct cipher_keys *keys,
                 const uint8_t title[static CIPHER_TITLE_LEN], uint8_t control, uint32_t counter,
                 struct octets plain, struct cursor *out);

struct cipher_opened {
    uint8_t control;
    uint32_t counter;
    size_t len; // of the APDU in plain
};

// Open a protected APDU that is all of apdu. The caller judges control and counter.
//
//   title  of the sender
//   plain  room octets, where the APDU goes; it may hold anything on error
//
//   ERR_SYNTAX    not protected, another suite, broadcast key or compression, neither
//                 authenticated nor encrypted, or the APDU is not what its tag says
//   ERR_SIZE      broken off, something behind it, or more than room
//   ERR_CHECKSUM  not authentic: another key, title, or an alteration
MUST_CHECK enum err cipher_open(struct cipher *cipher, const struct cipher_keys *keys,
                                const uint8_t title[static CIPHER_TITLE_LEN], struct octets apdu,
                                uint8_t *plain, size_t room, struct cipher_opened *opened);

// The proof f(challenge) of who has this title: SC, counter, GMAC. It uses up a counter.
//   control  CIPHER_AUTHENTICATED; some meters say CIPHER_BOTH
void cipher_put_token(struct cipher *cipher, const struct cipher_keys *keys,
                      const uint8_t title[static CIPHER_TITLE_LEN], uint8_t control,
                      uint32_t counter, struct octets challenge,
                      uint8_t token[static CIPHER_TOKEN_LEN]);

// Judge the proof of the other side. SC is 10, or 30 as some meters say there.
//   ERR_SIZE      not as long as one
//   ERR_SYNTAX    another SC
//   ERR_CHECKSUM  not proven
MUST_CHECK enum err cipher_check_token(struct cipher *cipher, const struct cipher_keys *keys,
                                       const uint8_t title[static CIPHER_TITLE_LEN],
                                       struct octets challenge, struct octets token);

#endif
