// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/dali/ledger.h"

#include <criterion/criterion.h>
#include <string.h>

#define W_QUARTER_UJ (INT64_C(1000) * LEDGER_QUARTER_MS) // 1 W for a quarter hour

static const char street_text[] =
    "{\"transformers\":[{\"id\":\"T1\"}],"
    "\"feeders\":[{\"id\":\"F1\",\"transformer\":\"T1\"},{\"id\":\"F2\",\"transformer\":\"T1\"}],"
    "\"connections\":[{\"ean\":\"1\",\"feeder\":\"F2\",\"phases\":\"231\"},"
    "{\"ean\":\"2\",\"feeder\":\"F2\",\"phases\":\"3\"}],\"meters\":[],"
    "\"chargers\":[{\"id\":\"C1\",\"connection\":\"1\",\"max_a\":16},"
    "{\"id\":\"C2\",\"connection\":\"2\",\"max_a\":16}]}";

static struct street *street;
static struct ledger ledger;
static const int64_t first_ms = 100 * LEDGER_QUARTER_MS;

static void set_up(void)
{
    street = street_parse("test", street_text, strlen(street_text));
    cr_assert_not_null(street);
    ledger = ledger_new(street, first_ms, 3, first_ms);
}

static void tear_down(void)
{
    ledger_free(&ledger);
    street_free(street);
}

static void take(size_t charger, double quarters, int64_t l1_w, int64_t l2_w, int64_t l3_w)
{
    const int64_t p_mw[] = {l1_w * 1000, l2_w * 1000, l3_w * 1000};
    const int64_t free_mw[] = {4000000, 4000000, 4000000};
    ledger_take(&ledger, charger, first_ms + (int64_t)(quarters * (double)LEDGER_QUARTER_MS), p_mw,
                free_mw);
}

static void expect_w(size_t quarter, size_t feeder, int64_t l1_w, int64_t l2_w, int64_t l3_w)
{
    const int64_t wanted_w[] = {l1_w, l2_w, l3_w};
    for (int i = 0; i < STREET_PHASES; i++) {
        int64_t uj = ledger_cell(&ledger, quarter, feeder)->with_uj[i];
        cr_expect_eq(uj, wanted_w[i] * W_QUARTER_UJ, "quarter %zu, L%d: %jd uJ", quarter, i + 1,
                     (intmax_t)uj);
    }
}

Test(ledger, turns_phases_and_splits_quarters, .init = set_up, .fini = tear_down)
{
    take(0, 0.5, 1000, 2000, 3000); // on grid phases 2, 3, 1
    take(0, 1.5, 0, 0, 0);
    ledger_run(&ledger, first_ms + 2 * LEDGER_QUARTER_MS);
    expect_w(0, 1, 1500, 500, 1000);
    expect_w(1, 1, 1500, 500, 1000);
    expect_w(2, 1, 0, 0, 0);
    expect_w(0, 0, 0, 0, 0);
}

Test(ledger, sums_the_chargers_of_a_feeder, .init = set_up, .fini = tear_down)
{
    take(0, 0, 1000, 2000, 3000);
    take(1, 0, 500, 0, 0); // on grid phase 3
    ledger_run(&ledger, first_ms + LEDGER_QUARTER_MS);
    expect_w(0, 1, 3000, 1000, 2500);
    cr_expect_eq(ledger_cell(&ledger, 0, 1)->free_uj[2], 8000 * W_QUARTER_UJ);
    cr_expect_eq(ledger_cell(&ledger, 0, 1)->free_uj[0], 4000 * W_QUARTER_UJ);
}

Test(ledger, takes_late_news_until_the_quarter_is_closed, .init = set_up, .fini = tear_down)
{
    take(0, 0, 1000, 0, 0);
    ledger_run(&ledger, first_ms + LEDGER_QUARTER_MS);
    take(0, 0.5, 9000, 0, 0); // too late for the first quarter, but holds in the next
    ledger_run(&ledger, first_ms + 2 * LEDGER_QUARTER_MS);
    expect_w(0, 1, 0, 1000, 0);
    expect_w(1, 1, 0, 9000, 0);
}

Test(ledger, knows_its_first_and_last_quarter, .init = set_up, .fini = tear_down)
{
    take(0, -5, 1000, 0, 0);
    ledger_run(&ledger, first_ms + 9 * LEDGER_QUARTER_MS);
    for (size_t quarter = 0; quarter < 3; quarter++)
        expect_w(quarter, 1, 0, 1000, 0);
}
