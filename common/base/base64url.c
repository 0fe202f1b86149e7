// SPDX-License-Identifier: Apache-2.0

#include "base/base64url.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
enum { DIGIT_BITS = 6, OCTET_BITS = 8 };

void base64url_encode(const void *octets, size_t len, char *text)
{
    const uint8_t *from = octets;
    unsigned bits = 0, held = 0;
    for (size_t i = 0; i < len; i++) {
        bits = bits << OCTET_BITS | from[i];
        held += OCTET_BITS;
        for (; held >= DIGIT_BITS; held -= DIGIT_BITS)
            *text++ = digits[bits >> (held - DIGIT_BITS) & 63];
    }
    if (held)
        *text = digits[bits << (DIGIT_BITS - held) & 63];
}

// The octets go to write, where that is not NULL. False: not of the form.
static bool walk(const char *text, size_t characters, uint8_t *write)
{
    unsigned bits = 0, held = 0;
    for (size_t i = 0; i < characters; i++) {
        const char *digit = text[i] ? strchr(digits, text[i]) : NULL;
        if (!digit)
            return false;
        bits = bits << DIGIT_BITS | (unsigned)(digit - digits);
        held += DIGIT_BITS;
        if (held >= OCTET_BITS) {
            held -= OCTET_BITS;
            if (write)
                *write++ = (uint8_t)(bits >> held);
        }
    }
    return !(bits & ((1U << held) - 1));
}

enum err base64url_decode(const char *text, size_t characters, void *octets, size_t len)
{
    if (characters != BASE64URL_LEN(len))
        return ERR_SIZE;
    if (!walk(text, characters, NULL))
        return ERR_SYNTAX;
    walk(text, characters, octets);
    return ERR_NONE;
}
