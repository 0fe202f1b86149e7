// SPDX-License-Identifier: Apache-2.0

#include "wire/cipher.h"
#include "base/log.h"
#include "base/memory.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { NONCE_LEN = CIPHER_TITLE_LEN + 4, DEDICATED = 8 };

struct cipher {
    EVP_CIPHER *algorithm;
    EVP_CIPHER_CTX *context;
};

// First octet of an APDU, and its tag under the global key; has_dedicated: there is one under
// the dedicated key too.
static const struct {
    uint8_t first, global;
    bool has_dedicated;
} tags[] = {
    {0x01, 0x21, false}, {0x08, 0x28, false}, {0xc0, 0xc8, true}, {0xc1, 0xc9, true},
    {0xc3, 0xcb, true},  {0xc4, 0xcc, true},  {0xc5, 0xcd, true}, {0xc7, 0xcf, true},
};
enum { TAGS = sizeof tags / sizeof *tags };

static void insist(int done)
{
    if (done <= 0)
        log_fatal("cipher.failed", F("why", "OpenSSL does not do AES-128-GCM"));
}

struct cipher *cipher_new(void)
{
    struct cipher *cipher = memory_new(1, sizeof *cipher);
    cipher->algorithm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    cipher->context = EVP_CIPHER_CTX_new();
    insist(cipher->algorithm && cipher->context);
    return cipher;
}

void cipher_free(struct cipher *cipher)
{
    if (!cipher)
        return;
    EVP_CIPHER_CTX_free(cipher->context);
    EVP_CIPHER_free(cipher->algorithm);
    free(cipher);
}

enum cipher_key_kind cipher_kind(uint8_t tag)
{
    for (int i = 0; i < TAGS; i++) {
        if (tags[i].global == tag)
            return CIPHER_GLOBAL;
        if (tags[i].has_dedicated && tags[i].global + DEDICATED == tag)
            return CIPHER_DEDICATED;
    }
    return CIPHER_UNPROTECTED;
}

uint8_t cipher_global_tag(uint8_t first)
{
    for (int i = 0; i < TAGS; i++)
        if (tags[i].first == first)
            return tags[i].global;
    return 0;
}

size_t cipher_sealed_len(size_t len)
{
    size_t body = CIPHER_HEAD_LEN + len + CIPHER_TAG_LEN;
    return 1 + tlv_len_size(body) + body;
}

// Begin one operation: direction 1 seals, 0 opens. Then SC, key and clear are authenticated.
static void begin(struct cipher *cipher, const struct cipher_keys *keys, const uint8_t *title,
                  uint8_t control, uint32_t counter, int direction, struct octets clear)
{
    uint8_t nonce[NONCE_LEN];
    struct cursor out = cursor_writer(nonce, sizeof nonce);
    cursor_put(&out, title, CIPHER_TITLE_LEN);
    cursor_put_u32(&out, counter);
    insist(EVP_CipherInit_ex2(cipher->context, cipher->algorithm, keys->encryption, nonce,
                              direction, NULL));
    if (!(control & CIPHER_AUTHENTICATED))
        return;
    uint8_t head[1 + CIPHER_KEY_LEN];
    head[0] = control;
    memcpy(head + 1, keys->authentication, CIPHER_KEY_LEN);
    int done;
    insist(EVP_CipherUpdate(cipher->context, NULL, &done, head, sizeof head));
    memory_wipe(head, sizeof head);
    if (clear.len)
        insist(EVP_CipherUpdate(cipher->context, NULL, &done, clear.at, (int)clear.len));
}

static void run(struct cipher *cipher, struct octets from, uint8_t *to)
{
    int done;
    if (from.len)
        insist(EVP_CipherUpdate(cipher->context, to, &done, from.at, (int)from.len));
}

// The key must not stay in the context.
static void end(struct cipher *cipher)
{
    EVP_CIPHER_CTX_reset(cipher->context);
}

static void take_tag(struct cipher *cipher, uint8_t tag[static CIPHER_TAG_LEN])
{
    int done;
    uint8_t none[1];
    insist(EVP_CipherFinal_ex(cipher->context, none, &done));
    insist(EVP_CIPHER_CTX_ctrl(cipher->context, EVP_CTRL_AEAD_GET_TAG, CIPHER_TAG_LEN, tag));
    end(cipher);
}

// The comparison takes the same time wherever they differ: it is OpenSSL's.
static bool has_tag(struct cipher *cipher, const uint8_t *tag)
{
    uint8_t expected[CIPHER_TAG_LEN], none[1];
    int done;
    memcpy(expected, tag, sizeof expected);
    insist(EVP_CIPHER_CTX_ctrl(cipher->context, EVP_CTRL_AEAD_SET_TAG, sizeof expected, expected));
    bool authentic = EVP_CipherFinal_ex(cipher->context, none, &done) > 0;
    end(cipher);
    return authentic;
}

void cipher_seal(struct cipher *cipher, const struct cipher_keys *keys,
                 const uint8_t title[static CIPHER_TITLE_LEN], uint8_t control, uint32_t counter,
                 struct octets plain, struct cursor *out)
{
    assert(plain.len && cipher_global_tag(plain.at[0]));
    assert(control && !(control & ~CIPHER_BOTH));
    bool authenticated = control & CIPHER_AUTHENTICATED, encrypted = control & CIPHER_ENCRYPTED;
    size_t len = CIPHER_HEAD_LEN + plain.len + (authenticated ? CIPHER_TAG_LEN : 0);
    if (cursor_left(out) < 1 + tlv_len_size(len) + len) {
        tlv_refuse(out, ERR_SIZE);
        return;
    }
    cursor_put_u8(out, cipher_global_tag(plain.at[0]));
    tlv_put_len(out, len);
    cursor_put_u8(out, control);
    cursor_put_u32(out, counter);
    struct octets clear = plain;
    if (encrypted)
        clear.len = 0;
    begin(cipher, keys, title, control, counter, 1, clear);
    if (encrypted)
        run(cipher, plain, out->at);
    else
        memcpy(out->at, plain.at, plain.len);
    out->at += plain.len;
    if (authenticated) {
        take_tag(cipher, out->at);
        out->at += CIPHER_TAG_LEN;
    } else {
        end(cipher);
    }
}

static bool is_what_it_says(uint8_t tag, uint8_t first)
{
    uint8_t global = cipher_global_tag(first);
    return global && (tag == global || tag == global + DEDICATED);
}

enum err cipher_open(struct cipher *cipher, const struct cipher_keys *keys,
                     const uint8_t title[static CIPHER_TITLE_LEN], struct octets apdu,
                     uint8_t *plain, size_t room, struct cipher_opened *opened)
{
    struct cursor in = cursor_reader(apdu.at, apdu.len);
    uint8_t outer = cursor_get_u8(&in);
    if (!in.err && cipher_kind(outer) == CIPHER_UNPROTECTED)
        return ERR_SYNTAX;
    struct octets rest = tlv_get_octets(&in);
    if (cursor_left(&in))
        tlv_refuse(&in, ERR_SIZE);
    struct cursor body = cursor_reader(rest.at, rest.len);
    uint8_t control = cursor_get_u8(&body);
    uint32_t counter = cursor_get_u32(&body);
    bool authenticated = control & CIPHER_AUTHENTICATED, encrypted = control & CIPHER_ENCRYPTED;
    size_t tag_len = authenticated ? CIPHER_TAG_LEN : 0, left = cursor_left(&body);
    if (in.err || body.err)
        return in.err ? in.err : body.err;
    if (!control || control & ~CIPHER_BOTH)
        return ERR_SYNTAX;
    if (left <= tag_len || left - tag_len > room)
        return ERR_SIZE;
    struct octets inner = {body.at, left - tag_len};
    struct octets clear = inner;
    if (encrypted)
        clear.len = 0;
    begin(cipher, keys, title, control, counter, 0, clear);
    if (encrypted)
        run(cipher, inner, plain);
    else
        memcpy(plain, inner.at, inner.len);
    bool authentic = true;
    if (authenticated)
        authentic = has_tag(cipher, inner.at + inner.len);
    else
        end(cipher);
    if (!authentic) {
        memory_wipe(plain, inner.len);
        return ERR_CHECKSUM;
    }
    if (!is_what_it_says(outer, plain[0]))
        return ERR_SYNTAX;
    *opened = (struct cipher_opened){control, counter, inner.len};
    return ERR_NONE;
}

void cipher_put_token(struct cipher *cipher, const struct cipher_keys *keys,
                      const uint8_t title[static CIPHER_TITLE_LEN], uint8_t control,
                      uint32_t counter, struct octets challenge,
                      uint8_t token[static CIPHER_TOKEN_LEN])
{
    assert(control == CIPHER_AUTHENTICATED || control == CIPHER_BOTH);
    struct cursor out = cursor_writer(token, CIPHER_TOKEN_LEN);
    cursor_put_u8(&out, control);
    cursor_put_u32(&out, counter);
    begin(cipher, keys, title, control, counter, 1, challenge);
    take_tag(cipher, out.at);
}

enum err cipher_check_token(struct cipher *cipher, const struct cipher_keys *keys,
                            const uint8_t title[static CIPHER_TITLE_LEN], struct octets challenge,
                            struct octets token)
{
    struct cursor in = cursor_reader(token.at, token.len);
    if (token.len != CIPHER_TOKEN_LEN)
        return ERR_SIZE;
    uint8_t control = cursor_get_u8(&in);
    uint32_t counter = cursor_get_u32(&in);
    if (control != CIPHER_AUTHENTICATED && control != CIPHER_BOTH)
        return ERR_SYNTAX;
    begin(cipher, keys, title, control, counter, 0, challenge);
    return has_tag(cipher, in.at) ? ERR_NONE : ERR_CHECKSUM;
}
