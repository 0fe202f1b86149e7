// SPDX-License-Identifier: Apache-2.0

#include "gateway/socket_share.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct sharing {
    int32_t limit_w;
    int count;
    int32_t least_w;
    int turn;
    int32_t shares[4];
    bool takes_turns;
    char why[40];
};

ParameterizedTestParameters(socket_share, shares)
{
    static struct sharing cases[] = {
        {11040, 1, 4140, 0, {11040}, false, "alone"},
        {11040, 2, 4140, 0, {5520, 5520}, false, "half each"},
        {10000, 3, 0, 0, {3333, 3333, 3333}, false, "rounded down"},
        {8000, 2, 4140, 0, {8000, 0}, true, "enough for one"},
        {8000, 2, 4140, 1, {0, 8000}, true, "the other's turn"},
        {8000, 2, 4140, 2, {8000, 0}, true, "and again"},
        {9000, 3, 4140, 2, {4500, 0, 4500}, true, "two of three, round the end"},
        {4139, 2, 4140, 0, {0, 0}, false, "too little for any"},
        {4140, 1, 4140, 7, {4140}, false, "just the least"},
        {0, 4, 1380, 3, {0, 0, 0, 0}, false, "nothing"},
    };
    return cr_make_param_array(struct sharing, cases, COUNT(cases));
}

ParameterizedTest(struct sharing *c, socket_share, shares)
{
    int32_t shares[SOCKET_SHARE_MAX], sum = 0;
    cr_expect_eq(socket_share(c->limit_w, c->count, c->least_w, c->turn, shares), c->takes_turns,
                 "%s", c->why);
    for (int i = 0; i < c->count; i++) {
        cr_expect_eq(shares[i], c->shares[i], "%s: %d gets %d W", c->why, i, shares[i]);
        sum += shares[i];
    }
    cr_expect_leq(sum, c->limit_w, "%s", c->why);
}
