// SPDX-License-Identifier: Apache-2.0

#include "base/id.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <pthread.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct utc EXAMPLE = {INT64_C(1645557742000) * 1000000}; // of RFC 9562, A.6

Test(id, begins_with_the_time_as_in_the_rfc)
{
    struct id id = id_new(EXAMPLE);
    char text[ID_TEXT_LEN + 1];
    id_format(&id, text);
    cr_expect(!strncmp(text, "017f22e2-79b0-7", 15), "%s", text);
    cr_expect(strchr("89ab", text[19]), "variant: %s", text);
}

static void expect_rising(int64_t step_ns)
{
    struct id before = id_new(EXAMPLE);
    for (int i = 1; i <= 20000; i++) {
        struct id id = id_new((struct utc){EXAMPLE.ns + i * step_ns});
        cr_assert_gt(id_compare(&id, &before), 0, "number %d", i);
        cr_assert_eq(id.octets[6] >> 4, 7);
        cr_assert_eq(id.octets[8] >> 6, 2);
        before = id;
    }
}

Test(id, rises_while_time_stands_still)
{
    expect_rising(0);
}
Test(id, rises_while_time_goes_back)
{
    expect_rising(-1000000000);
}
Test(id, rises_with_time)
{
    expect_rising(300000);
}

Test(id, is_random_behind_the_time)
{
    struct id a = id_new(EXAMPLE), b = id_new((struct utc){EXAMPLE.ns + 1000000});
    cr_expect_arr_neq(a.octets + 6, b.octets + 6, 10);
}

enum { THREADS = 4, EACH = 5000 };
static struct id made[THREADS * EACH];

static void *make_some(void *at)
{
    struct id *ids = at;
    for (int i = 0; i < EACH; i++)
        ids[i] = id_new(EXAMPLE);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return id_compare(a, b);
}

Test(id, is_unique_among_threads)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, make_some, &made[(size_t)i * EACH]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    qsort(made, COUNT(made), sizeof *made, compare);
    for (size_t i = 1; i < COUNT(made); i++)
        cr_assert_lt(id_compare(&made[i - 1], &made[i]), 0);
}

Test(id, reads_what_it_wrote)
{
    for (int i = 0; i < 1000; i++) {
        struct id id = id_new(EXAMPLE), back = {{0}};
        char text[ID_TEXT_LEN + 1];
        id_format(&id, text);
        cr_assert_eq(strlen(text), ID_TEXT_LEN);
        cr_assert_eq(id_parse(text, ID_TEXT_LEN, &back), ERR_NONE);
        cr_assert_eq(id_compare(&id, &back), 0);
    }
}

struct parsed {
    enum err err;
    char text[48];
    char why[40];
};

ParameterizedTestParameters(id, parses)
{
    static struct parsed cases[] = {
        {ERR_NONE, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f", "example of RFC 9562"},
        {ERR_NONE, "017F22E2-79B0-7CC3-98C4-DC0C0C07398F", "upper case"},
        {ERR_NONE, "00000000-0000-0000-0000-000000000000", "nil, of no version"},
        {ERR_SYNTAX, "", "nothing"},
        {ERR_SYNTAX, "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "one short"},
        {ERR_SYNTAX, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0", "one long"},
        {ERR_SYNTAX, "017f22e279b0-7cc3-98c4-dc0c0c07398f00", "a dash missing"},
        {ERR_SYNTAX, "017f22e2-79b0-7cc3-98c4_dc0c0c07398f", "another dash"},
        {ERR_SYNTAX, "017f22e-279b0-7cc3-98c4-dc0c0c07398f", "a dash elsewhere"},
        {ERR_SYNTAX, "017f22e2-79b0-7cc3-98c4-dc0c0c07398g", "not a digit"},
        {ERR_SYNTAX, "{17f22e2-79b0-7cc3-98c4-dc0c0c07398}", "braces"},
    };
    return cr_make_param_array(struct parsed, cases, COUNT(cases));
}

ParameterizedTest(struct parsed *c, id, parses)
{
    struct id id = {{42}};
    enum err err = id_parse(c->text, strlen(c->text), &id);
    cr_expect_eq(err, c->err, "%s: %s", c->why, err_name(err));
    if (err)
        cr_expect_eq(id.octets[0], 42, "%s: the result must stay untouched", c->why);
}

Test(id, reads_the_example_octet_by_octet)
{
    static const struct id example = {{0x01, 0x7f, 0x22, 0xe2, 0x79, 0xb0, 0x7c, 0xc3, 0x98, 0xc4,
                                       0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f}};
    struct id id;
    cr_assert_eq(id_parse("017f22e2-79b0-7cc3-98c4-dc0c0c07398f", ID_TEXT_LEN, &id), ERR_NONE);
    cr_expect_eq(id_compare(&id, &example), 0);
}
