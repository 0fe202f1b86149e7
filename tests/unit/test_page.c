// SPDX-License-Identifier: Apache-2.0

#include "services/audit/page.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct walk {
    char kinds[4];
    char keys[PAGE_KEYS][PAGE_KEY_MAX + 1]; // as the database gave them
    char params[PAGE_KEYS][PAGE_KEY_MAX + 1];
};

ParameterizedTestParameters(page, comes_back)
{
    static struct walk cases[] = {
        {"i", {"7"}, {"7"}},
        {"i", {"-7"}, {"-7"}},
        {"i", {"999999999999999999"}, {"999999999999999999"}},
        {"t", {"1768407300250001"}, {"2026-01-14 16:15:00.250001Z"}},
        {"t", {"0"}, {"1970-01-01 00:00:00.000000Z"}},
        {"tu",
         {"1768407300000000", "019bbd80-0000-7000-8000-000000000001"},
         {"2026-01-14 16:15:00.000000Z", "019bbd80-0000-7000-8000-000000000001"}},
        {"tiu",
         {"1768407300000000", "12", "019bbd80-0000-7000-8000-000000000001"},
         {"2026-01-14 16:15:00.000000Z", "12", "019bbd80-0000-7000-8000-000000000001"}},
    };
    return cr_make_param_array(struct walk, cases, COUNT(cases));
}

ParameterizedTest(struct walk *c, page, comes_back)
{
    const char *keys[PAGE_KEYS] = {c->keys[0], c->keys[1], c->keys[2]};
    char cursor[PAGE_CURSOR_MAX + 1];
    struct page_key read[PAGE_KEYS] = {0};
    page_encode("list", c->kinds, keys, cursor);
    cr_expect_eq(strspn(cursor, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
                 strlen(cursor), "%s may not stand in a URL", cursor);
    cr_assert_eq(page_decode(cursor, "list", c->kinds, read), ERR_NONE, "%s", cursor);
    for (size_t i = 0; i < strlen(c->kinds); i++)
        cr_expect_str_eq(read[i].text, c->params[i]);
}

// Base64url of: list\n7 is bGlzdAo3, made with another program.
struct forged {
    char cursor[210];
    enum err err;
    char why[40];
};

ParameterizedTestParameters(page, refuses)
{
    static struct forged cases[] = {
        {"bGlzdAo3", ERR_NONE, "right"},
        {"", ERR_SYNTAX, "empty"},
        {"bGlzdAo", ERR_SYNTAX, "key missing"},
        {"bGlzdA", ERR_SYNTAX, "all keys missing"},
        {"bGlzdAo3CjgK", ERR_SYNTAX, "a key too many"},
        {"bGlzdAo3Ow", ERR_SYNTAX, "not a number"},
        {"bGlzdDIKNw", ERR_SYNTAX, "of another list"},
        {"bGlzdAo3==", ERR_SYNTAX, "padding"},
        {"bGlz dAo3", ERR_SYNTAX, "a blank"},
        {"bGlzdAo3AA", ERR_SYNTAX, "a NUL inside"},
        {"bGlzdAo5OTk5OTk5OTk5OTk5OTk5OTk5", ERR_SYNTAX, "a number of 21 digits"},
    };
    return cr_make_param_array(struct forged, cases, COUNT(cases));
}

ParameterizedTest(struct forged *c, page, refuses)
{
    struct page_key read[PAGE_KEYS] = {{"untouched"}};
    enum err err = page_decode(c->cursor, "list", "i", read);
    cr_expect_eq(err, c->err, "%s: %s", c->why, err_name(err));
    cr_expect_str_eq(read[0].text, c->err ? "untouched" : "7", "%s", c->why);
}

Test(page, refuses_a_cursor_that_is_too_long)
{
    char cursor[PAGE_CURSOR_MAX + 50] = {0};
    struct page_key read[PAGE_KEYS];
    memset(cursor, 'A', sizeof cursor - 1);
    cr_expect_eq(page_decode(cursor, "list", "i", read), ERR_SYNTAX);
}

Test(page, refuses_times_that_no_database_takes)
{
    const char *keys[] = {"7258118400000001"};
    char cursor[PAGE_CURSOR_MAX + 1];
    struct page_key read[PAGE_KEYS];
    page_encode("list", "t", keys, cursor);
    cr_expect_eq(page_decode(cursor, "list", "t", read), ERR_RANGE);
    keys[0] = "-1";
    page_encode("list", "t", keys, cursor);
    cr_expect_eq(page_decode(cursor, "list", "t", read), ERR_RANGE);
}
