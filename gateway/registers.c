// SPDX-License-Identifier: Apache-2.0

#include "gateway/registers.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const double MICRO = 1e6;

const char *const registers_type_names[] = {"u16", "i16", "u32", "i32", "f32", "u64", "f64", NULL};

static const struct {
    int count;
    int64_t least, most;
} kinds[] = {
    [REGISTERS_U16] = {1, 0, UINT16_MAX},
    [REGISTERS_I16] = {1, INT16_MIN, INT16_MAX},
    [REGISTERS_U32] = {2, 0, UINT32_MAX},
    [REGISTERS_I32] = {2, INT32_MIN, INT32_MAX},
    [REGISTERS_F32] = {2, -(1 << 24), 1 << 24},
    [REGISTERS_U64] = {4, 0, INT64_MAX},
    [REGISTERS_F64] = {4, -(INT64_C(1) << 53), INT64_C(1) << 53},
};

int registers_count(enum registers_type type)
{
    return kinds[type].count;
}

int64_t registers_least(enum registers_type type)
{
    return kinds[type].least;
}

int64_t registers_most(enum registers_type type)
{
    return kinds[type].most;
}

static void put_bits(enum registers_type type, bool low_word_first, uint64_t bits,
                     uint16_t words[static REGISTERS_MAX])
{
    int count = registers_count(type);
    for (int i = 0; i < count; i++) {
        words[low_word_first ? i : count - 1 - i] = (uint16_t)bits;
        bits >>= 16;
    }
}

void registers_pack_real(enum registers_type type, bool low_word_first, double real,
                         uint16_t words[static REGISTERS_MAX])
{
    float single = (float)real;
    uint32_t bits32;
    uint64_t bits;
    static_assert(sizeof single == sizeof bits32 && sizeof real == sizeof bits, "IEEE 754");
    memcpy(&bits32, &single, sizeof bits32);
    memcpy(&bits, &real, sizeof bits);
    put_bits(type, low_word_first, type == REGISTERS_F32 ? bits32 : bits, words);
}

void registers_pack(enum registers_type type, bool low_word_first, int64_t value,
                    int64_t step_micro, uint16_t words[static REGISTERS_MAX])
{
    if (type == REGISTERS_F32 || type == REGISTERS_F64)
        registers_pack_real(type, low_word_first, (double)value * (double)step_micro / MICRO,
                            words);
    else
        put_bits(type, low_word_first, (uint64_t)value, words);
}

static int64_t from_real(double real, int64_t step_micro)
{
    double value = real * MICRO / (double)step_micro;
    return fabs(value) < 1e15 ? llround(value) : INT64_MIN; // false for what is no number
}

int64_t registers_unpack(enum registers_type type, bool low_word_first, int64_t step_micro,
                         const uint16_t words[static REGISTERS_MAX])
{
    int count = registers_count(type);
    uint64_t bits = 0;
    for (int i = 0; i < count; i++)
        bits = bits << 16 | words[low_word_first ? count - 1 - i : i];
    uint32_t bits32 = (uint32_t)bits;
    float single;
    double real;
    switch (type) {
    case REGISTERS_I16:
        return (int16_t)bits;
    case REGISTERS_I32:
        return (int32_t)bits;
    case REGISTERS_F32:
        memcpy(&single, &bits32, sizeof single);
        return from_real((double)single, step_micro);
    case REGISTERS_F64:
        memcpy(&real, &bits, sizeof real);
        return from_real(real, step_micro);
    default:
        return (int64_t)bits;
    }
}
