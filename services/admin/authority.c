// SPDX-License-Identifier: Apache-2.0

#include "services/admin/authority.h"
#include "base/memory.h"
#include "wire/must.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char between[] = ", ";

struct authority {
    X509 *x509;
    struct tls_key *key;
};

// --- addresses ---

static bool is_ip(const char *address)
{
    unsigned char octets[16];
    return inet_pton(AF_INET, address, octets) == 1 || inet_pton(AF_INET6, address, octets) == 1;
}

// Labels of letters, digits and dashes, RFC 1123; not all digits, which would be an address.
static bool is_host(const char *address)
{
    bool has_letter = false;
    for (const char *label = address; label;) {
        size_t len = strcspn(label, ".");
        if (len < 1 || len > 63 || label[0] == '-' || label[len - 1] == '-')
            return false;
        for (size_t i = 0; i < len; i++) {
            if (!isascii(label[i]) || (!isalnum(label[i]) && label[i] != '-'))
                return false;
            has_letter = has_letter || isalpha(label[i]);
        }
        label = label[len] ? label + len + 1 : NULL;
    }
    return has_letter;
}

// The next of addresses; false: there is none any more, or it is too long, which one tells from
// *rest.
static bool next_address(const char **rest, char address[static AUTHORITY_ADDRESS + 1])
{
    *rest += strspn(*rest, between);
    size_t len = strcspn(*rest, between);
    if (!len || len > AUTHORITY_ADDRESS)
        return false;
    memcpy(address, *rest, len);
    address[len] = '\0';
    *rest += len;
    return true;
}

const char *authority_addresses_fault(const char *addresses)
{
    char address[AUTHORITY_ADDRESS + 1];
    int count = 0;
    for (; next_address(&addresses, address); count++)
        if (!is_ip(address) && !is_host(address))
            return "an address is no IP address and no name of a host (without wildcards)";
    if (*addresses)
        return "an address is longer than 253 characters";
    if (count < 1 || count > AUTHORITY_ADDRESSES)
        return "there must be 1 to 16 addresses";
    return NULL;
}

// As the library wants it: "DNS:host,IP:192.0.2.1". Owned: free().
static char *alternative_names(const char *addresses)
{
    char address[AUTHORITY_ADDRESS + 1];
    char *text = memory_text("");
    while (next_address(&addresses, address)) {
        char *longer = memory_format("%s%s%s:%s", text, *text ? "," : "",
                                     is_ip(address) ? "IP" : "DNS", address);
        free(text);
        text = longer;
    }
    return text;
}

// --- certificates ---

static void set_time(ASN1_TIME *time, int64_t utc)
{
    must(ASN1_TIME_set(time, (time_t)utc));
}

static ASN1_INTEGER *serial_of(const uint8_t serial[static AUTHORITY_SERIAL])
{
    assert(serial[0] > 0 && serial[0] < 128);
    BIGNUM *number = must(BN_bin2bn(serial, AUTHORITY_SERIAL, NULL));
    ASN1_INTEGER *as_asn1 = must(BN_to_ASN1_INTEGER(number, NULL));
    BN_free(number);
    return as_asn1;
}

static void add_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = must(X509V3_EXT_conf_nid(NULL, &context, nid, value));
    must_work(X509_add_ext(x509, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static X509 *begin(const struct authority_leaf *leaf)
{
    assert(tls_name_is_sound(leaf->name));
    X509 *x509 = must(X509_new());
    ASN1_INTEGER *serial = serial_of(leaf->serial);
    must_work(X509_set_version(x509, X509_VERSION_3) == 1
              && X509_set_serialNumber(x509, serial) == 1
              && X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                                            (const unsigned char *)leaf->name, -1, -1, 0)
                     == 1
              && X509_set_pubkey(x509, tls_key_raw(leaf->key)) == 1);
    ASN1_INTEGER_free(serial);
    set_time(X509_getm_notBefore(x509), leaf->from);
    set_time(X509_getm_notAfter(x509), leaf->to);
    return x509;
}

struct authority *authority_make(const struct authority_leaf *self, struct tls_key *key)
{
    struct authority *authority = memory_new(1, sizeof *authority);
    X509 *x509 = authority->x509 = begin(self);
    must_work(X509_set_issuer_name(x509, X509_get_subject_name(x509)) == 1);
    add_extension(x509, x509, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    add_extension(x509, x509, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(x509, x509, NID_subject_key_identifier, "hash");
    must_work(X509_sign(x509, tls_key_raw(key), EVP_sha256()) > 0);
    authority->key = key;
    return authority;
}

struct authority *authority_of(const char *pem, size_t len, struct tls_key *key)
{
    BIO *in = must(BIO_new_mem_buf(pem, (int)len));
    X509 *x509 = PEM_read_bio_X509(in, NULL, NULL, NULL);
    BIO_free(in);
    EVP_PKEY *pkey = x509 ? X509_get0_pubkey(x509) : NULL;
    bool is_ours = pkey && X509_check_ca(x509) == 1 && EVP_PKEY_eq(pkey, tls_key_raw(key)) == 1;
    ERR_clear_error();
    if (!is_ours) {
        X509_free(x509);
        return NULL;
    }
    struct authority *authority = memory_new(1, sizeof *authority);
    *authority = (struct authority){x509, key};
    return authority;
}

void authority_free(struct authority *authority)
{
    if (!authority)
        return;
    X509_free(authority->x509);
    tls_key_free(authority->key);
    free(authority);
}

static char *pem_of(X509 *x509)
{
    char *octets;
    BIO *out = must(BIO_new(BIO_s_mem()));
    must_work(PEM_write_bio_X509(out, x509) == 1);
    size_t len = (size_t)BIO_get_mem_data(out, &octets);
    char *pem = memory_text_n(octets, len);
    BIO_free(out);
    return pem;
}

char *authority_certificate(const struct authority *authority)
{
    return pem_of(authority->x509);
}

struct certificate authority_facts(const struct authority *authority)
{
    struct certificate facts;
    char *pem = pem_of(authority->x509);
    must_work(certificate_read(pem, strlen(pem), &facts) == ERR_NONE);
    free(pem);
    return facts;
}

char *authority_issue(const struct authority *authority, const struct authority_leaf *leaf)
{
    X509 *x509 = begin(leaf);
    must_work(X509_set_issuer_name(x509, X509_get_subject_name(authority->x509)) == 1);
    add_extension(x509, authority->x509, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(x509, authority->x509, NID_key_usage, "critical,digitalSignature");
    add_extension(x509, authority->x509, NID_ext_key_usage,
                  *leaf->addresses ? "serverAuth" : "clientAuth");
    add_extension(x509, authority->x509, NID_subject_key_identifier, "hash");
    add_extension(x509, authority->x509, NID_authority_key_identifier, "keyid:always");
    if (*leaf->addresses) {
        char *names = alternative_names(leaf->addresses);
        add_extension(x509, authority->x509, NID_subject_alt_name, names);
        free(names);
    }
    must_work(X509_sign(x509, tls_key_raw(authority->key), EVP_sha256()) > 0);
    char *pem = pem_of(x509);
    X509_free(x509);
    return pem;
}

// --- the list of revoked ones ---

static void add_revoked(X509_CRL *list, const struct authority_revoked *revoked)
{
    X509_REVOKED *entry = must(X509_REVOKED_new());
    ASN1_INTEGER *serial = serial_of(revoked->serial);
    ASN1_TIME *at = must(ASN1_TIME_set(NULL, (time_t)revoked->at));
    must_work(X509_REVOKED_set_serialNumber(entry, serial) == 1
              && X509_REVOKED_set_revocationDate(entry, at) == 1
              && X509_CRL_add0_revoked(list, entry) == 1);
    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(at);
}

static void add_list_extension(X509_CRL *list, X509 *issuer, int64_t number)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, NULL, NULL, list, 0);
    X509_EXTENSION *keyid =
        must(X509V3_EXT_conf_nid(NULL, &context, NID_authority_key_identifier, "keyid:always"));
    must_work(X509_CRL_add_ext(list, keyid, -1) == 1);
    X509_EXTENSION_free(keyid);
    ASN1_INTEGER *as_asn1 = must(ASN1_INTEGER_new());
    must_work(ASN1_INTEGER_set_int64(as_asn1, number) == 1
              && X509_CRL_add1_ext_i2d(list, NID_crl_number, as_asn1, 0, 0) == 1);
    ASN1_INTEGER_free(as_asn1);
}

char *authority_list(const struct authority *authority, const struct authority_revoked *revoked,
                     size_t count, int64_t number, int64_t from, int64_t to)
{
    X509_CRL *list = must(X509_CRL_new());
    ASN1_TIME *at = must(ASN1_TIME_set(NULL, (time_t)from));
    must_work(X509_CRL_set_version(list, X509_CRL_VERSION_2) == 1
              && X509_CRL_set_issuer_name(list, X509_get_subject_name(authority->x509)) == 1
              && X509_CRL_set1_lastUpdate(list, at) == 1);
    set_time(at, to);
    must_work(X509_CRL_set1_nextUpdate(list, at) == 1);
    ASN1_TIME_free(at);
    for (size_t i = 0; i < count; i++)
        add_revoked(list, &revoked[i]);
    add_list_extension(list, authority->x509, number);
    must_work(X509_CRL_sort(list) == 1
              && X509_CRL_sign(list, tls_key_raw(authority->key), EVP_sha256()) > 0);
    char *octets;
    BIO *out = must(BIO_new(BIO_s_mem()));
    must_work(PEM_write_bio_X509_CRL(out, list) == 1);
    size_t len = (size_t)BIO_get_mem_data(out, &octets);
    char *pem = memory_text_n(octets, len);
    BIO_free(out);
    X509_CRL_free(list);
    return pem;
}
