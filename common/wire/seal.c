// SPDX-License-Identifier: Apache-2.0

#include "wire/seal.h"
#include "base/base64url.h"
#include "base/log.h"
#include "base/memory.h"

#include <assert.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOMAIN "socmod long message 1"
#define HEADER "{\"Header\":{"
#define SIG ",\"Sig\":\""
enum {
    SIGNATURE_TEXT = BASE64URL_LEN(SEAL_SIGNATURE),
    TAIL = sizeof SIG - 1 + SIGNATURE_TEXT + 2, // with "}
    SEQ_ROOM = 24,                              // ,"Seq": and 16 digits
    SIGNED_MAX = sizeof DOMAIN + SEAL_EQUIPMENT_MAX + 1 + LONG_MESSAGE_MAX,
};

struct seal_key {
    EVP_PKEY *pkey;
};

// The library fails only where memory does.
static void must_work(bool works)
{
    if (!works) // GCOVR_EXCL_BR_LINE
        log_fatal("seal.unavailable", F("algorithm", "Ed25519"));
}

static void *must(void *got)
{
    must_work(got != NULL);
    return got;
}

enum err seal_public_parse(const char *text, struct seal_public *key)
{
    return base64url_decode(text, strlen(text), key->octets, sizeof key->octets);
}

void seal_public_format(const struct seal_public *key, char text[static SEAL_KEY_TEXT + 1])
{
    base64url_encode(key->octets, sizeof key->octets, text);
    text[SEAL_KEY_TEXT] = '\0';
}

static struct seal_key *own(EVP_PKEY *pkey)
{
    struct seal_key *key = memory_new(1, sizeof *key);
    key->pkey = pkey;
    return key;
}

struct seal_key *seal_key_make(void)
{
    return own(must(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")));
}

void seal_key_free(struct seal_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->pkey); // overwrites it
    free(key);
}

// No password is asked for: a daemon has nobody to ask.
static int no_password(char *room, int size, int writing, void *arg)
{
    (void)room, (void)size, (void)writing, (void)arg;
    return -1;
}

enum err seal_key_parse(const char *pem, size_t len, struct seal_key **key)
{
    BIO *in = must(BIO_new_mem_buf(pem, (int)len));
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(in, NULL, no_password, NULL);
    BIO_free(in);
    if (!pkey || !EVP_PKEY_is_a(pkey, "ED25519")) {
        EVP_PKEY_free(pkey);
        return ERR_SYNTAX;
    }
    *key = own(pkey);
    return ERR_NONE;
}

char *seal_key_format(const struct seal_key *key)
{
    BIO *out = must(BIO_new(BIO_s_secmem()));
    must_work(PEM_write_bio_PKCS8PrivateKey(out, key->pkey, NULL, NULL, 0, NULL, NULL) == 1);
    char *octets;
    size_t len = (size_t)BIO_get_mem_data(out, &octets);
    char *pem = memory_text_n(octets, len);
    BIO_free(out);
    return pem;
}

struct seal_public seal_key_public(const struct seal_key *key)
{
    struct seal_public public;
    size_t len = sizeof public.octets;
    must_work(EVP_PKEY_get_raw_public_key(key->pkey, public.octets, &len) == 1);
    return public;
}

// What is signed. The identifier cannot hold the NUL behind it, so no two pairs give the same.
static size_t compose(const char *text, size_t len, const char *equipment_id,
                      char message[static SIGNED_MAX])
{
    size_t id_len = strlen(equipment_id) + 1;
    assert(id_len <= SEAL_EQUIPMENT_MAX + 1 && len <= LONG_MESSAGE_MAX);
    memcpy(message, DOMAIN, sizeof DOMAIN);
    memcpy(message + sizeof DOMAIN, equipment_id, id_len);
    memcpy(message + sizeof DOMAIN + id_len, text, len);
    return sizeof DOMAIN + id_len + len;
}

void seal_sign(const struct seal_key *key, const char *text, size_t len,
               uint8_t signature[static SEAL_SIGNATURE])
{
    size_t size = SEAL_SIGNATURE;
    EVP_MD_CTX *context = must(EVP_MD_CTX_new());
    must_work(EVP_DigestSignInit(context, NULL, NULL, NULL, key->pkey) == 1);
    must_work(EVP_DigestSign(context, signature, &size, (const uint8_t *)text, len) == 1);
    EVP_MD_CTX_free(context);
}

bool seal_signed(const char *text, size_t len, const uint8_t signature[static SEAL_SIGNATURE],
                 const struct seal_public *key)
{
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->octets, SEAL_KEY);
    EVP_MD_CTX *context = must(EVP_MD_CTX_new());
    must_work(EVP_DigestVerifyInit(context, NULL, NULL, NULL, must(pkey)) == 1);
    bool is_true =
        EVP_DigestVerify(context, signature, SEAL_SIGNATURE, (const uint8_t *)text, len) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(pkey);
    return is_true;
}

static void sign(const struct seal_key *key, const char *text, size_t len, const char *equipment_id,
                 uint8_t signature[static SEAL_SIGNATURE])
{
    char message[SIGNED_MAX];
    seal_sign(key, message, compose(text, len, equipment_id, message), signature);
}

// Is this as long_message_write() writes it? Its header holds no braces.
static const char *end_of_header(const char *text, size_t len)
{
    if (len <= strlen(HEADER) || memcmp(text, HEADER, strlen(HEADER)) != 0 || text[len - 1] != '}'
        || memmem(text, len, "\"Seq\"", 5) || memmem(text, len, "\"Sig\"", 5))
        return NULL;
    const char *end = memchr(text, '}', len - 1);
    return end && end > text + strlen(HEADER) ? end : NULL;
}

enum err seal_write(const char *text, size_t len, int64_t seq, const char *equipment_id,
                    const struct seal_key *key, char sealed[static LONG_MESSAGE_MAX + 1])
{
    if (seq < 1 || seq > LONG_MESSAGE_SEQ_MAX)
        return ERR_RANGE;
    if (strlen(equipment_id) > SEAL_EQUIPMENT_MAX || len > LONG_MESSAGE_MAX)
        return ERR_SIZE;
    const char *header_end = end_of_header(text, len);
    if (!header_end)
        return ERR_SYNTAX;
    char number[SEQ_ROOM];
    size_t number_len = (size_t)snprintf(number, sizeof number, ",\"Seq\":%lld", (long long)seq);
    size_t body_len = len - 1 + number_len; // without the last '}'
    if (body_len + TAIL > LONG_MESSAGE_MAX)
        return ERR_SIZE;

    size_t head = (size_t)(header_end - text);
    char room[LONG_MESSAGE_MAX];
    memcpy(room, text, head);
    memcpy(room + head, number, number_len);
    memcpy(room + head + number_len, header_end, len - 1 - head);
    uint8_t signature[SEAL_SIGNATURE];
    sign(key, room, body_len, equipment_id, signature);
    memcpy(sealed, room, body_len);
    char *at = mempcpy(sealed + body_len, SIG, strlen(SIG));
    base64url_encode(signature, sizeof signature, at);
    memcpy(at + SIGNATURE_TEXT, "\"}", sizeof "\"}");
    return ERR_NONE;
}

enum err seal_read(const char *text, size_t len, struct seal *seal)
{
    if (len <= TAIL || len > LONG_MESSAGE_MAX)
        return ERR_SYNTAX;
    const char *tail = text + len - TAIL, *signature = tail + strlen(SIG);
    if (memcmp(tail, SIG, strlen(SIG)) != 0 || memcmp(text + len - 2, "\"}", 2) != 0
        || base64url_decode(signature, SIGNATURE_TEXT, seal->signature, SEAL_SIGNATURE))
        return ERR_SYNTAX;
    seal->signed_len = len - TAIL;
    return ERR_NONE;
}

bool seal_is_true(const char *text, const struct seal *seal, const char *equipment_id,
                  const struct seal_public *key)
{
    if (strlen(equipment_id) > SEAL_EQUIPMENT_MAX)
        return false;
    char message[SIGNED_MAX];
    size_t len = compose(text, seal->signed_len, equipment_id, message);
    return seal_signed(message, len, seal->signature, key);
}
