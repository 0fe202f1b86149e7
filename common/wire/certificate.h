// SPDX-License-Identifier: Apache-2.0
// What we want to know of an X.509 certificate or list of revoked ones (RFC 5280), in PEM. Pure.

#ifndef WIRE_CERTIFICATE_H
#define WIRE_CERTIFICATE_H

#include "base/err.h"
#include "wire/tls_key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CERTIFICATE_SERIAL = 40, // hex digits at most
    CERTIFICATE_PEM = 65536, // octets of a file, which may hold a chain
};

struct certificate {
    char name[TLS_NAME + 1];             // the common name; "" where there is none that is sound
    char serial[CERTIFICATE_SERIAL + 1]; // lower-case hex
    int64_t from, to;                    // UTC seconds, both included
    bool is_authority;
};

// The first one of a text. ERR_SYNTAX: there is none.
MUST_CHECK enum err certificate_read(const char *pem, size_t len, struct certificate *certificate);

// Does the first one certify this key?
bool certificate_is_of(const char *pem, size_t len, const struct tls_key *key);

// Was the first one signed by one of those authorities? Times and lists are not looked at.
bool certificate_is_signed_by(const char *pem, size_t len, const char *authorities,
                              size_t authorities_len);

// Until when a list of revoked certificates is good. ERR_SYNTAX: it is none.
MUST_CHECK enum err certificate_list_read(const char *pem, size_t len, int64_t *to);

#endif
