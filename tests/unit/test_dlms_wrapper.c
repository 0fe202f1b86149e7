// SPDX-License-Identifier: Apache-2.0

#include "tests/unit/octets_of.h"
#include "wire/dlms_wrapper.h"

#include <criterion/parameterized.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { MAX = 16 };

Test(dlms_wrapper, writes_eight_octets_and_reads_them)
{
    uint8_t frame[DLMS_WRAPPER_LEN + 3] = {0};
    const struct dlms_wrapper sent = {.source = 16, .destination = 0x1234, .len = 3};
    dlms_wrapper_write(&sent, frame);
    cr_expect_arr_eq(frame, "\0\1\0\x10\x12\x34\0\3", DLMS_WRAPPER_LEN);
    struct dlms_wrapper got;
    struct octets apdu;
    cr_assert_eq(dlms_wrapper_read(frame, sizeof frame, MAX, &got, &apdu), ERR_NONE);
    cr_expect_eq(got.source, 16);
    cr_expect_eq(got.destination, 0x1234);
    cr_expect_eq(apdu.at, frame + DLMS_WRAPPER_LEN);
    cr_expect_eq(apdu.len, 3);
}

struct piece {
    char hex[64];
    enum err err;
    char why[48];
};

ParameterizedTestParameters(dlms_wrapper, judges_what_has_come)
{
    static struct piece cases[] = {
        {"", ERR_MORE, "nothing yet"},
        {"00", ERR_MORE, "half a version"},
        {"01", ERR_MORE, "not yet known to be wrong"},
        {"00010001001000", ERR_MORE, "header but one octet"},
        {"0001000100100002", ERR_MORE, "header alone"},
        {"0001000100100002AA", ERR_MORE, "half the APDU"},
        {"0001000100100002AABB", ERR_NONE, "whole"},
        {"0001000100100002AABBCC", ERR_NONE, "whole, and the next has begun"},
        {"0002", ERR_SYNTAX, "another version, seen at once"},
        {"7EA0", ERR_SYNTAX, "HDLC"},
        {"0001000100100000", ERR_SYNTAX, "an APDU of nothing"},
        {"0001000100100011", ERR_SIZE, "one octet more than we take"},
        {"000100010010FFFF", ERR_SIZE, "the longest there is"},
    };
    return cr_make_param_array(struct piece, cases, COUNT(cases));
}

ParameterizedTest(struct piece *c, dlms_wrapper, judges_what_has_come)
{
    uint8_t store[OCTETS_OF_MAX];
    struct octets came = octets_of(c->hex, store), apdu = {NULL, 99};
    struct dlms_wrapper wrapper;
    enum err err = dlms_wrapper_read(came.at, came.len, MAX, &wrapper, &apdu);
    cr_expect_eq(err, c->err, "%s: %s", c->why, err_name(err));
    cr_expect_eq(apdu.len, err ? 99 : 2, "%s: untouched unless whole", c->why);
}

Test(dlms_wrapper, takes_the_longest_apdu_it_was_told)
{
    uint8_t frame[DLMS_WRAPPER_LEN + MAX] = {0};
    dlms_wrapper_write(&(struct dlms_wrapper){.len = MAX}, frame);
    struct dlms_wrapper wrapper;
    struct octets apdu;
    cr_expect_eq(dlms_wrapper_read(frame, sizeof frame, MAX, &wrapper, &apdu), ERR_NONE);
    cr_expect_eq(apdu.len, MAX);
}
