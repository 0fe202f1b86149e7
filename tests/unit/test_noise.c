// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/noise.h"

#include <criterion/criterion.h>

static struct noise_counts run(int64_t telegrams, int repeats, bool is_sealed, bool is_cunning)
{
    const struct noise_settings settings = {.seed = 88172645463325252,
                                            .telegrams = telegrams,
                                            .good_percent = 20,
                                            .repeats = repeats,
                                            .is_sealed = is_sealed,
                                            .is_cunning = is_cunning};
    struct noise_counts counts;
    noise_run(&settings, &counts);
    return counts;
}

Test(noise, never_makes_a_sealed_limit, .timeout = 120)
{
    struct noise_counts counts = run(100000, 1, true, false);
    cr_expect_eq(counts.wrong, 0);
    cr_expect_gt(counts.damaged, 70000);
    cr_expect_gt(counts.obeyed, 1000);
}

Test(noise, never_makes_a_sealed_limit_even_if_every_crc_matched, .timeout = 120)
{
    struct noise_counts counts = run(20000, 1, true, true);
    cr_expect_eq(counts.wrong, 0);
    cr_expect_gt(counts.passed, 8000);
    cr_expect_gt(counts.seals_read, 2000);
    cr_expect_gt(counts.obeyed, 1000);
}

Test(noise, would_make_limits_without_seal_and_crc)
{
    struct noise_counts counts = run(20000, 1, false, true);
    cr_expect_gt(counts.wrong, 20, "or this test shows nothing");
}

Test(noise, hides_few_good_telegrams)
{
    struct noise_counts counts = run(100000, 2, false, false);
    cr_expect_gt(counts.good_read, counts.good * 9 / 10, "%lld of %lld",
                 (long long)counts.good_read, (long long)counts.good);
    cr_expect_eq(counts.wrong, 0, "by two telegrams in a row");
}
