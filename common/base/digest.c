// SPDX-License-Identifier: Apache-2.0

#include "base/digest.h"
#include "base/log.h"

#include <assert.h>
#include <openssl/evp.h>
#include <pthread.h>

// Looked up once: EVP_sha256() is looked up by the library at every use.
static EVP_MD *sha256;

static void fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!sha256)
        log_fatal("digest.unavailable", F("algorithm", "SHA256"));
}

struct digest digest_of(const void *data, size_t len)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fetch);
    struct digest digest;
    if (!EVP_Digest(data, len, digest.octets, NULL, sha256, NULL))
        log_fatal("digest.failed", F("octets", (int64_t)len));
    return digest;
}

void digest_format(const struct digest *digest, char text[static DIGEST_TEXT_LEN + 1])
{
    hex_format(digest->octets, DIGEST_LEN, text, DIGEST_TEXT_LEN + 1);
}

void hex_format(const void *octets, size_t len, char *text, size_t room)
{
    assert(len <= SIZE_MAX / 2 - 1 && 2 * len < room);
    static const char digits[] = "0123456789abcdef";
    const uint8_t *from = octets;
    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[from[i] >> 4];
        text[2 * i + 1] = digits[from[i] & 15];
    }
    text[2 * len] = '\0';
}

// What a digit stands for; -1: it is none.
static int value_of(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

enum err hex_parse(const char *text, size_t len, void *octets, size_t room, size_t *count)
{
    if (len % 2 != 0)
        return ERR_SYNTAX;
    for (size_t i = 0; i < len; i++)
        if (value_of(text[i]) < 0)
            return ERR_SYNTAX;
    if (len / 2 > room)
        return ERR_SIZE;
    uint8_t *to = octets;
    for (size_t i = 0; i < len / 2; i++)
        to[i] = (uint8_t)(value_of(text[2 * i]) * 16 + value_of(text[2 * i + 1]));
    *count = len / 2;
    return ERR_NONE;
}
