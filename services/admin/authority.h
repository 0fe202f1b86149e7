// SPDX-License-Identifier: Apache-2.0
// An authority of ours: its certificate, and what it signs. One level: it signs programs, servers
// and gateways, never another authority. Profile of RFC 5280; a certificate is for a server or for
// a client, never for both. Pure; where the library cannot do its work, the program ends.

#ifndef ADMIN_AUTHORITY_H
#define ADMIN_AUTHORITY_H

#include "wire/certificate.h"

enum {
    AUTHORITY_SERIAL = 16, // octets
    AUTHORITY_ADDRESSES = 16,
    AUTHORITY_ADDRESS = 253, // characters of one
};

struct authority;

// What a certificate is to say.
struct authority_leaf {
    uint8_t serial[AUTHORITY_SERIAL]; // the first is 1 to 127, so that its length never differs
    const char *name;                 // sound
    const char *addresses;            // of a server, sound; "": it is for a client
    int64_t from, to;                 // UTC seconds
    const struct tls_key *key;        // its public half
};

// Are these addresses of a server, 1 to 16 with blanks or commas between them: IP addresses, and
// names of hosts, without a wildcard? Returns why not, a text that stays, or NULL.
const char *authority_addresses_fault(const char *addresses);

// A new one that certifies itself; its private key, which self->key is too, is taken over. Owned:
// authority_free().
struct authority *authority_make(const struct authority_leaf *self, struct tls_key *key);

// From its certificate; the private key is taken over. NULL: the certificate is none of an
// authority, or not of this key, which then is not.
struct authority *authority_of(const char *pem, size_t len, struct tls_key *key);
void authority_free(struct authority *authority);

struct certificate authority_facts(const struct authority *authority);

// PEM. Owned: free().
char *authority_certificate(const struct authority *authority);
char *authority_issue(const struct authority *authority, const struct authority_leaf *leaf);

struct authority_revoked {
    uint8_t serial[AUTHORITY_SERIAL];
    int64_t at;
};

// The list of what is revoked, PEM: made at from, good until to, with a number that must grow from
// list to list. Owned: free().
char *authority_list(const struct authority *authority, const struct authority_revoked *revoked,
                     size_t count, int64_t number, int64_t from, int64_t to);

#endif
