// SPDX-License-Identifier: Apache-2.0
// The key pair behind a TLS certificate, and the request (PKCS #10, RFC 2986) that asks an
// authority for one.
//
// Keys that we make are EC P-256, which mosquitto, Paho, PostgreSQL, GnuTLS (libmicrohttpd), nginx
// and browsers all take. Of others P-256, P-384 and RSA from 3072 bits are taken.
//
// Pure but for the random numbers. Where the cryptographic library cannot do its work at all,
// the program ends, as out of memory.

#ifndef WIRE_TLS_KEY_H
#define WIRE_TLS_KEY_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    TLS_KEY_PEM = 16384, // octets that a PEM text of a key or a request may have
    TLS_KEY_FINGERPRINT = 64,
    TLS_NAME = 64, // characters of a common name, X.520
};

// May this be a common name here? It is also a user name and a level of topics at the broker, and
// the name of files: 1 to 64 letters, digits, dots, dashes and underscores, the first no dot and
// no dash. So a name that one end reads is the same at each other.
bool tls_name_is_sound(const char *name);

struct tls_key; // a pair, or the public half alone

struct tls_key *tls_key_make(void); // owned: tls_key_free()
void tls_key_free(struct tls_key *key);

// From PEM, perhaps encrypted (passphrase NULL: not). Owned: tls_key_free().
//   ERR_SYNTAX  no private key, or not with this pass phrase     ERR_RANGE  a kind not taken
MUST_CHECK enum err tls_key_parse(const char *pem, size_t len, const char *passphrase,
                                  struct tls_key **key);

// The private key as PEM (PKCS #8), encrypted where there is a pass phrase (PBES2, AES-256,
// 600,000 rounds). Owned: wipe, then free().
char *tls_key_format(const struct tls_key *key, const char *passphrase);

// SHA-256 of the public half (SubjectPublicKeyInfo), lower-case hex: to compare by eye.
void tls_key_fingerprint(const struct tls_key *key, char hex[static TLS_KEY_FINGERPRINT + 1]);

// A request for that name, PEM. Owned: free(). The name must be sound.
char *tls_request_write(const struct tls_key *key, const char *name);

// What was asked: who has the private key signed it himself.
struct tls_request {
    char name[TLS_NAME + 1];
    struct tls_key *key; // the public half; owned: tls_key_free()
};

// Why this is no request that may be granted, a text that stays; or NULL, and it is in *request. Of
// what it asks besides name and key, nothing is read.
const char *tls_request_read(const char *pem, size_t len, struct tls_request *request);

// The library's own, for those who sign. Borrowed: EVP_PKEY.
void *tls_key_raw(const struct tls_key *key);

#endif
