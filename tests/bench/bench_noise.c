// SPDX-License-Identifier: Apache-2.0
// How often does a bad line make a limit that nobody sent? A million telegrams, four of five of
// them damaged; and as many whose CRC matches all the same, which takes 65536 times as long
// otherwise. Fails if sealing lets one pass.

#include "tests/peer/noise.h"

#include <stdio.h>
#include <stdlib.h>

static const double CRC_VALUES = 65536;

static struct noise_counts run(int64_t telegrams, int repeats, bool is_sealed, bool is_cunning)
{
    const struct noise_settings settings = {.seed = 362436069362436069,
                                            .telegrams = telegrams,
                                            .good_percent = 20,
                                            .repeats = repeats,
                                            .is_sealed = is_sealed,
                                            .is_cunning = is_cunning};
    struct noise_counts counts;
    noise_run(&settings, &counts);
    return counts;
}

int main(void)
{
    struct noise_counts sealed = run(1000000, 1, true, false);
    printf("noise_damaged %lld telegrams\n", (long long)sealed.damaged);
    printf("noise_crc_matched %lld telegrams\n", (long long)sealed.passed);
    printf("noise_good_read %.2f %%\n", 100.0 * (double)sealed.good_read / (double)sealed.good);
    printf("noise_wrong_limits_sealed %lld telegrams\n", (long long)sealed.wrong);

    struct noise_counts plain = run(1000000, 1, false, false);
    printf("noise_wrong_limits_plain_1_telegram %lld telegrams\n", (long long)plain.wrong);
    struct noise_counts twice = run(1000000, 2, false, false);
    printf("noise_wrong_limits_plain_2_telegrams %lld telegrams\n", (long long)twice.wrong);

    struct noise_counts cunning = run(300000, 1, false, true);
    double share = (double)cunning.wrong / (double)cunning.passed;
    printf("noise_wrong_limits_if_crc_matches %.1f %%\n", 100 * share);
    printf("noise_damaged_telegrams_per_wrong_limit %.0f telegrams\n", CRC_VALUES / share);
    struct noise_counts both = run(100000, 1, true, true);
    printf("noise_wrong_limits_sealed_if_crc_matches %lld of %lld\n", (long long)both.wrong,
           (long long)both.passed);
    return sealed.wrong || both.wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
