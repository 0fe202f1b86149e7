// SPDX-License-Identifier: Apache-2.0
// What an authority signs, and what is then read of it.

#include "services/admin/authority.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { NOW = 1768410000, DAY = 86400 };

static struct authority *own(const char *name)
{
    struct tls_key *key = tls_key_make();
    const struct authority_leaf self = {.serial = {1},
                                        .name = name,
                                        .addresses = "",
                                        .from = NOW - DAY,
                                        .to = NOW + 100 * DAY,
                                        .key = key};
    return authority_make(&self, key);
}

static X509 *x509_of(const char *pem)
{
    BIO *in = BIO_new_mem_buf(pem, -1);
    X509 *x509 = PEM_read_bio_X509(in, NULL, NULL, NULL);
    BIO_free(in);
    cr_assert_not_null(x509);
    return x509;
}

// 0, or why OpenSSL does not trust this certificate for that purpose, with a list where given.
static int verify(struct authority *authority, const char *pem, int purpose, const char *list,
                  int64_t at)
{
    char *authority_pem = authority_certificate(authority);
    X509 *root = x509_of(authority_pem), *leaf = x509_of(pem);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_add_cert(store, root);
    if (list) {
        BIO *in = BIO_new_mem_buf(list, -1);
        X509_CRL *crl = PEM_read_bio_X509_CRL(in, NULL, NULL, NULL);
        cr_assert_not_null(crl);
        X509_STORE_add_crl(store, crl);
        X509_CRL_free(crl);
        BIO_free(in);
    }
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509_STORE_CTX_init(context, store, leaf, NULL);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time(param, (time_t)at);
    X509_VERIFY_PARAM_set_purpose(param, purpose);
    X509_VERIFY_PARAM_set_flags(param,
                                X509_V_FLAG_X509_STRICT | (list ? X509_V_FLAG_CRL_CHECK : 0));
    int fault = X509_verify_cert(context) == 1 ? 0 : X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(root);
    X509_free(leaf);
    free(authority_pem);
    return fault;
}

static char *issue(struct authority *authority, uint8_t serial, const char *addresses,
                   struct tls_key *key)
{
    const struct authority_leaf leaf = {.serial = {serial, 2, 3},
                                        .name = "E1",
                                        .addresses = addresses,
                                        .from = NOW,
                                        .to = NOW + 10 * DAY,
                                        .key = key};
    return authority_issue(authority, &leaf);
}

Test(authority, signs_for_clients)
{
    struct authority *ours = own("own"), *other = own("own");
    struct tls_key *key = tls_key_make(), *another = tls_key_make();
    char *pem = issue(ours, 7, "", key);
    cr_expect_eq(verify(ours, pem, X509_PURPOSE_SSL_CLIENT, NULL, NOW + DAY), 0);
    cr_expect_eq(verify(ours, pem, X509_PURPOSE_SSL_SERVER, NULL, NOW + DAY),
                 X509_V_ERR_INVALID_PURPOSE);
    cr_expect_eq(verify(ours, pem, X509_PURPOSE_SSL_CLIENT, NULL, NOW + 11 * DAY),
                 X509_V_ERR_CERT_HAS_EXPIRED);
    cr_expect_neq(verify(other, pem, X509_PURPOSE_SSL_CLIENT, NULL, NOW + DAY), 0,
                  "another authority of the same name");

    struct certificate facts;
    cr_assert_eq(certificate_read(pem, strlen(pem), &facts), ERR_NONE);
    cr_expect_str_eq(facts.name, "E1");
    cr_expect_str_eq(facts.serial, "07020300000000000000000000000000");
    cr_expect_eq(facts.from, NOW);
    cr_expect_eq(facts.to, NOW + 10 * DAY);
    cr_expect_not(facts.is_authority);
    cr_expect(certificate_is_of(pem, strlen(pem), key));
    cr_expect_not(certificate_is_of(pem, strlen(pem), another));

    char *one = authority_certificate(other), *two = authority_certificate(ours);
    char both[8192];
    snprintf(both, sizeof both, "%s%s", one, two);
    cr_expect(certificate_is_signed_by(pem, strlen(pem), both, strlen(both)), "the second of two");
    cr_expect_not(certificate_is_signed_by(pem, strlen(pem), one, strlen(one)));
    cr_expect_not(certificate_is_signed_by(pem, strlen(pem), pem, strlen(pem)), "no authority");
    cr_expect(authority_facts(ours).is_authority);
    free(one);
    free(two);
    free(pem);
    tls_key_free(key);
    tls_key_free(another);
    authority_free(ours);
    authority_free(other);
}

Test(authority, signs_for_servers)
{
    struct authority *ours = own("own");
    struct tls_key *key = tls_key_make();
    char *pem = issue(ours, 7, "vps1.test,  192.0.2.1 ::1", key);
    cr_expect_eq(verify(ours, pem, X509_PURPOSE_SSL_SERVER, NULL, NOW), 0);
    cr_expect_neq(verify(ours, pem, X509_PURPOSE_SSL_CLIENT, NULL, NOW), 0);
    X509 *x509 = x509_of(pem);
    cr_expect_eq(X509_check_host(x509, "vps1.test", 0, 0, NULL), 1);
    cr_expect_eq(X509_check_ip_asc(x509, "192.0.2.1", 0), 1);
    cr_expect_eq(X509_check_ip_asc(x509, "::1", 0), 1);
    cr_expect_neq(X509_check_host(x509, "vps2.test", 0, 0, NULL), 1);
    cr_expect_neq(X509_check_ip_asc(x509, "192.0.2.2", 0), 1);
    X509_free(x509);
    free(pem);
    tls_key_free(key);
    authority_free(ours);
}

Test(authority, makes_no_other_authority)
{
    struct authority *ours = own("own");
    struct tls_key *key = tls_key_make();
    char *pem = issue(ours, 7, "", key);
    cr_expect_null(authority_of(pem, strlen(pem), key), "what it signed is none");
    char *self = authority_certificate(ours);
    cr_expect_null(authority_of(self, strlen(self), key), "nor another's certificate");
    X509 *x509 = x509_of(self);
    cr_expect_eq(X509_get_pathlen(x509), 0);
    cr_expect_eq(X509_get_key_usage(x509), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    X509_free(x509);
    free(self);
    free(pem);
    tls_key_free(key);
    authority_free(ours);
}

Test(authority, lists_what_is_revoked)
{
    struct authority *ours = own("own");
    struct tls_key *key = tls_key_make();
    char *good = issue(ours, 7, "", key), *bad = issue(ours, 8, "", key);
    const struct authority_revoked revoked[] = {{{8, 2, 3}, NOW + DAY}};
    char *list = authority_list(ours, revoked, 1, 5, NOW + DAY, NOW + 3 * DAY);
    int64_t to = 0;
    cr_assert_eq(certificate_list_read(list, strlen(list), &to), ERR_NONE);
    cr_expect_eq(to, NOW + 3 * DAY);
    cr_expect_eq(certificate_list_read(good, strlen(good), &to), ERR_SYNTAX);
    cr_expect_eq(verify(ours, good, X509_PURPOSE_SSL_CLIENT, list, NOW + 2 * DAY), 0);
    cr_expect_eq(verify(ours, bad, X509_PURPOSE_SSL_CLIENT, list, NOW + 2 * DAY),
                 X509_V_ERR_CERT_REVOKED);
    cr_expect_eq(verify(ours, good, X509_PURPOSE_SSL_CLIENT, list, NOW + 4 * DAY),
                 X509_V_ERR_CRL_HAS_EXPIRED);
    free(good);
    free(bad);
    free(list);
    tls_key_free(key);
    authority_free(ours);
}

struct addresses {
    char text[80];
    bool is_sound;
};

ParameterizedTestParameters(authority, judges_addresses)
{
    static struct addresses cases[] = {
        {"vps1.example.org", true},
        {"localhost,127.0.0.1", true},
        {" a  b, c ", true},
        {"2001:db8::1", true},
        {"1a.nl", true},
        {"", false},
        {" , ", false},
        {"*.example.org", false},
        {"a..b", false},
        {"a.", false},
        {"-a", false},
        {"a-", false},
        {"300.1.1.1", false},
        {"a_b", false},
        {"DNS:a", false},
        {"a\nb", false},
        {"a;b", false},
        {"\xc3\xa9.nl", false},
        {"1,2,3,4,5", false},
        {"a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p", true},
        {"a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", false},
        {"abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcd", false},
    };
    return cr_make_param_array(struct addresses, cases, COUNT(cases));
}

ParameterizedTest(struct addresses *c, authority, judges_addresses)
{
    cr_expect_eq(!authority_addresses_fault(c->text), c->is_sound, "\"%s\"", c->text);
}
