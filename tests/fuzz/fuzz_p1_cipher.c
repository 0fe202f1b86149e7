// SPDX-License-Identifier: Apache-2.0
// Whatever stands on the port: nothing comes out that this key did not encrypt; and a frame that it
// did is found, however the octets before it look and in whatever chunks it comes.
// The first octet picks the chunks, the rest is both noise and telegram.

#include "wire/p1_cipher.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const struct p1_cipher_key key = {"sixteen letters"};
static const uint8_t title[P1_CIPHER_TITLE] = "FUZZER";

static int good(struct p1_cipher *cipher, const uint8_t *octets, size_t len, size_t chunk,
                const char *text, size_t text_len)
{
    int found = 0;
    for (size_t at = 0, used; at < len; at += used) {
        size_t left = len - at < chunk ? len - at : chunk, read_len;
        if (!p1_cipher_push(cipher, octets + at, left, &used))
            continue;
        const char *read = p1_cipher_text(cipher, &read_len);
        assert(read_len == text_len && !memcmp(read, text, text_len));
        found++;
    }
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > P1_CIPHER_TEXT_MAX)
        return 0;
    size_t chunk = data[0] + 1U, len = size - 1;
    const char *text = (const char *)data + 1;
    uint8_t *frame = malloc(len + P1_CIPHER_MORE);
    p1_cipher_encrypt(&key, title, 1, text, len, frame);
    struct p1_cipher *cipher = p1_cipher_new(&key);
    int found = good(cipher, data + 1, len, chunk, "", 0);
    assert(found == 0);
    found = good(cipher, frame, len + P1_CIPHER_MORE, chunk, text, len);
    // What the noise began may still wait for its end.
    static const uint8_t rest[P1_CIPHER_TEXT_MAX + P1_CIPHER_MORE];
    found += good(cipher, rest, sizeof rest, sizeof rest, text, len);
    assert(found == 1);
    p1_cipher_free(cipher);
    free(frame);
    return 0;
}
