// SPDX-License-Identifier: Apache-2.0
// Keys of meters at rest: each wrapped with AES-256-GCM under a master key, bound to what it is
// for and to the meter whose it is, so that rows cannot be swapped.
//
//   nonce (12, drawn) | ciphered key (16) | tag (16)      authenticated besides: purpose, meter
//
// Drawn nonces of 96 bits are safe for 2^32 wraps under one master key (NIST SP 800-38D, 8.3).

#ifndef WIRE_KEY_WRAP_H
#define WIRE_KEY_WRAP_H

#include "base/err.h"
#include "wire/cipher.h"

#include <stdint.h>

enum {
    MASTER_KEY_LEN = 32,
    MASTER_KEY_ID_LEN = 16,
    KEY_WRAPPED_LEN = 12 + CIPHER_KEY_LEN + 16,
    KEY_USE_LEN = 16,
};

// To be kept in secret memory (base/secret.h). id: hex digits of a digest of the key.
struct master_key {
    uint8_t octets[MASTER_KEY_LEN];
    char id[MASTER_KEY_ID_LEN + 1];
};

// Fill in the id that follows from the octets.
void master_key_name(struct master_key *key);

enum key_purpose { KEY_FOR_ENCRYPTION, KEY_FOR_AUTHENTICATION };

// A worker: keeps no secret between calls, serves one thread. Owned: key_wrap_free().
struct key_wrap;
struct key_wrap *key_wrap_new(void);
void key_wrap_free(struct key_wrap *worker);

// Wrap a key of the meter with that equipment identifier. Ends the program when there are no
// random numbers.
void key_wrap_seal(struct key_wrap *worker, const struct master_key *master,
                   enum key_purpose purpose, const char *equipment_id,
                   const uint8_t key[static CIPHER_KEY_LEN],
                   uint8_t wrapped[static KEY_WRAPPED_LEN]);

// ERR_CHECKSUM: not wrapped under this master key for that purpose and meter; key is zeroed.
MUST_CHECK enum err key_wrap_open(struct key_wrap *worker, const struct master_key *master,
                                  enum key_purpose purpose, const char *equipment_id,
                                  const uint8_t wrapped[static KEY_WRAPPED_LEN],
                                  uint8_t key[static CIPHER_KEY_LEN]);

// What invocation counters are counted for: an encryption key and the system title of its sender.
struct key_use {
    uint8_t octets[KEY_USE_LEN]; // of a digest of both
};
struct key_use key_use_of(const uint8_t encryption_key[static CIPHER_KEY_LEN],
                          const uint8_t title[static CIPHER_TITLE_LEN]);

#endif
