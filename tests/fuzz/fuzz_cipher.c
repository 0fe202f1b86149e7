// SPDX-License-Identifier: Apache-2.0
// A protected APDU is opened only under the keys that sealed it: what the fuzzer makes up is
// refused where it claims to be authentic, and what we seal from it opens to the same.

#include "wire/cipher.h"

#include <assert.h>
#include <string.h>

enum { MAX = 2048 };

static const struct cipher_keys keys = {
    .encryption = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
    .authentication = {16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1},
};
static const uint8_t title[CIPHER_TITLE_LEN] = "FUZZ0001";

static void open_made_up(struct cipher *cipher, const uint8_t *data, size_t size)
{
    static uint8_t plain[MAX];
    struct cipher_opened opened;
    enum err err = cipher_open(cipher, &keys, title, (struct octets){data, size}, plain,
                               sizeof plain, &opened);
    if (err)
        return;
    assert(!(opened.control & CIPHER_AUTHENTICATED)); // it cannot have guessed a tag
    assert(opened.len && opened.len <= sizeof plain && cipher_global_tag(plain[0]));
}

static void seal_and_open(struct cipher *cipher, const uint8_t *data, size_t size)
{
    static uint8_t sealed[MAX + 32], plain[MAX];
    static const uint8_t controls[] = {CIPHER_BOTH, CIPHER_AUTHENTICATED, CIPHER_ENCRYPTED};
    struct cipher_opened opened;
    if (size < 2 || size - 1 > MAX || !cipher_global_tag(data[1]))
        return;
    uint8_t control = controls[data[0] % 3];
    struct cursor out = cursor_writer(sealed, sizeof sealed);
    cipher_seal(cipher, &keys, title, control, data[0], (struct octets){data + 1, size - 1}, &out);
    assert(!out.err);
    struct octets apdu = {sealed, (size_t)(out.at - sealed)};
    enum err err = cipher_open(cipher, &keys, title, apdu, plain, sizeof plain, &opened);
    assert(!err && opened.control == control && opened.counter == data[0]);
    assert(opened.len == size - 1 && !memcmp(plain, data + 1, size - 1));
    sealed[data[0] % apdu.len] ^= 1;
    err = cipher_open(cipher, &keys, title, apdu, plain, sizeof plain, &opened);
    // The tag outside says only by which key; else a change is noticed unless nobody vouches.
    assert(err || data[0] % apdu.len == 0 || control == CIPHER_ENCRYPTED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cipher *cipher;
    if (!cipher)
        cipher = cipher_new();
    open_made_up(cipher, data, size);
    seal_and_open(cipher, data, size);
    return 0;
}
