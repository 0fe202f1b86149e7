// SPDX-License-Identifier: Apache-2.0

#include "gateway/registers.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct golden {
    enum registers_type type;
    bool low_first;
    int64_t value, step_micro;
    uint16_t words[2];
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
    };
    return cr_make_param_array(struct golden, cases, COUNT(cases));
}

ParameterizedTest(struct golden *c, registers, pack_and_unpack)
{
    uint16_t words[REGISTERS_MAX] = {0};
    registers_pack(c->type, c->low_first, c->value, c->step_micro, words);
    cr_expect_eq(words[0], c->words[0], "%s: %04X", c->why, words[0]);
    cr_expect_eq(words[1], c->words[1], "%s: %04X", c->why, words[1]);
    int64_t back = registers_unpack(c->type, c->low_first, c->step_micro, c->words);
    cr_expect_eq(back, c->value, "%s: %lld", c->why, (long long)back);
}

Test(registers, show_a_float_that_is_no_number)
{
    static const uint16_t nan[] = {0x7FC0, 0}, infinite[] = {0x7F80, 0}, huge[] = {0x7F00, 0};
    cr_expect_eq(registers_unpack(REGISTERS_F32, false, 100000, nan), INT64_MIN);
    cr_expect_eq(registers_unpack(REGISTERS_F32, false, 100000, infinite), INT64_MIN);
    cr_expect_eq(registers_unpack(REGISTERS_F32, false, 100000, huge), INT64_MIN);
}
