// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/charger/modbus_frame.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct taken {
    uint8_t octets[20];
    unsigned len;
    enum err err;
    unsigned size, pdu_len;
    char why[48];
};

ParameterizedTestParameters(modbus_frame, tcp)
{
    static struct taken cases[] = {
        {{0, 7, 0, 0, 0, 6, 255, 3, 0, 0, 0, 1}, 12, ERR_NONE, 12, 5, "whole"},
        {{0, 7, 0, 0, 0, 6, 255, 3, 0, 0, 0, 1, 9}, 13, ERR_NONE, 12, 5, "and the next begun"},
        {{0, 7, 0, 0, 0, 6, 255, 3, 0, 0, 0}, 11, ERR_MORE, 0, 0, "one octet missing"},
        {{0, 7, 0}, 3, ERR_MORE, 0, 0, "head missing"},
        {{0, 7, 0, 1, 0, 6, 255}, 7, ERR_SYNTAX, 0, 0, "not Modbus"},
        {{0, 7, 0, 0, 0, 1, 255}, 7, ERR_SYNTAX, 0, 0, "no function"},
        {{0, 7, 0, 0, 1, 0, 255}, 7, ERR_SYNTAX, 0, 0, "longer than can be"},
    };
    return cr_make_param_array(struct taken, cases, COUNT(cases));
}

ParameterizedTest(struct taken *c, modbus_frame, tcp)
{
    struct modbus_frame frame = {0};
    enum err err = modbus_tcp_take(c->octets, c->len, &frame);
    cr_assert_eq(err, c->err, "%s: %s", c->why, err_name(err));
    cr_expect_eq(frame.size, c->size, "%s", c->why);
    cr_expect_eq(frame.pdu_len, c->pdu_len, "%s", c->why);
    if (!err)
        cr_expect(frame.unit == 255 && frame.transaction == 7 && frame.pdu[0] == 3, "%s", c->why);
}

// The sums are those of the examples that circulate with the standard's algorithm.
ParameterizedTestParameters(modbus_frame, line)
{
    static struct taken cases[] = {
        {{1, 3, 0, 0, 0, 10, 0xC5, 0xCD}, 8, ERR_NONE, 8, 5, "read ten registers"},
        {{1, 3, 0, 0, 0, 10, 0xC5}, 7, ERR_MORE, 0, 0, "one octet missing"},
        {{1, 3, 0, 0, 0, 10, 0xC5, 0xCC}, 8, ERR_CHECKSUM, 0, 0, "damaged"},
        {{17, 16, 0, 1, 0, 2, 4, 0, 10, 1, 2, 0xC6, 0xF0}, 13, ERR_NONE, 13, 10, "write two"},
        {{17, 16, 0, 1, 0, 2, 4, 0, 10, 1, 2, 0xC6}, 12, ERR_MORE, 0, 0, "its last missing"},
        {{1, 0x2B, 1, 2, 3, 4, 5, 6, 7}, 9, ERR_MORE, 0, 0, "unknown: wait for silence"},
    };
    return cr_make_param_array(struct taken, cases, COUNT(cases));
}

ParameterizedTest(struct taken *c, modbus_frame, line)
{
    struct modbus_frame frame = {0};
    enum err err = modbus_rtu_take(c->octets, c->len, false, &frame);
    cr_assert_eq(err, c->err, "%s: %s", c->why, err_name(err));
    cr_expect_eq(frame.size, c->size, "%s", c->why);
    cr_expect_eq(frame.pdu_len, c->pdu_len, "%s", c->why);
    if (err == ERR_MORE)
        cr_expect_neq(modbus_rtu_take(c->octets, c->len, true, &frame), ERR_MORE,
                      "%s: nothing comes after silence", c->why);
}

Test(modbus_frame, answers_fit_their_requests)
{
    const struct modbus_frame request = {.transaction = 0x0102, .unit = 17};
    const uint8_t pdu[] = {16, 0, 1, 0, 2};
    uint8_t out[MODBUS_TCP_MAX];
    const uint8_t tcp[] = {1, 2, 0, 0, 0, 6, 17, 16, 0, 1, 0, 2};
    cr_assert_eq(modbus_tcp_put(&request, pdu, sizeof pdu, out), sizeof tcp);
    cr_expect_eq(memcmp(out, tcp, sizeof tcp), 0);

    size_t len = modbus_rtu_put(&request, pdu, sizeof pdu, out);
    struct modbus_frame back = {0};
    cr_assert_eq(len, sizeof pdu + 3);
    cr_expect_eq(modbus_rtu_take(out, len, true, &back), ERR_SYNTAX,
                 "the answer to 16 is shorter than the request that starts so");
    const uint8_t line[] = {1, 6, 0, 0, 0, 60};
    len = modbus_rtu_put(&(struct modbus_frame){.unit = 1}, line + 1, 5, out);
    cr_expect_eq(modbus_rtu_take(out, len, false, &back), ERR_NONE, "6 is answered by itself");
}
