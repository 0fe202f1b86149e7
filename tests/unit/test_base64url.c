// SPDX-License-Identifier: Apache-2.0

#include "base/base64url.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdint.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct good {
    char octets[8];
    size_t len;
    char text[16];
};

ParameterizedTestParameters(base64url, reads_and_writes_back)
{
    static struct good cases[] = {
        {"", 0, ""},
        {"f", 1, "Zg"},
        {"fo", 2, "Zm8"},
        {"foo", 3, "Zm9v"},
        {"foob", 4, "Zm9vYg"},
        {"fooba", 5, "Zm9vYmE"},
        {"foobar", 6, "Zm9vYmFy"},
        {"\xfb\xff\xbe", 3, "-_--"},
        {"\0\0\0", 3, "AAAA"},
    };
    return cr_make_param_array(struct good, cases, COUNT(cases));
}

ParameterizedTest(struct good *c, base64url, reads_and_writes_back)
{
    char text[16] = "", octets[8];
    base64url_encode(c->octets, c->len, text);
    cr_expect_str_eq(text, c->text);
    cr_assert_eq(base64url_decode(c->text, strlen(c->text), octets, c->len), ERR_NONE);
    cr_expect_arr_eq(octets, c->octets, c->len);
}

struct bad {
    char text[16];
    size_t len;
    enum err err;
    char why[40];
};

ParameterizedTestParameters(base64url, refuses)
{
    static struct bad cases[] = {
        {"Zm9", 3, ERR_SIZE, "a character is missing"},
        {"Zm9vYg==", 4, ERR_SIZE, "padding"},
        {"Zm9v", 2, ERR_SIZE, "more than asked for"},
        {"Zm9+", 3, ERR_SYNTAX, "the other alphabet"},
        {"Zm 9", 3, ERR_SYNTAX, "a blank"},
        {"Zm9\xff", 3, ERR_SYNTAX, "no ASCII"},
        {"Zh", 1, ERR_SYNTAX, "a second text for the same octet"},
        {"Zm9", 2, ERR_SYNTAX, "likewise, for two"},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, base64url, refuses)
{
    char octets[8] = "untouch";
    cr_expect_eq(base64url_decode(c->text, strlen(c->text), octets, c->len), c->err, "%s", c->why);
    cr_expect_str_eq(octets, "untouch", "%s", c->why);
}

Test(base64url, refuses_a_nul)
{
    char octet;
    cr_expect_eq(base64url_decode("Z", 2, &octet, 1), ERR_SYNTAX);
}
