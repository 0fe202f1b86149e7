// SPDX-License-Identifier: Apache-2.0
// The expected digests were made with another program (Python's hashlib) from the form that
// sql/006_audit.sql tells.

#include "wire/trail_link.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct trail_text text_of(const char *text)
{
    return (struct trail_text){text, strlen(text)};
}

static void expect_digest(const struct digest *digest, const char *wanted)
{
    char hex[DIGEST_TEXT_LEN + 1];
    digest_format(digest, hex);
    cr_expect_str_eq(hex, wanted);
}

Test(trail_link, seals_as_the_database_does)
{
    struct trail_event event = {.id = 7,
                                .at_us = 1768406400000000,
                                .program = text_of("socmod-p3"),
                                .kind = text_of("delivery.failed"),
                                .subject = text_of("\xc3\xa9 1"),
                                .data = text_of("{\"n\": 1.50}")};
    struct digest content = trail_content(&event), zeros = {0};
    expect_digest(&content, "da4c6a121a37a145095f500cffae28a4eb78ed5495a5710183b954106c908589");
    struct digest first = trail_link(&zeros, 2, 1, &content);
    expect_digest(&first, "d512e7e05d9ccc748f0eeca00cc1465cbb982476860fba4c8c842845863b7988");

    struct trail_event next = {.id = 9,
                               .at_us = -500000,
                               .program = text_of(""),
                               .kind = text_of("a.b"),
                               .subject = text_of(""),
                               .data = text_of("{}")};
    content = trail_content(&next);
    expect_digest(&content, "4cfd1d3dc517465bba063080e131df4484a1dbc1f8172f710d34c37979c946be");
    struct digest second = trail_link(&first, 2, 2, &content);
    expect_digest(&second, "4e1ab64ddffb6369723f4e98a541157f96c5d6dad4bc49fcfcd4c6b71711e3ef");
}

Test(trail_link, seals_a_long_text)
{
    static char long_text[20000];
    memset(long_text, 'x', sizeof long_text);
    struct trail_event event = {.data = {long_text, sizeof long_text}};
    struct digest whole = trail_content(&event);
    event.data.len--;
    struct digest shorter = trail_content(&event);
    cr_expect(memcmp(whole.octets, shorter.octets, DIGEST_LEN) != 0);
}

// Pairs that a careless form would not tell apart.
struct pair {
    char program[2][8], kind[2][8], subject[2][8], data[2][8];
};

ParameterizedTestParameters(trail_link, tells_apart)
{
    static struct pair cases[] = {
        {{"ab", "a"}, {"c", "bc"}, {"", ""}, {"{}", "{}"}},
        {{"a", "a"}, {"b", "b"}, {"1 x", "1"}, {"", " x"}},
        {{"", "0 "}, {"0 ", ""}, {"", ""}, {"", ""}},
    };
    return cr_make_param_array(struct pair, cases, COUNT(cases));
}

ParameterizedTest(struct pair *c, trail_link, tells_apart)
{
    struct digest digest[2];
    for (int i = 0; i < 2; i++) {
        struct trail_event event = {.program = text_of(c->program[i]),
                                    .kind = text_of(c->kind[i]),
                                    .subject = text_of(c->subject[i]),
                                    .data = text_of(c->data[i])};
        digest[i] = trail_content(&event);
    }
    cr_expect(memcmp(&digest[0], &digest[1], sizeof digest[0]) != 0);
}

struct time_case {
    int64_t us;
    char text[TRAIL_AT_LEN + 1];
};

ParameterizedTestParameters(trail_link, writes_times)
{
    static struct time_case cases[] = {
        {0, "0.000000"},
        {1, "0.000001"},
        {-1, "-0.000001"},
        {-1500000, "-1.500000"},
        {1768406400123456, "1768406400.123456"},
        {INT64_MIN, "-9223372036854.775808"},
        {INT64_MAX, "9223372036854.775807"},
    };
    return cr_make_param_array(struct time_case, cases, COUNT(cases));
}

ParameterizedTest(struct time_case *c, trail_link, writes_times)
{
    char text[TRAIL_AT_LEN + 1];
    trail_at(c->us, text);
    cr_expect_str_eq(text, c->text);
}
