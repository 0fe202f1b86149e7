// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/meter/seen.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct life {
    uint32_t counters[8];
    char said[9]; // of each: n new, l lower, r repeated
    size_t runs;
    char why[48];
};

ParameterizedTestParameters(seen, knows_every_counter_that_came)
{
    static struct life cases[] = {
        {{1, 2, 3, 4}, "nnnn", 1, "one after the other"},
        {{1, 129, 130, 257}, "nnnn", 3, "with gaps"},
        {{2, 3, 1, 1}, "nnlr", 1, "the token first reserved, last seen"},
        {{5, 5, 4, 6, 5}, "nrlnr", 1, "again and again"},
        {{10, 12, 11, 12, 10, 11}, "nnlrrr", 1, "two runs grow together"},
        {{4294967295, 0, 4294967295, 0}, "nlrr", 2, "both ends"},
        {{100, 50, 75, 74, 76, 75, 49}, "nllllrl", 3, "inserted between"},
    };
    return cr_make_param_array(struct life, cases, COUNT(cases));
}

ParameterizedTest(struct life *c, seen, knows_every_counter_that_came)
{
    struct seen seen = {0};
    char said[9] = "";
    for (size_t i = 0; c->said[i]; i++)
        said[i] = "nlr"[seen_note(&seen, c->counters[i])];
    cr_expect_str_eq(said, c->said, "%s", c->why);
    cr_expect_eq(seen.count, c->runs, "%s: %zu runs", c->why, seen.count);
    seen_free(&seen);
}

// Against a plain bitmap.
Test(seen, agrees_with_a_bitmap)
{
    enum { SPACE = 500 };
    struct seen seen = {0};
    bool came[SPACE] = {false};
    unsigned random = 7;
    for (int i = 0; i < 2000; i++) {
        random = random * 1103515245 + 12345;
        uint32_t counter = (random >> 16) % SPACE;
        bool higher = false;
        for (uint32_t k = counter + 1; k < SPACE; k++)
            higher |= came[k];
        enum seen_what expected = came[counter] ? SEEN_REPEATED : higher ? SEEN_LOWER : SEEN_NEW;
        cr_assert_eq(seen_note(&seen, counter), expected, "%d: %u", i, counter);
        came[counter] = true;
    }
    seen_free(&seen);
}
