// SPDX-License-Identifier: Apache-2.0

#include "services/admin/key_set.h"

#include <criterion/criterion.h>
#include <stdio.h>

Test(key_set, tells_the_line_of_a_key_that_is_there)
{
    struct key_set *set = key_set_new();
    cr_expect_eq(key_set_line(set, "a"), 0);
    cr_expect_eq(key_set_add(set, "a", 3), 0);
    cr_expect_eq(key_set_add(set, "", 4), 0, "an empty key is a key");
    cr_expect_eq(key_set_add(set, "a", 5), 3);
    cr_expect_eq(key_set_line(set, "a"), 3, "the first stays");
    cr_expect_eq(key_set_line(set, ""), 4);
    key_set_free(set);
    key_set_free(NULL);
}

Test(key_set, keeps_many)
{
    enum { MANY = 50000 };
    struct key_set *set = key_set_new();
    char key[32];
    for (int i = 1; i <= MANY; i++) {
        snprintf(key, sizeof key, "%018d", i);
        cr_assert_eq(key_set_add(set, key, i), 0);
    }
    for (int i = 1; i <= MANY; i++) {
        snprintf(key, sizeof key, "%018d", i);
        cr_assert_eq(key_set_line(set, key), i);
    }
    cr_expect_eq(key_set_line(set, "000000000000000000"), 0);
    key_set_free(set);
}
