// SPDX-License-Identifier: Apache-2.0

#include "gateway/modbus_ascii.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

Test(modbus_ascii, writes_a_frame)
{
    static const uint8_t pdu[] = {0x10, 0x00, 0x14, 0x00, 0x01, 0x02, 0x01, 0x0A};
    char frame[MODBUS_ASCII_MAX];
    size_t len = modbus_ascii_put(1, pdu, sizeof pdu, frame);
    static const char expected[] = ":01100014000102010ACD\r\n";
    cr_assert_eq(len, strlen(expected));
    cr_expect_eq(memcmp(frame, expected, len), 0, "%.*s", (int)len, frame);
}

struct answer {
    char text[48];
    enum err err;
    size_t len;
    char why[40];
};

ParameterizedTestParameters(modbus_ascii, reads_a_frame)
{
    static struct answer cases[] = {
        {":010302010AEF\r\n", ERR_NONE, 4, "an answer"},
        {"noise:010302010AEF\r\nmore", ERR_NONE, 4, "between noise"},
        {":0190026D\r\n", ERR_NONE, 2, "an exception"},
        {":010302010AEF\r", ERR_MORE, 0, "not all there"},
        {"", ERR_MORE, 0, "nothing there"},
        {":010302010AEE\r\n", ERR_CHECKSUM, 0, "a wrong sum"},
        {":020302010AEE\r\n", ERR_SYNTAX, 0, "another unit"},
        {":010302010aEF\r\n", ERR_SYNTAX, 0, "a digit in lower case"},
        {":010302010EF\r\n", ERR_SYNTAX, 0, "half an octet"},
        {":01FF\r\n", ERR_SYNTAX, 0, "no function"},
        {"010302010AEF\r\n", ERR_SYNTAX, 0, "no colon"},
        {"\n", ERR_SYNTAX, 0, "an empty line"},
    };
    return cr_make_param_array(struct answer, cases, COUNT(cases));
}

ParameterizedTest(struct answer *c, modbus_ascii, reads_a_frame)
{
    uint8_t pdu[MODBUS_PDU_MAX];
    size_t len = 0;
    enum err err = modbus_ascii_take(1, c->text, strlen(c->text), pdu, &len);
    cr_expect_eq(err, c->err, "%s: %s", c->why, err_name(err));
    cr_expect_eq(len, c->len, "%s: %zu", c->why, len);
}
