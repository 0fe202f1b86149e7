// SPDX-License-Identifier: Apache-2.0

#include "services/audit/rate_limit.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define S INT64_C(1000000000)

// How many of tries at one instant pass.
static int passing(struct rate_limit *limit, const char *client, int64_t now_ns, int tries)
{
    int count = 0;
    while (tries--)
        count += !rate_limit_take(limit, client, now_ns);
    return count;
}

Test(rate_limit, lets_a_burst_pass_and_then_the_rate)
{
    struct rate_limit *limit = rate_limit_new(2, 5);
    cr_expect_eq(passing(limit, "192.0.2.1", 100 * S, 20), 5);
    cr_expect_eq(passing(limit, "192.0.2.1", 101 * S, 20), 2);
    cr_expect_eq(passing(limit, "192.0.2.1", 101 * S + S / 2, 20), 1);
    cr_expect_eq(passing(limit, "192.0.2.1", 900 * S, 20), 5, "no more than the burst");
    rate_limit_free(limit);
}

Test(rate_limit, says_when_it_is_worth_another_try)
{
    struct rate_limit *limit = rate_limit_new(2, 1);
    cr_expect_eq(rate_limit_take(limit, "192.0.2.1", 100 * S), 0);
    int64_t wait_ns = rate_limit_take(limit, "192.0.2.1", 100 * S);
    cr_expect(wait_ns > S / 2 - 10 && wait_ns < S / 2 + 10, "%jd", (intmax_t)wait_ns);
    cr_expect_neq(rate_limit_take(limit, "192.0.2.1", 100 * S + wait_ns / 2), 0);
    cr_expect_eq(rate_limit_take(limit, "192.0.2.1", 100 * S + wait_ns), 0);
    rate_limit_free(limit);
}

Test(rate_limit, counts_each_client_on_its_own)
{
    struct rate_limit *limit = rate_limit_new(1, 1);
    cr_expect_eq(passing(limit, "192.0.2.1", 0, 3), 1);
    cr_expect_eq(passing(limit, "192.0.2.2", 0, 3), 1);
    cr_expect_eq(passing(limit, "2001:db8:0:1::1", 0, 3), 1);
    cr_expect_eq(passing(limit, "2001:db8:0:1:ffff::2", 0, 3), 0, "the same customer's network");
    cr_expect_eq(passing(limit, "2001:db8:0:2::1", 0, 3), 1);
    rate_limit_free(limit);
}

Test(rate_limit, can_be_off)
{
    struct rate_limit *limit = rate_limit_new(0, 1);
    cr_expect_eq(passing(limit, "192.0.2.1", 0, 1000), 1000);
    rate_limit_free(limit);
}

Test(rate_limit, keeps_working_in_a_crowd)
{
    struct rate_limit *limit = rate_limit_new(1, 1);
    for (int i = 0; i < 100000; i++) {
        char client[32];
        snprintf(client, sizeof client, "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        cr_assert_eq(passing(limit, client, i, 2), 1, "%s", client);
    }
    rate_limit_free(limit);
}

Test(rate_limit, forgets_whom_it_heard_last_the_longest_ago)
{
    struct rate_limit *limit = rate_limit_new(1, 1);
    char client[32], before[32] = "192.0.2.1";
    cr_assert_eq(passing(limit, before, 0, 1), 1);
    for (int i = 1; i < 100000; i++) {
        snprintf(client, sizeof client, "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        cr_assert_eq(passing(limit, client, i, 1), 1);
        cr_assert_eq(passing(limit, before, i, 1), 0, "a newcomer set %s free", before);
        snprintf(before, sizeof before, "%s", client);
    }
    rate_limit_free(limit);
}

Test(rate_limit, lets_one_request_pass_at_least)
{
    struct rate_limit *limit = rate_limit_new(1, 0);
    cr_expect_eq(passing(limit, "192.0.2.1", 100 * S, 3), 1);
    rate_limit_free(limit);
}

Test(rate_limit, says_less_when_part_of_the_wait_is_over)
{
    struct rate_limit *limit = rate_limit_new(2, 1);
    cr_expect_eq(rate_limit_take(limit, "192.0.2.1", 100 * S), 0);
    int64_t wait_ns = rate_limit_take(limit, "192.0.2.1", 100 * S + S / 4);
    cr_expect(wait_ns > S / 4 - 10 && wait_ns < S / 4 + 10, "%jd", (intmax_t)wait_ns);
    rate_limit_free(limit);
}
