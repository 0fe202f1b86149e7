// SPDX-License-Identifier: Apache-2.0

#include "base/clock.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static double real_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void expect_near(double got, double wanted, double slack, const char *why)
{
    cr_expect(got > wanted - slack && got < wanted + slack, "%s: %f, wanted %f", why, got, wanted);
}

static double utc_s(void)
{
    return (double)clock_utc().ns / 1e9;
}

static double mono_s(void)
{
    return (double)clock_mono().ns / 1e9;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

Test(clock, shows_the_real_time_until_told_otherwise)
{
    expect_near(utc_s(), real_now(), 1, "utc");
    expect_near((double)clock_utc_s(), real_now(), 1.5, "whole seconds");
    cr_expect_eq(clock_machine_ns(5), 5);
    cr_expect_eq(clock_real_ns(5), 5);
}

Test(clock, runs_with_the_hands)
{
    char hands[96];
    snprintf(hands, sizeof hands, "2026-01-14T14:00:00Z %.6f 300", real_now() - 2);
    cr_assert_eq(clock_set_hands(hands), ERR_NONE);
    expect_near(utc_s(), 1768399200 + 600, 60, "two seconds ago it showed 14:00");
    double utc = utc_s(), mono = mono_s(), real = real_now();
    pause_ms(50);
    double passed = (real_now() - real) * 300;
    expect_near(utc_s() - utc, passed, passed / 5, "utc");
    expect_near(mono_s() - mono, passed, passed / 5, "mono");
    cr_expect_eq(clock_machine_ns(SECONDS_NS), 300 * SECONDS_NS);
    cr_expect_eq(clock_real_ns(900 * SECONDS_NS), 3 * SECONDS_NS);
}

Test(clock, shows_another_day_at_the_usual_rate)
{
    char hands[96];
    snprintf(hands, sizeof hands, "2024-10-27T00:00:00Z %.6f 1", real_now());
    cr_assert_eq(clock_set_hands(hands), ERR_NONE);
    expect_near(utc_s(), 1729987200, 1, "utc");
    cr_expect_eq(clock_machine_ns(SECONDS_NS), SECONDS_NS);
}

Test(clock, waits_for_a_time_still_to_come)
{
    char hands[96];
    snprintf(hands, sizeof hands, "2026-01-14T14:00:00Z %.6f 300", real_now() + 2);
    cr_assert_eq(clock_set_hands(hands), ERR_NONE);
    expect_near(utc_s(), 1768399200 - 600, 60, "in two seconds it will show 14:00");
}

// Every process with the same hands shows the same time: the time of setting does not matter.
Test(clock, does_not_depend_on_when_the_hands_were_set)
{
    char hands[96];
    snprintf(hands, sizeof hands, "2026-01-14T14:00:00Z %.6f 300", real_now() - 1);
    cr_assert_eq(clock_set_hands(hands), ERR_NONE);
    double before = utc_s();
    cr_assert_eq(clock_set_hands(hands), ERR_NONE);
    expect_near(utc_s(), before, 30, "set again");
}

// The uptime of this machine times 10,000 may well not fit in 63 bits of nanoseconds.
Test(clock, keeps_mono_small_at_the_highest_rate)
{
    char hands[96];
    snprintf(hands, sizeof hands, "2026-01-14T14:00:00Z %.6f 10000", real_now());
    cr_assert_eq(clock_set_hands(hands), ERR_NONE);
    cr_expect(mono_s() >= 0 && mono_s() < 10000 * 60, "%f", mono_s());
}

Test(clock, goes_back_to_the_real_time)
{
    char hands[96];
    snprintf(hands, sizeof hands, "2026-01-14T14:00:00Z %.6f 300", real_now());
    cr_assert_eq(clock_set_hands(hands), ERR_NONE);
    cr_assert_eq(clock_set_hands(""), ERR_NONE);
    expect_near(utc_s(), real_now(), 1, "utc");
    cr_expect_eq(clock_machine_ns(7), 7);
}

struct bad {
    char text[64];
    enum err err;
    char why[48];
};

ParameterizedTestParameters(clock, refuses_hands)
{
    static struct bad cases[] = {
        {" ", ERR_SYNTAX, "nothing in it"},
        {"2026-01-14T14:00:00Z", ERR_SYNTAX, "one word"},
        {"2026-01-14T14:00:00Z 1763683200", ERR_SYNTAX, "two words"},
        {"2026-01-14T14:00:00Z 1763683200 300 x", ERR_SYNTAX, "more behind it"},
        {"2026-01-14 1763683200 300", ERR_SYNTAX, "no time"},
        {"2026-01-14T24:00:00Z 1763683200 300", ERR_RANGE, "no such time"},
        {"2026-01-14T14:00:00Z 1763683200 0.5", ERR_RANGE, "slower than real"},
        {"2026-01-14T14:00:00Z 1763683200 10001", ERR_RANGE, "too fast"},
        {"2026-01-14T14:00:00Z 1763683200 nan", ERR_RANGE, "no rate"},
        {"2026-01-14T14:00:00Z 0 300", ERR_RANGE, "real second out of range"},
        {"2026-01-14T14:00:00Z 1 300", ERR_RANGE, "would show the year 18000 now"},
        {"1969-12-31T23:59:59Z 1763683200 1", ERR_RANGE, "before 1970"},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, clock, refuses_hands)
{
    enum err err = clock_set_hands(c->text);
    cr_expect_eq(err, c->err, "%s: %s", c->why, err_name(err));
    expect_near(utc_s(), real_now(), 1, "the clock must stay as it was");
}
