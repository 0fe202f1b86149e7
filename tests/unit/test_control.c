// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/control.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct order {
    char text[100];
    enum err err;
    char word[16], name[16];
    int64_t number;
};

ParameterizedTestParameters(control, reads)
{
    static struct order cases[] = {
        {"silent C03", ERR_NONE, "silent", "C03", CONTROL_NO_NUMBER},
        {" slow  E1 1500\n", ERR_NONE, "slow", "E1", 1500},
        {"clear *", ERR_NONE, "clear", "*", CONTROL_NO_NUMBER},
        {"silent", ERR_SYNTAX, "", "", 0},
        {"", ERR_SYNTAX, "", "", 0},
        {"slow E1 fast", ERR_SYNTAX, "", "", 0},
        {"slow E1 -1", ERR_SYNTAX, "", "", 0},
        {"slow E1 99999999999999999999", ERR_SYNTAX, "", "", 0},
        {"slow E1 1 2", ERR_SYNTAX, "", "", 0},
    };
    return cr_make_param_array(struct order, cases, COUNT(cases));
}

ParameterizedTest(struct order *c, control, reads)
{
    struct control order = {.number = 42};
    cr_assert_eq(control_read(c->text, &order), c->err, "%s", c->text);
    if (c->err) {
        cr_expect_eq(order.number, 42, "%s: the result must stay untouched", c->text);
        return;
    }
    cr_expect_str_eq(order.word, c->word);
    cr_expect_str_eq(order.name, c->name);
    cr_expect_eq(order.number, c->number);
}
