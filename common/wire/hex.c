// SPDX-License-Identifier: Apache-2.0
// A full message is 2048 digits in every telegram, so sixteen are read at a time, in the
// compiler's portable vectors (SSE2, NEON), and the rest by table.

#include "wire/hex.h"

#include <stdbool.h>
#include <string.h>

#define NONE_16 -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1
#define LETTERS_16 -1, 10, 11, 12, 13, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1
// clang-format off
const int8_t hex_values[256] = {
    NONE_16, NONE_16, NONE_16,
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -1, -1, -1, -1, -1,
    LETTERS_16, NONE_16, LETTERS_16, NONE_16,
    NONE_16, NONE_16, NONE_16, NONE_16, NONE_16, NONE_16, NONE_16, NONE_16,
};
// clang-format on

enum { BLOCK = 16 }; // digits
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
typedef uint8_t digits_block __attribute__((vector_size(BLOCK)));
typedef uint16_t pairs_block __attribute__((vector_size(BLOCK)));
typedef uint8_t octets_block __attribute__((vector_size(BLOCK / 2)));

// Read whole blocks of count digits. *bad gets a bit for anything that is no digit.
static void decode_blocks(const char *text, size_t count, uint8_t *octets, uint8_t *bad)
{
    digits_block wrong = {0};
    for (size_t i = 0; i < count; i += BLOCK) {
        digits_block digit;
        memcpy(&digit, text + i, BLOCK);
        digits_block number = digit - '0', letter = (digit | 0x20) - 'a';
        digits_block is_number = (digits_block)(number < 10),
                     is_letter = (digits_block)(letter < 6);
        wrong |= ~(is_number | is_letter);
        digits_block value = (number & is_number) | ((letter + 10) & is_letter);
        pairs_block pair;
        memcpy(&pair, &value, BLOCK);
        pair = (pair << 4 | pair >> 8) & 0xFF; // the first digit is the low byte here
        octets_block octet = __builtin_convertvector(pair, octets_block);
        memcpy(octets + i / 2, &octet, sizeof octet);
    }
    for (int i = 0; i < BLOCK; i++)
        *bad |= wrong[i];
}
#else
static void decode_blocks(const char *text, size_t count, uint8_t *octets, uint8_t *bad)
{
    for (size_t i = 0; i < count; i += 2) {
        int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
        *bad |= (high | low) < 0;
        octets[i / 2] = (uint8_t)(high * 16 + low);
    }
}
#endif

enum err hex_decode(const char *text, size_t digits, void *octets)
{
    if (digits % 2)
        return ERR_SYNTAX;
    uint8_t *to = octets, bad = 0;
    size_t in_blocks = digits - digits % BLOCK;
    decode_blocks(text, in_blocks, to, &bad);
    for (size_t i = in_blocks; i < digits; i += 2) {
        int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
        if ((high | low) < 0)
            return ERR_SYNTAX;
        to[i / 2] = (uint8_t)(high * 16 + low);
    }
    return bad ? ERR_SYNTAX : ERR_NONE;
}

static void encode(const void *octets, size_t len, char *text, const char digits[static 16])
{
    const uint8_t *from = octets;
    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[from[i] >> 4];
        text[2 * i + 1] = digits[from[i] & 15];
    }
}

void hex_encode_upper(const void *octets, size_t len, char *text)
{
    encode(octets, len, text, "0123456789ABCDEF");
}

void hex_encode_lower(const void *octets, size_t len, char *text)
{
    encode(octets, len, text, "0123456789abcdef");
}
