// SPDX-License-Identifier: Apache-2.0

#include "services/audit/bearer.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct header {
    char text[64];
    char token[32]; // "": none
};

ParameterizedTestParameters(bearer, reads_a_header)
{
    static struct header cases[] = {
        {"Bearer abc-123", "abc-123"},
        {"bearer abc", "abc"},
        {"BEARER   abc", "abc"},
        {"Bearer mF_9.B5f-4.1JqM==", "mF_9.B5f-4.1JqM=="},
        {"Bearer ", ""},
        {"Bearer", ""},
        {"Bearer ==", ""},
        {"Bearer a=b", ""},
        {"Bearer a b", ""},
        {"Bearer a,b", ""},
        {"Bearer abc ", ""},
        {"Bearer \xc3\xa9", ""},
        {"Basic abc", ""},
        {"Bearerabc", ""},
        {"", ""},
    };
    return cr_make_param_array(struct header, cases, COUNT(cases));
}

ParameterizedTest(struct header *c, bearer, reads_a_header)
{
    size_t len = 0;
    const char *token = bearer_token(c->text, &len);
    if (!*c->token) {
        cr_expect_null(token, "%s", c->text);
        return;
    }
    cr_assert_not_null(token, "%s", c->text);
    cr_expect_eq(len, strlen(c->token), "%s", c->text);
    cr_expect_eq(strncmp(token, c->token, len), 0, "%s", c->text);
}

Test(bearer, has_none_without_a_header)
{
    size_t len;
    cr_expect_null(bearer_token(NULL, &len));
}
