// SPDX-License-Identifier: Apache-2.0

#include "wire/p1_cipher.h"
#include "base/cursor.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum {
    START = 0xDB,
    LONG_FORM = 0x82,
    SECURITY = 0x30, // authenticated and encrypted
    LENGTH_AT = 2 + P1_CIPHER_TITLE,
    HEAD = LENGTH_AT + 3, // octets before what the length counts
    COUNTER = 4,
    TAG = 12,
    LEAST = 1 + COUNTER + TAG,
    FRAME_MAX = P1_CIPHER_TEXT_MAX + P1_CIPHER_MORE,
    IV = P1_CIPHER_TITLE + COUNTER,
};

// The authentication key that every meter has.
static const uint8_t additional[1 + P1_CIPHER_KEY] = {SECURITY, 0x00, 0x11, 0x22, 0x33, 0x44,
                                                      0x55,     0x66, 0x77, 0x88, 0x99, 0xAA,
                                                      0xBB,     0xCC, 0xDD, 0xEE, 0xFF};

struct p1_cipher {
    EVP_CIPHER_CTX *context;
    struct p1_cipher_key key;
    bool has_counter, is_complete;
    uint32_t counter; // of the last good frame
    struct p1_cipher_counts counts;
    size_t fill, taken, text_len; // of the frame in the buffer, once it is complete
    uint8_t frame[FRAME_MAX];
    char text[P1_CIPHER_TEXT_MAX];
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

enum err p1_cipher_key_parse(const char *text, size_t len, struct p1_cipher_key *key)
{
    while (len > 0 && is_blank(*text))
        text++, len--;
    while (len > 0 && is_blank(text[len - 1]))
        len--;
    size_t count;
    if (len < 2 * P1_CIPHER_KEY)
        return ERR_SIZE;
    return hex_parse(text, len, key->octets, sizeof key->octets, &count);
}

static EVP_CIPHER_CTX *new_context(void)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (!context)
        log_fatal("cipher.unavailable", F("algorithm", "AES-128-GCM"));
    return context;
}

struct p1_cipher *p1_cipher_new(const struct p1_cipher_key *key)
{
    struct p1_cipher *cipher = memory_new(1, sizeof *cipher);
    cipher->context = new_context();
    cipher->key = *key;
    return cipher;
}

void p1_cipher_free(struct p1_cipher *cipher)
{
    if (!cipher)
        return;
    EVP_CIPHER_CTX_free(cipher->context);
    memory_wipe(cipher, sizeof *cipher);
    free(cipher);
}

// Set up for one frame. encrypt: 1 or 0.
static bool begin(EVP_CIPHER_CTX *context, const struct p1_cipher_key *key,
                  const uint8_t iv[static IV], int encrypt)
{
    int done;
    return EVP_CipherInit_ex(context, EVP_aes_128_gcm(), NULL, key->octets, iv, encrypt) == 1
           && EVP_CipherUpdate(context, NULL, &done, additional, sizeof additional) == 1;
}

static bool decrypt(struct p1_cipher *cipher, const uint8_t iv[static IV], const uint8_t *octets,
                    size_t len, const uint8_t tag[static TAG])
{
    uint8_t expected[TAG];
    int done;
    memcpy(expected, tag, TAG);
    return begin(cipher->context, &cipher->key, iv, 0)
           && EVP_CipherUpdate(cipher->context, (uint8_t *)cipher->text, &done, octets, (int)len)
                  == 1
           && EVP_CIPHER_CTX_ctrl(cipher->context, EVP_CTRL_GCM_SET_TAG, TAG, expected) == 1
           && EVP_CipherFinal_ex(cipher->context, (uint8_t *)cipher->text + len, &done) == 1;
}

// A whole frame stands at the start of the buffer. True: it is a good one.
static bool open_frame(struct p1_cipher *cipher, size_t frame_len)
{
    uint8_t iv[IV];
    const uint8_t *frame = cipher->frame;
    memcpy(iv, frame + 2, P1_CIPHER_TITLE);
    memcpy(iv + P1_CIPHER_TITLE, frame + HEAD + 1, COUNTER);
    size_t len = frame_len - P1_CIPHER_MORE;
    if (!decrypt(cipher, iv, frame + HEAD + 1 + COUNTER, len, frame + frame_len - TAG)) {
        cipher->counts.bad++;
        return false;
    }
    struct cursor cursor = cursor_reader(frame + HEAD + 1, COUNTER);
    uint32_t counter = cursor_get_u32(&cursor);
    bool is_old = cipher->has_counter && counter <= cipher->counter;
    cipher->counts.old += is_old;
    cipher->counts.good += !is_old;
    if (is_old)
        return false;
    cipher->has_counter = true;
    cipher->counter = counter;
    cipher->text_len = len;
    cipher->taken = frame_len;
    return true;
}

// How many octets the frame in the buffer has in all; 0: what stands there begins none.
static size_t frame_len(const struct p1_cipher *cipher)
{
    static const uint8_t start[] = {START, P1_CIPHER_TITLE};
    const uint8_t *frame = cipher->frame;
    size_t fill = cipher->fill;
    if (memcmp(frame, start, fill < sizeof start ? fill : sizeof start) != 0
        || (fill > LENGTH_AT && frame[LENGTH_AT] != LONG_FORM)
        || (fill > HEAD && frame[HEAD] != SECURITY))
        return 0;
    if (fill < HEAD)
        return FRAME_MAX; // not yet known
    size_t len = HEAD + (size_t)(frame[LENGTH_AT + 1] << 8 | frame[LENGTH_AT + 2]);
    return len < HEAD + LEAST || len > FRAME_MAX ? 0 : len;
}

static void drop(struct p1_cipher *cipher, size_t len)
{
    cipher->fill -= len;
    memmove(cipher->frame, cipher->frame + len, cipher->fill);
}

// Look for a good frame in the buffer, and drop what cannot begin one. The octets of a frame that
// turned out damaged may hold another, and the beginning of a third.
static bool settle(struct p1_cipher *cipher)
{
    while (cipher->fill > 0) {
        size_t len = frame_len(cipher);
        if (len > cipher->fill)
            return false;
        if (len > 0 && open_frame(cipher, len))
            return true;
        const uint8_t *next = memchr(cipher->frame + 1, START, cipher->fill - 1);
        drop(cipher, next ? (size_t)(next - cipher->frame) : cipher->fill);
    }
    return false;
}

bool p1_cipher_push(struct p1_cipher *cipher, const void *data, size_t len, size_t *used)
{
    const uint8_t *octets = data;
    *used = 0;
    if (cipher->is_complete) {
        drop(cipher, cipher->taken);
        cipher->is_complete = settle(cipher);
    }
    while (*used < len && !cipher->is_complete) {
        cipher->frame[cipher->fill++] = octets[(*used)++];
        cipher->is_complete = settle(cipher);
    }
    return cipher->is_complete;
}

void p1_cipher_end(struct p1_cipher *cipher)
{
    cipher->fill = 0;
    cipher->is_complete = false;
}

const char *p1_cipher_text(const struct p1_cipher *cipher, size_t *len)
{
    assert(cipher->is_complete);
    *len = cipher->text_len;
    return cipher->text;
}

const struct p1_cipher_counts *p1_cipher_counts(const struct p1_cipher *cipher)
{
    return &cipher->counts;
}

void p1_cipher_encrypt(const struct p1_cipher_key *key, const uint8_t title[static P1_CIPHER_TITLE],
                       uint32_t counter, const char *text, size_t len, uint8_t *frame)
{
    assert(len <= P1_CIPHER_TEXT_MAX);
    uint8_t iv[IV];
    struct cursor cursor = cursor_writer(frame, len + P1_CIPHER_MORE);
    cursor_put_u8(&cursor, START);
    cursor_put_u8(&cursor, P1_CIPHER_TITLE);
    cursor_put(&cursor, title, P1_CIPHER_TITLE);
    cursor_put_u8(&cursor, LONG_FORM);
    cursor_put_u16(&cursor, (uint16_t)(LEAST + len));
    cursor_put_u8(&cursor, SECURITY);
    cursor_put_u32(&cursor, counter);
    memcpy(iv, title, P1_CIPHER_TITLE);
    memcpy(iv + P1_CIPHER_TITLE, frame + HEAD + 1, COUNTER);
    EVP_CIPHER_CTX *context = new_context();
    int done;
    uint8_t *out = frame + HEAD + 1 + COUNTER;
    bool is_done = begin(context, key, iv, 1)
                   && EVP_CipherUpdate(context, out, &done, (const uint8_t *)text, (int)len) == 1
                   && EVP_CipherFinal_ex(context, out + len, &done) == 1
                   && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG, out + len) == 1;
    if (!is_done)
        log_fatal("cipher.failed", F("octets", (int64_t)len));
    EVP_CIPHER_CTX_free(context);
}
