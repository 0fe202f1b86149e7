// SPDX-License-Identifier: Apache-2.0

#include "base/buffer.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(buffer, keeps_what_is_added_in_order)
{
    struct buffer buffer = {0};
    buffer_add(&buffer, "abc", 2);
    buffer_add_char(&buffer, '-');
    buffer_add_text(&buffer, "text");
    buffer_add_format(&buffer, "%d%s", 7, "!");
    cr_expect_eq(buffer.len, 9);
    char *text = buffer_take(&buffer);
    cr_expect_str_eq(text, "ab-text7!");
    free(text);
}

Test(buffer, grows_whatever_comes)
{
    static char much[20000];
    memset(much, 'x', sizeof much - 1);
    struct buffer buffer = {0};
    for (int i = 0; i < 5000; i++)
        buffer_add_char(&buffer, 'a');
    buffer_add_format(&buffer, "%s", much);
    buffer_add(&buffer, much, sizeof much - 1);
    size_t len = 5000 + 2 * (sizeof much - 1);
    cr_expect_eq(buffer.len, len);
    char *text = buffer_take(&buffer);
    cr_expect_eq(strlen(text), len);
    cr_expect_eq(strspn(text, "a"), 5000);
    cr_expect_eq(strspn(text + 5000, "x"), len - 5000);
    free(text);
}

Test(buffer, holds_nothing_before_and_after)
{
    struct buffer buffer = {0};
    char *text = buffer_take(&buffer);
    cr_expect_str_eq(text, "");
    free(text);
    buffer_add(&buffer, "", 0);
    buffer_add_text(&buffer, "x");
    free(buffer_take(&buffer));
    cr_expect_eq(buffer.len, 0);
    cr_expect_null(buffer.octets);
    text = buffer_take(&buffer);
    cr_expect_str_eq(text, "");
    free(text);
}
