// SPDX-License-Identifier: Apache-2.0
// The seal of a long message: who wrote it, for which meter, and after which other.
//
//   {"Header":{"Action":...,"ValidTo":"190329190000W","Seq":1768410000123},"Body":{...},"Sig":"..."}
//
// Sig is the last member, without a blank around it: 86 characters of base64url, an Ed25519
// signature over
//
//   "socmod long message 1" NUL <equipment identifier of the meter> NUL <text before ,"Sig">
//
// so that a message for one meter is none for another, and a signature of anything else by
// the same key is none here. Seq grows from message to message of one meter.
//
// Pure. Where the cryptographic library cannot do its work at all, the program ends, as out of
// memory. Source: RFC 8032 (pure Ed25519); the work is OpenSSL's.

#ifndef WIRE_SEAL_H
#define WIRE_SEAL_H

#include "base/err.h"
#include "wire/long_message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SEAL_SIGNATURE = 64,
    SEAL_KEY = 32,
    SEAL_KEY_TEXT = 43,       // characters of a public key as text
    SEAL_EQUIPMENT_MAX = 100, // characters of an equipment identifier
    SEAL_ROOM = 118,          // characters that a seal adds at most: for long_message_write()
};

struct seal_public {
    uint8_t octets[SEAL_KEY];
};

// As base64url: fit for settings and for a telephone call.
//   ERR_SIZE, ERR_SYNTAX  not 43 such characters
MUST_CHECK enum err seal_public_parse(const char *text, struct seal_public *key);
void seal_public_format(const struct seal_public *key, char text[static SEAL_KEY_TEXT + 1]);

// The private key. Owned: seal_key_free(), which overwrites it.
struct seal_key;
struct seal_key *seal_key_make(void);
void seal_key_free(struct seal_key *key);

// From PEM (PKCS 8, not encrypted), as "openssl genpkey -algorithm ed25519" writes it; and to it,
// owned: memory_wipe() and free().
//   ERR_SYNTAX  no such text, or a key of another kind
MUST_CHECK enum err seal_key_parse(const char *pem, size_t len, struct seal_key **key);
char *seal_key_format(const struct seal_key *key);
struct seal_public seal_key_public(const struct seal_key *key);

// Seal a text of long_message_write(), made with SEAL_ROOM reserved.
//
//   seq     LONG_MESSAGE_SEQ_MAX at most, 1 at least
//   sealed  with a terminator; untouched on error
//
//   ERR_SYNTAX  not such a text      ERR_SIZE  it or the identifier is too long
//   ERR_RANGE   seq
MUST_CHECK enum err seal_write(const char *text, size_t len, int64_t seq, const char *equipment_id,
                               const struct seal_key *key,
                               char sealed[static LONG_MESSAGE_MAX + 1]);

// What a text shows of a seal. It says nothing yet about whether that is a true one.
struct seal {
    size_t signed_len; // octets of the text before ,"Sig"
    uint8_t signature[SEAL_SIGNATURE];
};

// ERR_SYNTAX: it does not end in a seal. All input is allowed.
MUST_CHECK enum err seal_read(const char *text, size_t len, struct seal *seal);

// Did the owner of key seal this very text for that meter? seal is seal_read()'s of text.
bool seal_is_true(const char *text, const struct seal *seal, const char *equipment_id,
                  const struct seal_public *key);

// Sign any text that by its beginning can be no other kind of thing, and check such a signature.
void seal_sign(const struct seal_key *key, const char *text, size_t len,
               uint8_t signature[static SEAL_SIGNATURE]);
bool seal_signed(const char *text, size_t len, const uint8_t signature[static SEAL_SIGNATURE],
                 const struct seal_public *key);

#endif
