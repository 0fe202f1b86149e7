// SPDX-License-Identifier: Apache-2.0

#include "wire/obis.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum err obis_code(const char **at, const char *end, uint64_t *code)
{
    static const char separators[] = "-:..";
    uint64_t parts = 0;
    unsigned part = 0;
    int separator = 0;
    const char *here = *at, *part_begins = here;
    for (; here < end; here++) {
        unsigned digit = (unsigned)(*here - '0');
        if (digit < 10) {
            part = part * 10 + digit;
            if (part > 255)
                return ERR_SYNTAX;
            continue;
        }
        if (here == part_begins)
            return ERR_SYNTAX;
        parts = parts << 8 | part;
        part = 0;
        part_begins = here + 1;
        if (separator == 4)
            break;
        if (*here != separators[separator++])
            return ERR_SYNTAX;
    }
    if (here < end && *here == '*')
        while (++here < end && *here >= '0' && *here <= '9')
            ;
    if (here >= end || *here != '(')
        return ERR_SYNTAX;
    *at = here + 1;
    *code = parts;
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

// The characters of a unit as one number, for comparing.
#define CHARS_1(a) ((uint64_t)(uint8_t)(a))
#define CHARS_2(a, b) (CHARS_1(a) << 8 | CHARS_1(b))
#define CHARS_3(a, b, c) (CHARS_2(a, b) << 8 | CHARS_1(c))

enum err obis_unit(const char **at, const char *end, enum obis_unit *unit, int *exponent)
{
    // Sorted by how often a telegram has them.
    static const struct {
        uint64_t chars;
        enum obis_unit unit;
        int exponent;
    } units[] = {
        {CHARS_2('k', 'W'), OBIS_W, 6},
        {CHARS_3('k', 'W', 'h'), OBIS_WH, 6},
        {CHARS_1('V'), OBIS_V, 3},
        {CHARS_1('A'), OBIS_A, 3},
        {CHARS_2('m', '3'), OBIS_M3, 3},
        {CHARS_1('s'), OBIS_S, 3},
        {CHARS_1('W'), OBIS_W, 3},
        {CHARS_2('W', 'h'), OBIS_WH, 3},
        {CHARS_2('m', 'A'), OBIS_A, 0},
        {CHARS_2('m', 'V'), OBIS_V, 0},
        {CHARS_2('M', 'W'), OBIS_W, 9},
        {CHARS_3('M', 'W', 'h'), OBIS_WH, 9},
        {CHARS_2('G', 'J'), OBIS_J, 12},
        {CHARS_2('M', 'J'), OBIS_J, 9},
        {CHARS_2('m', '\xB3'), OBIS_M3, 3},         // cubed in Latin-1
        {CHARS_3('m', '\xC2', '\xB3'), OBIS_M3, 3}, // and in UTF-8
        {CHARS_3('d', 'm', '3'), OBIS_M3, 0},
    };
    uint64_t chars = 0;
    const char *here = *at;
    for (; here < end && *here != ')'; here++) {
        if (here - *at >= 3)
            return ERR_SYNTAX;
        chars = chars << 8 | (uint8_t)*here;
    }
    if (here >= end)
        return ERR_SYNTAX;
    for (size_t i = 0; i < COUNT(units); i++)
        if (units[i].chars == chars) {
            *at = here;
            *unit = units[i].unit;
            *exponent = units[i].exponent;
            return ERR_NONE;
        }
    return ERR_SYNTAX;
}

static const int64_t powers_of_ten[] = {1,
                                        10,
                                        100,
                                        1000,
                                        10000,
                                        100000,
                                        1000000,
                                        10000000,
                                        100000000,
                                        1000000000,
                                        10000000000,
                                        100000000000,
                                        1000000000000,
                                        10000000000000,
                                        100000000000000,
                                        1000000000000000,
                                        10000000000000000,
                                        100000000000000000,
                                        1000000000000000000};
enum { MAX_DIGITS = 18 }; // that surely fit in 64 bits

enum err obis_number(const char **at, const char *end, int64_t *milli, enum obis_unit *unit)
{
    const char *here = *at;
    bool negative = here < end && *here == '-';
    here += negative;

    int64_t number = 0;
    const char *first = here, *point = NULL;
    for (; here < end; here++) {
        unsigned digit = (unsigned)(*here - '0');
        if (digit < 10)
            number = (int64_t)((uint64_t)number * 10 + digit); // judged by the count below
        else if (*here == '.' && !point)
            point = here;
        else
            break;
    }
    int decimals = point ? (int)(here - point - 1) : 0;
    ptrdiff_t digits = here - first - (point ? 1 : 0);
    if (digits == 0 || here >= end)
        return ERR_SYNTAX;
    if (digits > MAX_DIGITS)
        return ERR_RANGE;

    enum obis_unit found = OBIS_PLAIN;
    int exponent = 3;
    if (*here != ')') {
        here += *here == '*';
        enum err err = obis_unit(&here, end, &found, &exponent);
        if (err)
            return err;
    }
    if (exponent >= decimals) {
        if (__builtin_mul_overflow(number, powers_of_ten[exponent - decimals], &number))
            return ERR_RANGE;
    } else {
        number /= powers_of_ten[decimals - exponent];
    }
    *milli = negative ? -number : number;
    *unit = found;
    *at = here;
    return ERR_NONE;
}
