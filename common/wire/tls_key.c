// SPDX-License-Identifier: Apache-2.0

#include "wire/tls_key.h"
#include "base/digest.h"
#include "base/memory.h"
#include "wire/must.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 600000, RSA_LEAST_BITS = 3072 };

struct tls_key {
    EVP_PKEY *pkey;
};

bool tls_name_is_sound(const char *name)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = strlen(name);
    return len > 0 && len <= TLS_NAME && strspn(name, letters) == len && !strchr(".-", *name);
}

static struct tls_key *own(EVP_PKEY *pkey)
{
    struct tls_key *key = memory_new(1, sizeof *key);
    key->pkey = pkey;
    return key;
}

struct tls_key *tls_key_make(void)
{
    return own(must(EVP_EC_gen("P-256")));
}

void tls_key_free(struct tls_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->pkey); // overwrites it
    free(key);
}

void *tls_key_raw(const struct tls_key *key)
{
    return key->pkey;
}

static bool is_taken(EVP_PKEY *pkey)
{
    char group[32];
    if (EVP_PKEY_is_a(pkey, "RSA"))
        return EVP_PKEY_get_bits(pkey) >= RSA_LEAST_BITS;
    return EVP_PKEY_is_a(pkey, "EC")
           && EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                             NULL)
           && (!strcmp(group, "prime256v1") || !strcmp(group, "secp384r1"));
}

static int give_passphrase(char *room, int size, int writing, void *arg)
{
    (void)writing;
    const char *passphrase = arg;
    size_t len = passphrase ? strlen(passphrase) : 0;
    if (!passphrase || len >= (size_t)size)
        return -1;
    memcpy(room, passphrase, len + 1);
    return (int)len;
}

enum err tls_key_parse(const char *pem, size_t len, const char *passphrase, struct tls_key **key)
{
    if (len > TLS_KEY_PEM)
        return ERR_SYNTAX;
    BIO *in = must(BIO_new_mem_buf(pem, (int)len));
    char *copy = passphrase ? memory_text(passphrase) : NULL;
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(in, NULL, give_passphrase, copy);
    if (copy)
        memory_wipe(copy, strlen(copy));
    free(copy);
    BIO_free(in);
    ERR_clear_error();
    if (!pkey)
        return ERR_SYNTAX;
    if (!is_taken(pkey)) {
        EVP_PKEY_free(pkey);
        return ERR_RANGE;
    }
    *key = own(pkey);
    return ERR_NONE;
}

static X509_SIG *encrypted(PKCS8_PRIV_KEY_INFO *plain, const char *passphrase)
{
    return must(PKCS8_encrypt(-1, EVP_aes_256_cbc(), passphrase, (int)strlen(passphrase), NULL, 0,
                              ROUNDS, plain));
}

char *tls_key_format(const struct tls_key *key, const char *passphrase)
{
    BIO *out = must(BIO_new(BIO_s_secmem()));
    PKCS8_PRIV_KEY_INFO *plain = must(EVP_PKEY2PKCS8(key->pkey));
    if (passphrase) {
        X509_SIG *hidden = encrypted(plain, passphrase);
        must_work(PEM_write_bio_PKCS8(out, hidden) == 1);
        X509_SIG_free(hidden);
    } else {
        must_work(PEM_write_bio_PKCS8_PRIV_KEY_INFO(out, plain) == 1);
    }
    PKCS8_PRIV_KEY_INFO_free(plain);
    char *octets;
    size_t len = (size_t)BIO_get_mem_data(out, &octets);
    char *pem = memory_text_n(octets, len);
    BIO_free(out);
    return pem;
}

void tls_key_fingerprint(const struct tls_key *key, char hex[static TLS_KEY_FINGERPRINT + 1])
{
    unsigned char *der = NULL, digest[TLS_KEY_FINGERPRINT / 2];
    int len = i2d_PUBKEY(key->pkey, &der);
    must_work(len > 0 && EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL) == 1);
    hex_format(digest, sizeof digest, hex, TLS_KEY_FINGERPRINT + 1);
    OPENSSL_free(der);
}

// --- requests ---

char *tls_request_write(const struct tls_key *key, const char *name)
{
    assert(tls_name_is_sound(name));
    X509_REQ *req = must(X509_REQ_new());
    must_work(X509_REQ_set_version(req, X509_REQ_VERSION_1) == 1
              && X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_ASC,
                                            (const unsigned char *)name, -1, -1, 0)
                     == 1
              && X509_REQ_set_pubkey(req, key->pkey) == 1
              && X509_REQ_sign(req, key->pkey, EVP_sha256()) > 0);
    BIO *out = must(BIO_new(BIO_s_mem()));
    must_work(PEM_write_bio_X509_REQ(out, req) == 1);
    X509_REQ_free(req);
    char *octets;
    size_t len = (size_t)BIO_get_mem_data(out, &octets);
    char *pem = memory_text_n(octets, len);
    BIO_free(out);
    return pem;
}

static const char *read_name(const X509_REQ *req, char name[static TLS_NAME + 1])
{
    X509_NAME *subject = X509_REQ_get_subject_name(req);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
        return "its subject has not one common name";
    const ASN1_STRING *text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    int len = ASN1_STRING_length(text);
    if (len > TLS_NAME || memchr(ASN1_STRING_get0_data(text), '\0', (size_t)len))
        return "its common name is not 1 to 64 letters, digits, . - _";
    memcpy(name, ASN1_STRING_get0_data(text), (size_t)len);
    name[len] = '\0';
    return tls_name_is_sound(name) ? NULL : "its common name is not 1 to 64 letters, digits, . - _";
}

static const char *judge(X509_REQ *req, struct tls_request *request)
{
    struct tls_request got = {.key = NULL};
    EVP_PKEY *pkey = X509_REQ_get0_pubkey(req);
    if (!pkey)
        return "its key cannot be read";
    if (!is_taken(pkey))
        return "its key is none of EC P-256, EC P-384, RSA from 3072 bits";
    if (X509_REQ_verify(req, pkey) != 1)
        return "it is not signed with the key that it shows, so who sent it need not have that key";
    const char *why = read_name(req, got.name);
    if (why)
        return why;
    must_work(EVP_PKEY_up_ref(pkey) == 1);
    got.key = own(pkey);
    *request = got;
    return NULL;
}

const char *tls_request_read(const char *pem, size_t len, struct tls_request *request)
{
    if (len > TLS_KEY_PEM)
        return "it is too long for a request";
    BIO *in = must(BIO_new_mem_buf(pem, (int)len));
    X509_REQ *req = PEM_read_bio_X509_REQ(in, NULL, give_passphrase, NULL);
    BIO_free(in);
    const char *why = req ? judge(req, request) : "it is no certificate request in PEM";
    X509_REQ_free(req);
    ERR_clear_error();
    return why;
}
