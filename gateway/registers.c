// SPDX-License-Identifier: Apache-2.0

#include "gateway/registers.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const double MICRO = 1e6;

int registers_count(enum registers_type type)
{
    return type == REGISTERS_U32 || type == REGISTERS_F32 ? 2 : 1;
}

static uint32_t bits_of(float number)
{
    uint32_t bits;
    static_assert(sizeof bits == sizeof number, "IEEE 754 single");
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

void registers_pack(enum registers_type type, bool low_word_first, int64_t value,
                    int64_t step_micro, uint16_t words[static REGISTERS_MAX])
{
    if (registers_count(type) == 1) {
        words[0] = (uint16_t)value;
        return;
    }
    uint32_t bits = (uint32_t)value;
    if (type == REGISTERS_F32)
        bits = bits_of((float)((double)value * (double)step_micro / MICRO));
    words[low_word_first ? 1 : 0] = (uint16_t)(bits >> 16);
    words[low_word_first ? 0 : 1] = (uint16_t)bits;
}

int64_t registers_unpack(enum registers_type type, bool low_word_first, int64_t step_micro,
                         const uint16_t words[static REGISTERS_MAX])
{
    if (type == REGISTERS_I16)
        return (int16_t)words[0];
    if (type == REGISTERS_U16)
        return words[0];
    uint32_t bits = (uint32_t)words[low_word_first ? 1 : 0] << 16 | words[low_word_first ? 0 : 1];
    if (type == REGISTERS_U32)
        return bits;
    float number;
    memcpy(&number, &bits, sizeof number);
    double value = (double)number * MICRO / (double)step_micro;
    return fabs(value) < 1e15 ? llround(value) : INT64_MIN; // false for what is no number
}
