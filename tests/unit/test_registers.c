// SPDX-License-Identifier: Apache-2.0

#include "gateway/registers.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct golden {
    enum registers_type type;
    bool low_first;
    int64_t value, step_micro;
    uint16_t words[REGISTERS_MAX];
    char why[40];
};

ParameterizedTestParameters(registers, pack_and_unpack)
{
    static struct golden cases[] = {
        {REGISTERS_F32, false, 2301, 100000, {0x4366, 0x199A}, "230.1, high word first"},
        {REGISTERS_F32, false, 120, 100000, {0x4140, 0x0000}, "12.0"},
        {REGISTERS_F32, false, 160, 100000, {0x4180, 0x0000}, "16.0"},
        {REGISTERS_F32, false, 250, 100000, {0x41C8, 0x0000}, "25.0, wrong in libmodbus"},
        {REGISTERS_F32, true, 2301, 100000, {0x199A, 0x4366}, "230.1, low word first"},
        {REGISTERS_F32, false, 0, 100000, {0, 0}, "0.0"},
        {REGISTERS_U32, false, 16000, 1000, {0, 16000}, "u32, high word first"},
        {REGISTERS_U32, true, 70000, 1000, {0x1170, 1}, "u32, low word first"},
        {REGISTERS_U16, false, 60, 100000000, {60, 0}, "u16"},
        {REGISTERS_U16, false, 65535, 1000, {65535, 0}, "u16, all of it"},
        {REGISTERS_I16, false, -1, 1000, {0xFFFF, 0}, "i16 below 0"},
        {REGISTERS_I32, false, -4023, 1000, {0xFFFF, 0xF049}, "i32 below 0"},
        {REGISTERS_I32, true, -4023, 1000, {0xF049, 0xFFFF}, "i32 below 0, low word first"},
        {REGISTERS_U64, false, 0x123456789ABC, 1000, {0, 0x1234, 0x5678, 0x9ABC}, "u64"},
        {REGISTERS_U64, true, 0x123456789ABC, 1000, {0x9ABC, 0x5678, 0x1234, 0}, "u64, low first"},
        {REGISTERS_F64, false, 1, 1000000, {0x3FF0, 0, 0, 0}, "f64"},
        {REGISTERS_F64, false, 2301, 100000, {0x406C, 0xC333, 0x3333, 0x3333}, "f64, 230.1"},
    };
    return cr_make_param_array(struct golden, cases, COUNT(cases));
}

ParameterizedTest(struct golden *c, registers, pack_and_unpack)
{
    uint16_t words[REGISTERS_MAX] = {0};
    registers_pack(c->type, c->low_first, c->value, c->step_micro, words);
    for (int i = 0; i < REGISTERS_MAX; i++)
        cr_expect_eq(words[i], c->words[i], "%s: word %d is %04X", c->why, i, words[i]);
    int64_t back = registers_unpack(c->type, c->low_first, c->step_micro, c->words);
    cr_expect_eq(back, c->value, "%s: %lld", c->why, (long long)back);
}

Test(registers, show_a_float_that_is_no_number)
{
    static const uint16_t nan[REGISTERS_MAX] = {0x7FC0}, infinite[REGISTERS_MAX] = {0x7F80},
                          huge[REGISTERS_MAX] = {0x7F00};
    cr_expect_eq(registers_unpack(REGISTERS_F32, false, 100000, nan), INT64_MIN);
    cr_expect_eq(registers_unpack(REGISTERS_F32, false, 100000, infinite), INT64_MIN);
    cr_expect_eq(registers_unpack(REGISTERS_F32, false, 100000, huge), INT64_MIN);
}
