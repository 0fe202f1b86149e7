// SPDX-License-Identifier: Apache-2.0
// A telegram has some thirty-five lines and a microsecond, so what every line has is read
// eight characters at a time where so many are left, and one by one where not.

#include "wire/obis.h"

#include <assert.h>
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { WORD = sizeof(uint64_t) };
#define EACH(octet) (UINT64_C(0x0101010101010101) * (octet))

// The next characters as one number, the first in the lowest octet.
static inline uint64_t load(const char *at)
{
    uint64_t chars;
    memcpy(&chars, at, sizeof chars);
    return le64toh(chars);
}

// How many of eight characters come before the first c; eight if there is none.
static inline int length_up_to(uint64_t chars, char c)
{
    uint64_t other = chars ^ EACH((uint8_t)c);
    uint64_t zeros = (other - EACH(0x01)) & ~other & EACH(0x80); // its lowest bit is right
    return zeros ? __builtin_ctzll(zeros) / 8 : WORD;
}

static inline uint64_t first_of(uint64_t chars, int count)
{
    return count < WORD ? chars & ((UINT64_C(1) << 8 * count) - 1) : chars;
}

// How many of eight characters are digits before the first that is none, and their value.
static inline int leading_digits(uint64_t chars, uint64_t *value)
{
    uint64_t digits = chars ^ EACH('0');
    // The top bit of each octet above 9. A carry spoils only what follows such an octet.
    uint64_t others = (digits | (digits + EACH(0x7F - 9))) & EACH(0x80);
    int count = others ? __builtin_ctzll(others) / 8 : WORD;
    if (count == 0) {
        *value = 0;
        return 0;
    }
    digits <<= 8 * (WORD - count);        // zeros in front, that is in the low octets
    digits = digits * 10 + (digits >> 8); // pairs, in every other octet
    const uint64_t pairs = UINT64_C(0x000000FF000000FF);
    *value = ((digits & pairs) * (100 + (UINT64_C(1000000) << 32))
              + (digits >> 16 & pairs) * (1 + (UINT64_C(10000) << 32)))
             >> 32;
    return count;
}

// One number of a code, up to 255. NULL: there is none.
static const char *code_part(const char *at, const char *end, unsigned *part)
{
    const char *first = at;
    for (*part = 0; at < end && *at >= '0' && *at <= '9'; at++) {
        *part = *part * 10 + (unsigned)(*at - '0');
        if (*part > 255)
            return NULL;
    }
    return at > first ? at : NULL;
}

static enum err code_by_parts(const char **at, const char *end, uint64_t *code)
{
    static const char separators[] = "-:..";
    unsigned part[5];
    const char *here = *at;
    for (int i = 0; i < 5; i++) {
        here = code_part(here, end, &part[i]);
        if (!here || (i < 4 && (here >= end || *here++ != separators[i])))
            return ERR_SYNTAX;
    }
    if (here < end && *here == '*')
        while (++here < end && *here >= '0' && *here <= '9')
            ;
    if (here >= end || *here != '(')
        return ERR_SYNTAX;
    *at = here + 1;
    bool known = part[0] < 16 && part[1] < 16 && part[2] < 100 && part[3] < 100 && part[4] < 100
                 && OBIS_SIZE(part[2]) + OBIS_SIZE(part[3]) + OBIS_SIZE(part[4]) <= 5;
    *code = known ? OBIS(part[0], part[1], part[2], part[3], part[4]) : OBIS_OTHER;
    return ERR_NONE;
}

enum err obis_code(const char **at, const char *end, uint64_t *code)
{
    enum { PREFIX = 4 }; // "A-B:"
    if (end - *at < PREFIX + WORD)
        return code_by_parts(at, end, code);
    uint64_t prefix = first_of(load(*at), PREFIX) ^ ('0' | '-' << 8 | '0' << 16 | ':' << 24);
    uint64_t rest = load(*at + PREFIX);
    int len = length_up_to(rest, '(');
    if ((prefix & 0xFFF0FFF0) != 0 || len == WORD)
        return code_by_parts(at, end, code);
    uint64_t found = prefix << 60 | prefix >> 16 << OBIS_CHANNEL | first_of(rest, len);
    // Whatever else may stand there, only a code of a table equals one of a table.
    *at += PREFIX + len + 1;
    *code = found;
    return ERR_NONE;
}

const char *obis_unit_name(enum obis_unit unit)
{
    static const char *const names[] = {
        [OBIS_PLAIN] = "", [OBIS_WH] = "Wh", [OBIS_W] = "W", [OBIS_V] = "V",
        [OBIS_A] = "A",    [OBIS_M3] = "m3", [OBIS_J] = "J", [OBIS_S] = "s"};
    assert((size_t)unit < COUNT(names));
    return names[unit];
}

// The units by their characters, in a hash without collisions (or the compiler complains of
// one place initialised twice). The factor was searched for.
enum { UNIT_MAX = 3 };
#define UNIT_CHARS(a, b, c)                                                                        \
    ((uint32_t)(uint8_t)(a) | (uint32_t)(uint8_t)(b) << 8 | (uint32_t)(uint8_t)(c) << 16)
#define UNIT_SLOT(chars) ((uint32_t)((chars)*UINT32_C(0x3b08c6e3)) >> 27)
#define UNIT(a, b, c, unit, exponent)                                                              \
    [UNIT_SLOT(UNIT_CHARS(a, b, c))] = {UNIT_CHARS(a, b, c), unit, exponent}

static const struct {
    uint32_t chars;
    enum obis_unit unit;
    int exponent;
} units[32] = {
    UNIT('W', 'h', 0, OBIS_WH, 3),
    UNIT('k', 'W', 'h', OBIS_WH, 6),
    UNIT('M', 'W', 'h', OBIS_WH, 9),
    UNIT('W', 0, 0, OBIS_W, 3),
    UNIT('k', 'W', 0, OBIS_W, 6),
    UNIT('M', 'W', 0, OBIS_W, 9),
    UNIT('V', 0, 0, OBIS_V, 3),
    UNIT('m', 'V', 0, OBIS_V, 0),
    UNIT('A', 0, 0, OBIS_A, 3),
    UNIT('m', 'A', 0, OBIS_A, 0),
    UNIT('m', '3', 0, OBIS_M3, 3),
    UNIT('m', '\xB3', 0, OBIS_M3, 3),      // cubed in Latin-1
    UNIT('m', '\xC2', '\xB3', OBIS_M3, 3), // and in UTF-8
    UNIT('d', 'm', '3', OBIS_M3, 0),
    UNIT('M', 'J', 0, OBIS_J, 9),
    UNIT('G', 'J', 0, OBIS_J, 12),
    UNIT('s', 0, 0, OBIS_S, 3),
};

enum err obis_unit(const char **at, const char *end, enum obis_unit *unit, int *exponent)
{
    uint64_t chars = 0;
    if (end - *at >= WORD)
        chars = load(*at);
    else
        for (int i = 0; i < end - *at; i++)
            chars |= (uint64_t)(uint8_t)(*at)[i] << 8 * i;
    int len = length_up_to(chars, ')');
    if (len == 0 || len > UNIT_MAX || len >= end - *at)
        return ERR_SYNTAX;
    uint32_t wanted = (uint32_t)first_of(chars, len);
    size_t slot = UNIT_SLOT(wanted);
    if (units[slot].chars != wanted)
        return ERR_SYNTAX;
    *at += len;
    *unit = units[slot].unit;
    *exponent = units[slot].exponent;
    return ERR_NONE;
}

enum { MAX_DIGITS = 18 }; // that surely fit in 64 bits
// clang-format off
static const int64_t powers_of_ten[MAX_DIGITS + 1] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000,
    100000000000, 1000000000000, 10000000000000, 100000000000000, 1000000000000000,
    10000000000000000, 100000000000000000, 1000000000000000000,
};
// clang-format on

// Add the digits at *at to number, which has count of them. False: they are too many.
static inline bool take_digits(const char **at, const char *end, uint64_t *number, int *count)
{
    if (end - *at >= WORD) {
        uint64_t value;
        int len = leading_digits(load(*at), &value);
        *number = *number * (uint64_t)powers_of_ten[len] + value;
        *count += len;
        *at += len;
        if (len < WORD)
            return *count <= MAX_DIGITS;
    }
    for (; *at < end && **at >= '0' && **at <= '9'; ++*at) {
        if (++*count > MAX_DIGITS)
            return false;
        *number = *number * 10 + (uint64_t)(**at - '0');
    }
    return true;
}

enum err obis_number(const char **at, const char *end, int64_t *milli, enum obis_unit *unit)
{
    const char *here = *at;
    bool negative = here < end && *here == '-';
    here += negative;

    uint64_t digits = 0;
    int count = 0;
    if (!take_digits(&here, end, &digits, &count))
        return ERR_RANGE;
    int before = count;
    if (here < end && *here == '.') {
        here++;
        if (!take_digits(&here, end, &digits, &count))
            return ERR_RANGE;
    }
    if (count == 0 || here >= end)
        return ERR_SYNTAX;
    if (count > MAX_DIGITS)
        return ERR_RANGE;

    enum obis_unit found = OBIS_PLAIN;
    int exponent = 3;
    if (*here != ')') {
        here += *here == '*';
        enum err err = obis_unit(&here, end, &found, &exponent);
        if (err)
            return err;
    }
    int64_t number = (int64_t)digits;
    exponent -= count - before;
    if (exponent < 0)
        number /= powers_of_ten[-exponent];
    else if (__builtin_mul_overflow(number, powers_of_ten[exponent], &number))
        return ERR_RANGE;
    *milli = negative ? -number : number;
    *unit = found;
    *at = here;
    return ERR_NONE;
}
