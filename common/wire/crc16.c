// SPDX-License-Identifier: Apache-2.0
// Sixteen octets a step ("slicing"): table k tells what an octet does to the sum when k more
// octets follow it, so the octets of a step are looked up side by side instead of one
// after the other. Ten times as fast as one table, for 8 KiB of constants.

#include "wire/crc16.h"

enum { SLICES = 16 };

// The sum is linear: the entry of an octet is the xor of the entries of its set bits. A line
// below gives those eight entries, and the preprocessor the 256.
#define BIT(i, n, entry) ((((i) >> (n)) & 1) ? (entry) : 0)
#define ENTRY(i, a, b, c, d, e, f, g, h)                                                           \
    (BIT(i, 0, a) ^ BIT(i, 1, b) ^ BIT(i, 2, c) ^ BIT(i, 3, d) ^ BIT(i, 4, e) ^ BIT(i, 5, f)       \
     ^ BIT(i, 6, g) ^ BIT(i, 7, h))
#define ENTRIES_4(i, ...)                                                                          \
    ENTRY(i, __VA_ARGS__), ENTRY((i) + 1, __VA_ARGS__), ENTRY((i) + 2, __VA_ARGS__),               \
        ENTRY((i) + 3, __VA_ARGS__)
#define ENTRIES_16(i, ...)                                                                         \
    ENTRIES_4(i, __VA_ARGS__), ENTRIES_4((i) + 4, __VA_ARGS__), ENTRIES_4((i) + 8, __VA_ARGS__),   \
        ENTRIES_4((i) + 12, __VA_ARGS__)
#define ENTRIES_64(i, ...)                                                                         \
    ENTRIES_16(i, __VA_ARGS__), ENTRIES_16((i) + 16, __VA_ARGS__),                                 \
        ENTRIES_16((i) + 32, __VA_ARGS__), ENTRIES_16((i) + 48, __VA_ARGS__)
#define SLICE(...)                                                                                 \
    {                                                                                              \
        ENTRIES_64(0, __VA_ARGS__), ENTRIES_64(64, __VA_ARGS__), ENTRIES_64(128, __VA_ARGS__),     \
            ENTRIES_64(192, __VA_ARGS__)                                                           \
    }

static const uint16_t table[SLICES][256] = {
    SLICE(0xC0C1, 0xC181, 0xC301, 0xC601, 0xCC01, 0xD801, 0xF001, 0xA001),
    SLICE(0x9001, 0x6001, 0xC002, 0xC007, 0xC00D, 0xC019, 0xC031, 0xC061),
    SLICE(0xC051, 0xC0A1, 0xC141, 0xC281, 0xC501, 0xCA01, 0xD401, 0xE801),
    SLICE(0xFC01, 0xB801, 0x3001, 0x6002, 0xC004, 0xC00B, 0xC015, 0xC029),
    SLICE(0xC03D, 0xC079, 0xC0F1, 0xC1E1, 0xC3C1, 0xC781, 0xCF01, 0xDE01),
    SLICE(0xD101, 0xE201, 0x8401, 0x4801, 0x9002, 0x6007, 0xC00E, 0xC01F),
    SLICE(0xC010, 0xC023, 0xC045, 0xC089, 0xC111, 0xC221, 0xC441, 0xC881),
    SLICE(0xCCC1, 0xD981, 0xF301, 0xA601, 0x0C01, 0x1802, 0x3004, 0x6008),
    SLICE(0x900D, 0x6019, 0xC032, 0xC067, 0xC0CD, 0xC199, 0xC331, 0xC661),
    SLICE(0xC551, 0xCAA1, 0xD541, 0xEA81, 0x9501, 0x6A01, 0xD402, 0xE807),
    SLICE(0xFC04, 0xB80B, 0x3015, 0x602A, 0xC054, 0xC0AB, 0xC155, 0xC2A9),
    SLICE(0xC3FD, 0xC7F9, 0xCFF1, 0xDFE1, 0xFFC1, 0xBF81, 0x3F01, 0x7E02),
    SLICE(0x8102, 0x4207, 0x840E, 0x481F, 0x903E, 0x607F, 0xC0FE, 0xC1FF),
    SLICE(0xC100, 0xC203, 0xC405, 0xC809, 0xD011, 0xE021, 0x8041, 0x4081),
    SLICE(0x00C1, 0x0182, 0x0304, 0x0608, 0x0C10, 0x1820, 0x3040, 0x6080),
    SLICE(0x90C1, 0x6181, 0xC302, 0xC607, 0xCC0D, 0xD819, 0xF031, 0xA061),
};

uint16_t crc16_update(uint16_t crc, const void *data, size_t len)
{
    const uint8_t *at = data;
    for (; len >= SLICES; len -= SLICES, at += SLICES)
        crc = (uint16_t)(table[15][at[0] ^ (crc & 0xFF)] ^ table[14][at[1] ^ (crc >> 8)]
                         ^ table[13][at[2]] ^ table[12][at[3]] ^ table[11][at[4]] ^ table[10][at[5]]
                         ^ table[9][at[6]] ^ table[8][at[7]] ^ table[7][at[8]] ^ table[6][at[9]]
                         ^ table[5][at[10]] ^ table[4][at[11]] ^ table[3][at[12]] ^ table[2][at[13]]
                         ^ table[1][at[14]] ^ table[0][at[15]]);
    for (; len; len--, at++)
        crc = (uint16_t)(crc >> 8 ^ table[0][(crc ^ *at) & 0xFF]);
    return crc;
}
