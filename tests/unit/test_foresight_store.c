// SPDX-License-Identifier: Apache-2.0

#include "base/clock.h"
#include "services/planner/foresight_store.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

static const int64_t NOW = 1768410000;

static struct foresight *learnt(int transformer, int64_t looked)
{
    struct foresight *foresight = foresight_new(transformer);
    foresight->looked = looked;
    return foresight;
}

Test(foresight_store, wants_what_it_lacks_once)
{
    struct foresight_store *store = foresight_store_new();
    int taken[4];
    cr_expect(!foresight_store_wants(store));
    for (int twice = 0; twice < 2; twice++)
        for (int transformer = 900; transformer > 0; transformer -= 299)
            cr_expect_null(foresight_store_get(store, transformer, NOW));
    cr_expect(foresight_store_wants(store));
    cr_expect_eq(foresight_store_take_wanted(store, taken, 3), 3);
    cr_expect_eq(foresight_store_take_wanted(store, taken + 3, 1), 1);
    cr_expect(taken[0] < taken[1] && taken[1] < taken[2], "in order");
    cr_expect_eq(taken[0] + taken[1] + taken[2] + taken[3], 900 + 601 + 302 + 3);
    cr_expect_eq(foresight_store_take_wanted(store, taken, 4), 0);
    foresight_store_want(store, 302);
    cr_expect_eq(foresight_store_take_wanted(store, taken, 4), 1, "that could not be recovered");
    cr_expect_eq(taken[0], 302);
    foresight_store_free(store);
}

Test(foresight_store, gives_what_it_got_until_it_is_old)
{
    struct foresight_store *store = foresight_store_new();
    struct foresight *first = learnt(5, NOW);
    foresight_store_put(store, first);
    cr_expect_eq(foresight_store_get(store, 5, NOW + FACTS_FRESH * QUARTER_S), first);
    cr_expect(!foresight_store_wants(store));
    cr_expect_null(foresight_store_get(store, 5, NOW + (FACTS_FRESH + 1) * QUARTER_S));
    cr_expect(foresight_store_wants(store));
    struct foresight *second = learnt(5, NOW + 9 * QUARTER_S);
    foresight_store_put(store, second);
    foresight_store_trim(store, NOW + 17 * QUARTER_S);
    cr_expect_eq(foresight_store_get(store, 5, NOW + 9 * QUARTER_S), second, "kept by the trim");
    foresight_store_trim(store, NOW + 18 * QUARTER_S);
    cr_expect_null(foresight_store_get(store, 5, NOW + 9 * QUARTER_S), "trimmed");
    foresight_store_free(store);
}

struct crowd_case {
    int wanted, days;
    char why[40];
};

ParameterizedTestParameters(foresight_store, reads_less_history_of_many)
{
    static struct crowd_case cases[] = {
        {1, 28, "one"},        {500, 28, "still all of it"}, {501, 27, "a little less"},
        {2000, 7, "a week"},   {7000, 2, "two days"},        {100000, 2, "never less"},
        {0, 28, "none at all"}};
    return cr_make_param_array(struct crowd_case, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest(struct crowd_case *c, foresight_store, reads_less_history_of_many)
{
    struct foresight_store *store = foresight_store_new();
    int taken[64];
    for (int transformer = 1; transformer <= c->wanted; transformer++)
        foresight_store_want(store, transformer);
    // The same for the first and the last of them.
    while (c->wanted && foresight_store_wants(store)) {
        cr_assert_eq(foresight_store_history_s(store), c->days * (int64_t)24 * 3600, "%s", c->why);
        foresight_store_take_wanted(store, taken, 64);
    }
    cr_expect_eq(foresight_store_history_s(store), (int64_t)28 * 24 * 3600, "and then all again");
    foresight_store_free(store);
}
