// SPDX-License-Identifier: Apache-2.0

#include "base/digest.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct known {
    char text[64];
    char digest[DIGEST_TEXT_LEN + 1];
    char why[40];
};

ParameterizedTestParameters(digest, is_as_published)
{
    static struct known cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "nothing"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
         "example of FIPS 180, one block"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
         "example of FIPS 180, two blocks"},
    };
    return cr_make_param_array(struct known, cases, COUNT(cases));
}

ParameterizedTest(struct known *c, digest, is_as_published)
{
    struct digest digest = digest_of(c->text, strlen(c->text));
    char text[DIGEST_TEXT_LEN + 1];
    digest_format(&digest, text);
    cr_expect_str_eq(text, c->digest, "%s", c->why);
}

Test(digest, of_nothing_at_no_address)
{
    struct digest a = digest_of(NULL, 0), b = digest_of("", 0);
    cr_expect_arr_eq(a.octets, b.octets, DIGEST_LEN);
}

struct hex {
    enum err err;
    size_t count;
    char text[12];
    uint8_t octets[4];
    char why[40];
};

ParameterizedTestParameters(hex, parses)
{
    static struct hex cases[] = {
        {ERR_NONE, 0, "", {0}, "nothing is nothing"},
        {ERR_NONE, 4, "00097fff", {0x00, 0x09, 0x7F, 0xFF}, "digits"},
        {ERR_NONE, 3, "aAfFA0", {0xAA, 0xFF, 0xA0}, "either case"},
        {ERR_SIZE, 0, "0011223344", {0}, "one octet more than fits"},
        {ERR_SYNTAX, 0, "0", {0}, "half an octet"},
        {ERR_SYNTAX, 0, "0g", {0}, "above f"},
        {ERR_SYNTAX, 0, "0G", {0}, "above F"},
        {ERR_SYNTAX, 0, "/0", {0}, "below 0"},
        {ERR_SYNTAX, 0, ":0", {0}, "above 9"},
        {ERR_SYNTAX, 0, "@0", {0}, "below A"},
        {ERR_SYNTAX, 0, "`0", {0}, "below a"},
        {ERR_SYNTAX, 0, "0x", {0}, "a prefix"},
        {ERR_SYNTAX, 0, "00 0", {0}, "a blank"},
        {ERR_SYNTAX, 0, "0\xB3", {0}, "an octet above 7F"},
    };
    return cr_make_param_array(struct hex, cases, COUNT(cases));
}

ParameterizedTest(struct hex *c, hex, parses)
{
    uint8_t octets[4] = {0};
    size_t count = 42;
    enum err err = hex_parse(c->text, strlen(c->text), octets, sizeof octets, &count);
    cr_expect_eq(err, c->err, "%s: %s", c->why, err_name(err));
    cr_expect_eq(count, err ? 42 : c->count, "%s: %zu", c->why, count);
    cr_expect_arr_eq(octets, c->octets, sizeof octets, "%s", c->why);
}

Test(hex, writes_every_octet_and_reads_it_back)
{
    uint8_t octets[256], back[256];
    char text[513];
    for (int i = 0; i < 256; i++)
        octets[i] = (uint8_t)i;
    hex_format(octets, sizeof octets, text, sizeof text);
    cr_expect_eq(strlen(text), 512);
    cr_expect(!strncmp(text, "000102", 6) && !strcmp(text + 506, "fdfeff"), "%s", text);
    size_t count = 0;
    cr_assert_eq(hex_parse(text, 512, back, sizeof back, &count), ERR_NONE);
    cr_expect_eq(count, 256);
    cr_expect_arr_eq(octets, back, sizeof octets);
}
