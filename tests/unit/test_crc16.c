// SPDX-License-Identifier: Apache-2.0

#include "wire/crc16.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

// The definition, bit by bit.
static uint16_t defined(uint16_t crc, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1);
    }
    return crc;
}

struct known {
    char text[32];
    unsigned crc;
    char why[48];
};

ParameterizedTestParameters(crc16, knows)
{
    static struct known cases[] = {
        {"", 0x0000, "nothing"},
        {"123456789", 0xBB3D, "check value of CRC-16/ARC"},
        {"a", 0xE8C1, "one octet"},
        {"0123456789ABCDEF", 0x0F65, "one step of sixteen"},
        {"0123456789ABCDEF0", 0x3FCF, "a step and an octet"},
    };
    return cr_make_param_array(struct known, cases, COUNT(cases));
}

ParameterizedTest(struct known *c, crc16, knows)
{
    uint16_t crc = crc16_update(CRC16_START, c->text, strlen(c->text));
    cr_expect_eq(crc, c->crc, "%s: %04X", c->why, crc);
}

// Each entry of each table: one octet anywhere in a step of sixteen.
Test(crc16, every_octet_in_every_place)
{
    for (int place = 0; place < 16; place++)
        for (int octet = 0; octet < 256; octet++) {
            uint8_t data[16] = {0};
            data[place] = (uint8_t)octet;
            cr_assert_eq(crc16_update(CRC16_START, data, sizeof data),
                         defined(CRC16_START, data, sizeof data), "%d at %d", octet, place);
        }
}

Test(crc16, may_be_cut_anywhere)
{
    uint8_t data[100];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * i + 7);
    for (size_t len = 0; len <= sizeof data; len++)
        for (size_t cut = 0; cut <= len; cut++) {
            uint16_t crc = crc16_update(CRC16_START, data, cut);
            cr_assert_eq(crc16_update(crc, data + cut, len - cut), defined(CRC16_START, data, len),
                         "%zu of %zu", cut, len);
        }
}

Test(crc16, takes_nothing)
{
    cr_expect_eq(crc16_update(0x1234, NULL, 0), 0x1234);
}
