// SPDX-License-Identifier: Apache-2.0

#include "wire/certificate.h"
#include "base/digest.h"
#include "wire/must.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

// A certificate is no secret, so nobody is asked for a password.
static int no_password(char *room, int size, int writing, void *arg)
{
    (void)room, (void)size, (void)writing, (void)arg;
    return -1;
}

static BIO *text_of(const char *pem, size_t len)
{
    return must(BIO_new_mem_buf(pem, len > CERTIFICATE_PEM ? 0 : (int)len));
}

static X509 *next_of(BIO *in)
{
    X509 *x509 = PEM_read_bio_X509(in, NULL, no_password, NULL);
    ERR_clear_error();
    return x509;
}

// Owned: X509_free().
static X509 *first_of(const char *pem, size_t len)
{
    BIO *in = text_of(pem, len);
    X509 *x509 = next_of(in);
    BIO_free(in);
    return x509;
}

static bool read_time(const ASN1_TIME *time, int64_t *utc)
{
    struct tm tm;
    if (!time || ASN1_TIME_to_tm(time, &tm) != 1)
        return false;
    *utc = timegm(&tm);
    return true;
}

static void read_name(const X509 *x509, char name[static TLS_NAME + 1])
{
    const X509_NAME *subject = X509_get_subject_name(x509);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    const ASN1_STRING *text =
        at < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    size_t len = text ? (size_t)ASN1_STRING_length(text) : 0;
    *name = '\0';
    if (!len || len > TLS_NAME || memchr(ASN1_STRING_get0_data(text), '\0', len))
        return;
    memcpy(name, ASN1_STRING_get0_data(text), len);
    name[len] = '\0';
    if (!tls_name_is_sound(name))
        *name = '\0';
}

static bool read_serial(const X509 *x509, char serial[static CERTIFICATE_SERIAL + 1])
{
    const ASN1_INTEGER *number = X509_get0_serialNumber(x509);
    size_t len = (size_t)ASN1_STRING_length(number);
    if (ASN1_STRING_type(number) != V_ASN1_INTEGER || len == 0 || len > CERTIFICATE_SERIAL / 2)
        return false;
    hex_format(ASN1_STRING_get0_data(number), len, serial, CERTIFICATE_SERIAL + 1);
    return true;
}

enum err certificate_read(const char *pem, size_t len, struct certificate *certificate)
{
    struct certificate got = {.from = 0};
    X509 *x509 = first_of(pem, len);
    bool is_good = x509 && read_time(X509_get0_notBefore(x509), &got.from)
                   && read_time(X509_get0_notAfter(x509), &got.to) && read_serial(x509, got.serial);
    if (is_good) {
        read_name(x509, got.name);
        got.is_authority = X509_check_ca(x509) == 1;
        *certificate = got;
    }
    X509_free(x509);
    ERR_clear_error();
    return is_good ? ERR_NONE : ERR_SYNTAX;
}

bool certificate_is_of(const char *pem, size_t len, const struct tls_key *key)
{
    X509 *x509 = first_of(pem, len);
    EVP_PKEY *pkey = x509 ? X509_get0_pubkey(x509) : NULL;
    bool is_of = pkey && EVP_PKEY_eq(pkey, tls_key_raw(key)) == 1;
    X509_free(x509);
    ERR_clear_error();
    return is_of;
}

bool certificate_is_signed_by(const char *pem, size_t len, const char *authorities,
                              size_t authorities_len)
{
    X509 *x509 = first_of(pem, len), *authority;
    BIO *in = text_of(authorities, authorities_len);
    bool is_signed = false;
    while (x509 && !is_signed && (authority = next_of(in))) {
        EVP_PKEY *pkey = X509_get0_pubkey(authority);
        is_signed = X509_check_ca(authority) == 1 && X509_check_issued(authority, x509) == X509_V_OK
                    && pkey && X509_verify(x509, pkey) == 1;
        X509_free(authority);
    }
    BIO_free(in);
    X509_free(x509);
    ERR_clear_error();
    return is_signed;
}

enum err certificate_list_read(const char *pem, size_t len, int64_t *to)
{
    BIO *in = text_of(pem, len);
    X509_CRL *list = PEM_read_bio_X509_CRL(in, NULL, no_password, NULL);
    bool is_good = list && read_time(X509_CRL_get0_nextUpdate(list), to);
    X509_CRL_free(list);
    BIO_free(in);
    ERR_clear_error();
    return is_good ? ERR_NONE : ERR_SYNTAX;
}
