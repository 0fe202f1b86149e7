// SPDX-License-Identifier: Apache-2.0

#include "base/memory.h"
#include "wire/tls_key.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct name {
    char text[80];
    bool is_sound;
    char why[40];
};

ParameterizedTestParameters(tls_key, tells_a_sound_name)
{
    static struct name names[] = {
        {"E0051000000000001", true, "a meter"},
        {"socmod-p3", true, "a program"},
        {"vps1.example.org", true, "a host"},
        {"x", true, "one letter"},
        {"1234567890123456789012345678901234567890123456789012345678901234", true, "64"},
        {"12345678901234567890123456789012345678901234567890123456789012345", false, "65"},
        {"", false, "none"},
        {"a/b", false, "a level of topics, and another folder"},
        {"..", false, "another folder"},
        {"-x", false, "an option"},
        {"a+", false, "a wildcard of topics"},
        {"#", false, "another"},
        {"a b", false, "a blank"},
        {"a\nb", false, "a line break"},
        {"a,b", false, "a column"},
        {"\xc3\xa9", false, "no ASCII"},
        {"%u", false, "a pattern of the broker"},
    };
    return cr_make_param_array(struct name, names, COUNT(names));
}

ParameterizedTest(struct name *c, tls_key, tells_a_sound_name)
{
    cr_expect_eq(tls_name_is_sound(c->text), c->is_sound, "%s", c->why);
}

Test(tls_key, comes_back_from_its_file)
{
    char one[TLS_KEY_FINGERPRINT + 1], two[TLS_KEY_FINGERPRINT + 1];
    struct tls_key *key = tls_key_make(), *back = NULL;
    tls_key_fingerprint(key, one);
    static const char *const phrases[] = {NULL, "a pass phrase"};
    for (size_t i = 0; i < COUNT(phrases); i++) {
        char *pem = tls_key_format(key, phrases[i]);
        cr_expect_eq(!strstr(pem, "ENCRYPTED"), !phrases[i]);
        cr_assert_eq(tls_key_parse(pem, strlen(pem), phrases[i], &back), ERR_NONE);
        tls_key_fingerprint(back, two);
        cr_expect_str_eq(one, two);
        tls_key_free(back);
        back = NULL;
        if (phrases[i]) {
            cr_expect_eq(tls_key_parse(pem, strlen(pem), NULL, &back), ERR_SYNTAX);
            cr_expect_eq(tls_key_parse(pem, strlen(pem), "another", &back), ERR_SYNTAX);
        }
        cr_expect_eq(tls_key_parse(pem, strlen(pem) / 2, phrases[i], &back), ERR_SYNTAX);
        cr_expect_null(back);
        free(pem);
    }
    tls_key_free(key);
    cr_expect_eq(tls_key_parse("", 0, NULL, &back), ERR_SYNTAX);
}

Test(tls_key, request_comes_back)
{
    char one[TLS_KEY_FINGERPRINT + 1], two[TLS_KEY_FINGERPRINT + 1];
    struct tls_key *key = tls_key_make();
    struct tls_request request;
    char *pem = tls_request_write(key, "E0051000000000001");
    const char *why = tls_request_read(pem, strlen(pem), &request);
    cr_assert_null(why, "%s", why);
    cr_expect_str_eq(request.name, "E0051000000000001");
    tls_key_fingerprint(key, one);
    tls_key_fingerprint(request.key, two);
    cr_expect_str_eq(one, two);
    tls_key_free(request.key);
    tls_key_free(key);
    free(pem);
}

// Requests of others, with what the standard allows and we do not take.
struct asked {
    char kind[16]; // of the key: a curve, or so many bits of RSA
    char names[2][80];
    bool is_forged; // signed with another key
    char why[64];   // what the refusal says; "": none
};

static EVP_PKEY *key_of(const char *kind)
{
    if (atoi(kind) > 0)
        return EVP_RSA_gen((unsigned)atoi(kind));
    return !strcmp(kind, "ED25519") ? EVP_PKEY_Q_keygen(NULL, NULL, kind) : EVP_EC_gen(kind);
}

static char *request_of(const struct asked *asked)
{
    X509_REQ *req = X509_REQ_new();
    EVP_PKEY *key = key_of(asked->kind), *other = key_of(asked->kind);
    cr_assert(key && other, "%s", asked->kind);
    for (int i = 0; i < 2; i++)
        if (*asked->names[i])
            X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(req), NID_commonName,
                                       MBSTRING_UTF8, (const unsigned char *)asked->names[i], -1,
                                       -1, 0);
    X509_REQ_set_pubkey(req, key);
    const EVP_MD *digest = strcmp(asked->kind, "ED25519") != 0 ? EVP_sha256() : NULL;
    cr_assert_gt(X509_REQ_sign(req, asked->is_forged ? other : key, digest), 0);
    char *octets;
    BIO *out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509_REQ(out, req);
    size_t len = (size_t)BIO_get_mem_data(out, &octets);
    char *pem = memory_text_n(octets, len);
    BIO_free(out);
    X509_REQ_free(req);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    return pem;
}

ParameterizedTestParameters(tls_key, judges_requests)
{
    static struct asked asked[] = {
        {"P-256", {"E1"}, false, ""},
        {"P-384", {"E1"}, false, ""},
        {"3072", {"E1"}, false, ""},
        {"2048", {"E1"}, false, "none of EC P-256"},
        {"P-224", {"E1"}, false, "none of EC P-256"},
        {"secp256k1", {"E1"}, false, "none of EC P-256"},
        {"ED25519", {"E1"}, false, "none of EC P-256"},
        {"P-256", {"E1"}, true, "not signed with the key"},
        {"P-256", {""}, false, "not one common name"},
        {"P-256", {"E1", "E2"}, false, "not one common name"},
        {"P-256", {"E1/receipt"}, false, "letters, digits"},
        {"P-256", {"\xc3\xa9"}, false, "letters, digits"},
    };
    return cr_make_param_array(struct asked, asked, COUNT(asked));
}

ParameterizedTest(struct asked *c, tls_key, judges_requests)
{
    struct tls_request request = {.key = NULL};
    char *pem = request_of(c);
    const char *why = tls_request_read(pem, strlen(pem), &request);
    cr_expect_eq(!why, !*c->why, "%s %s: %s", c->kind, c->names[0], why);
    cr_expect(!*c->why || (why && strstr(why, c->why)), "%s: %s", c->why, why);
    cr_expect_eq(!why, request.key != NULL);
    tls_key_free(request.key);
    free(pem);
}

Test(tls_key, request_is_none)
{
    struct tls_request request = {.key = NULL};
    cr_expect(strstr(tls_request_read("", 0, &request), "no certificate request"));
    static char long_text[TLS_KEY_PEM + 1];
    cr_expect(strstr(tls_request_read(long_text, sizeof long_text, &request), "too long"));
    cr_expect_null(request.key);
}
