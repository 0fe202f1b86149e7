// SPDX-License-Identifier: Apache-2.0
// Whatever text: it shows no seal, or one that is not true; and what can be sealed is true
// afterwards, fits, and is not once an octet of it changed. The first three octets pick the
// sequence number and the octet that changes.

#include "wire/seal.h"

#include <assert.h>
#include <string.h>

static const char pem[] = "-----BEGIN PRIVATE KEY-----\n"
                          "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
                          "-----END PRIVATE KEY-----\n";
static const char meter[] = "E0051000000000001";
static struct seal_key *key;
static struct seal_public public;

static void seal_and_damage(const char *text, size_t len, const uint8_t pick[static 3])
{
    static char sealed[LONG_MESSAGE_MAX + 1];
    struct seal seal;
    int64_t seq = 1 + (int64_t)pick[0] * pick[0] * pick[0];
    if (seal_write(text, len, seq, meter, key, sealed))
        return;
    size_t sealed_len = strlen(sealed);
    assert(sealed_len > len && sealed_len - len <= SEAL_ROOM);
    assert(!seal_read(sealed, sealed_len, &seal));
    assert(seal_is_true(sealed, &seal, meter, &public));
    size_t at = (size_t)(pick[1] << 8 | pick[2]) % sealed_len;
    sealed[at] = (char)(sealed[at] ^ 1 << pick[0] % 8);
    assert(seal_read(sealed, sealed_len, &seal) || !seal_is_true(sealed, &seal, meter, &public));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!key && seal_key_parse(pem, strlen(pem), &key))
        return 0;
    public = seal_key_public(key);
    if (size < 3)
        return 0;
    const char *text = (const char *)data + 3;
    size_t len = size - 3;
    struct seal seal;
    if (!seal_read(text, len, &seal)) {
        static struct long_message message;
        assert(seal.signed_len < len);
        long_message_read(text, len, LONG_MESSAGE_W, &message);
        assert(message.seq >= 0 && message.seq <= LONG_MESSAGE_SEQ_MAX);
        seal_is_true(text, &seal, meter, &public); // the seeds hold a true one
    }
    if (!memchr(text, '\0', len))
        seal_and_damage(text, len, data);
    return 0;
}
