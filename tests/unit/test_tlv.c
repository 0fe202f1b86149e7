// SPDX-License-Identifier: Apache-2.0

#include "tests/unit/octets_of.h"

#include <criterion/parameterized.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct length {
    size_t len;
    char hex[8];
};

ParameterizedTestParameters(tlv, writes_the_shortest_length_and_reads_it)
{
    static struct length cases[] = {
        {0, "00"},     {1, "01"},       {127, "7F"},       {128, "8180"},
        {255, "81FF"}, {256, "820100"}, {65535, "82FFFF"},
    };
    return cr_make_param_array(struct length, cases, COUNT(cases));
}

ParameterizedTest(struct length *c, tlv, writes_the_shortest_length_and_reads_it)
{
    uint8_t room[4];
    char text[2 * OCTETS_OF_MAX + 1];
    struct cursor out = cursor_writer(room, sizeof room);
    tlv_put_len(&out, c->len);
    size_t used = (size_t)(out.at - room);
    cr_expect_str_eq(text_of((struct octets){room, used}, text), c->hex);
    cr_expect_eq(tlv_len_size(c->len), used);
    struct cursor in = cursor_reader(room, used);
    cr_expect_eq(tlv_get_len(&in), c->len);
    cr_expect_eq(in.err, ERR_NONE);
}

struct bad {
    char hex[16];
    enum err err;
    char why[48];
};

ParameterizedTestParameters(tlv, refuses)
{
    static struct bad cases[] = {
        {"", ERR_SIZE, "nothing"},
        {"80", ERR_SYNTAX, "indefinite length"},
        {"83000001AA", ERR_SYNTAX, "longer than any APDU"},
        {"FF", ERR_SYNTAX, "reserved"},
        {"81", ERR_SIZE, "length broken off"},
        {"8201", ERR_SIZE, "length broken off"},
        {"02AA", ERR_SIZE, "one octet too few"},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, tlv, refuses)
{
    uint8_t store[OCTETS_OF_MAX];
    struct octets octets = octets_of(c->hex, store);
    struct cursor in = cursor_reader(octets.at, octets.len);
    struct octets got = tlv_get_octets(&in);
    cr_expect_eq(in.err, c->err, "%s: %s", c->why, err_name(in.err));
    cr_expect_eq(got.len, 0, "%s", c->why);
}

Test(tlv, borrows_octets_and_the_rest)
{
    static const uint8_t octets[] = {2, 'a', 'b', 'c', 'd', 'e'};
    struct cursor in = cursor_reader(octets, sizeof octets);
    struct octets two = tlv_get_octets(&in);
    cr_expect_eq(two.at, octets + 1);
    cr_expect_eq(two.len, 2);
    struct octets rest = tlv_get_rest(&in);
    cr_expect_eq(rest.at, octets + 3);
    cr_expect_eq(rest.len, 3);
    cr_expect_eq(tlv_get_rest(&in).len, 0);
    cr_expect_eq(in.err, ERR_NONE);
}
