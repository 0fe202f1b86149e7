// SPDX-License-Identifier: Apache-2.0
// Whatever the octets, as a certificate, a request, a key or a list of revoked ones: what is read
// has a name that may be a file and a level of topics, and a key that is taken. Also as the DER
// within, which fuzzing does not find behind base64.

#include "wire/certificate.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try(const char *pem, size_t len)
{
    struct certificate certificate;
    struct tls_request request;
    struct tls_key *key = NULL;
    int64_t to;
    if (!certificate_read(pem, len, &certificate)) {
        assert(!*certificate.name || tls_name_is_sound(certificate.name));
        assert(*certificate.serial && strlen(certificate.serial) <= CERTIFICATE_SERIAL);
        certificate_is_signed_by(pem, len, pem, len);
    }
    if (!tls_request_read(pem, len, &request)) {
        assert(tls_name_is_sound(request.name));
        char fingerprint[TLS_KEY_FINGERPRINT + 1];
        tls_key_fingerprint(request.key, fingerprint);
        certificate_is_of(pem, len, request.key);
        tls_key_free(request.key);
    }
    if (!tls_key_parse(pem, len, NULL, &key))
        tls_key_free(key);
    if (certificate_list_read(pem, len, &to))
        return;
}

static void try_as(const char *what, const uint8_t *der, size_t size)
{
    size_t room = 4 * (size / 3 + 1) + 128;
    char *pem = malloc(room), *at = pem;
    at += sprintf(at, "-----BEGIN %s-----\n", what);
    for (size_t i = 0; i < size; i += 48) {
        at += EVP_EncodeBlock((unsigned char *)at, der + i, (int)(size - i < 48 ? size - i : 48));
        if ((size_t)(at - pem) + 80 > room) {
            size_t len = (size_t)(at - pem);
            pem = realloc(pem, room *= 2);
            at = pem + len;
        }
        *at++ = '\n';
    }
    size_t len = (size_t)(at - pem);
    pem = realloc(pem, len + 64);
    len += (size_t)sprintf(pem + len, "-----END %s-----\n", what);
    try(pem, len);
    free(pem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const kinds[] = {"CERTIFICATE", "CERTIFICATE REQUEST", "X509 CRL",
                                        "PRIVATE KEY"};
    if (size == 0 || size > 8000)
        return 0;
    try((const char *)data, size);
    try_as(kinds[data[0] % 4], data + 1, size - 1);
    return 0;
}
