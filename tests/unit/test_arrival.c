// SPDX-License-Identifier: Apache-2.0

#include "services/ingest/arrival.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define NOT MEASURED_NOT
#define NONE                                                                                       \
    {                                                                                              \
        NOT, NOT, NOT                                                                              \
    }

enum { NOW = 1768407300 }; // 2026-01-14T16:15:00Z

struct timing {
    int64_t quarter;
    bool taken;
    char why[64];
};

ParameterizedTestParameters(arrival, takes_what_a_clock_can_mean)
{
    static struct timing cases[] = {
        {NOW - 900, true, "the quarter that has just ended"},
        {NOW - 899, false, "a second beside it"},
        {NOW - 1800, true, "a late one"},
        {NOW, false, "the one that runs: its mean is not known yet"},
        {NOW - 86400, true, "the oldest allowed"},
        {NOW - 86400 - 900, false, "and the one before"},
        {0, false, "1970: a box without a clock"},
        {-900, false, "before 1970"},
        {INT64_C(253402300800) - 900, false, "the end of the year 9999"},
    };
    return cr_make_param_array(struct timing, cases, COUNT(cases));
}

ParameterizedTest(struct timing *c, arrival, takes_what_a_clock_can_mean)
{
    const struct arrival_bounds bounds = {.future_s = 60, .oldest_s = 86400};
    cr_expect_eq(!arrival_refusal(c->quarter, NOW, &bounds), c->taken, "%s", c->why);
}

Test(arrival, gives_a_clock_that_is_ahead_its_bound)
{
    const struct arrival_bounds bounds = {.future_s = 60, .oldest_s = 86400};
    cr_expect_null(arrival_refusal(NOW, NOW + 840, &bounds), "ends 60 s ahead");
    cr_expect_str_eq(arrival_refusal(NOW, NOW + 839, &bounds), "has not ended yet");
}

struct judged {
    struct measured values;
    char said[QUALITY_LEN + 1];
    struct rating rating;
    enum quality quality;
    char reason[96];
    char why[64];
};

ParameterizedTestParameters(arrival, marks_what_cannot_be_believed)
{
    static struct judged cases[] = {
        {{{12000, 13000, -500}, NONE, NONE},
         "good",
         {true, {20000, 20000, 20000}},
         QUALITY_GOOD,
         "",
         "an ordinary quarter"},
        {{{50000, 0, 0}, NONE, NONE},
         "good",
         {true, {20000, 20000, 20000}},
         QUALITY_GOOD,
         "",
         "2.5 times the rating: a fuse may stand that for a while"},
        {{{0, 50001, 0}, NONE, NONE},
         "good",
         {true, {20000, 20000, 20000}},
         QUALITY_IMPLAUSIBLE,
         "L2: 50001 W is beyond 2.5 times the rating of 20000 W",
         "a watt more"},
        {{{0, 0, -50001}, NONE, NONE},
         "good",
         {true, {20000, 20000, 20000}},
         QUALITY_IMPLAUSIBLE,
         "L3: -50001 W is beyond 2.5 times the rating of 20000 W",
         "the same fed back"},
        {{{12000000, 1, 1}, NONE, NONE},
         "good",
         {false, {0, 0, 0}},
         QUALITY_GOOD,
         "",
         "no rating: nothing to measure by"},
        {{{NOT, 12000, NOT}, NONE, NONE},
         "good",
         {true, {20000, 20000, 20000}},
         QUALITY_GOOD,
         "",
         "one phase is better than none"},
        {{NONE, NONE, NONE},
         "good",
         {true, {20000, 20000, 20000}},
         QUALITY_SUSPECT,
         "no phase is known",
         "none"},
        {{{1, 2, 3}, NONE, NONE},
         "estimated",
         {true, {20000, 20000, 20000}},
         QUALITY_SUSPECT,
         "its sender says \"estimated\"",
         "its own doubt"},
        {{{99999, 2, 3}, NONE, NONE},
         "estimated",
         {true, {20000, 20000, 20000}},
         QUALITY_IMPLAUSIBLE,
         "L1: 99999 W is beyond 2.5 times the rating of 20000 W",
         "the worse mark wins"},
        {{{9200, 0, 0}, {40000, 0, 0}, {230000, 230000, 230000}},
         "good",
         {true, {20000, 20000, 20000}},
         QUALITY_GOOD,
         "",
         "40 A at 230 V"},
        {{{12000, 0, 0}, {40000, 0, 0}, {230000, 230000, 230000}},
         "good",
         {true, {20000, 20000, 20000}},
         QUALITY_SUSPECT,
         "L1: 12000 W is more than voltage times current, 9200 VA",
         "more than 40 A can carry"},
        {{{12000, 0, 0}, {40000, 0, 0}, NONE},
         "good",
         {true, {20000, 20000, 20000}},
         QUALITY_GOOD,
         "",
         "without a voltage the highest one counts"},
        {{{13000, 0, 0}, {40000, 0, 0}, NONE},
         "good",
         {true, {20000, 20000, 20000}},
         QUALITY_SUSPECT,
         "L1: 13000 W is more than voltage times current, 10120 VA",
         "and even that has its end"},
        {{{90, 0, 0}, {0, 0, 0}, {230000, 230000, 230000}},
         "good",
         {true, {20000, 20000, 20000}},
         QUALITY_GOOD,
         "",
         "small loads are measured badly"},
        {{{90, 0, 0}, NONE, {230000, 400000, 230000}},
         "good",
         {true, {20000, 20000, 20000}},
         QUALITY_SUSPECT,
         "L2: 400000 mV is no low voltage",
         "between phases, not to neutral"},
        {{{90, 0, 0}, NONE, {230, 230000, 230000}},
         "good",
         {true, {20000, 20000, 20000}},
         QUALITY_SUSPECT,
         "L1: 230 mV is no low voltage",
         "a wrong unit"},
    };
    return cr_make_param_array(struct judged, cases, COUNT(cases));
}

ParameterizedTest(struct judged *c, arrival, marks_what_cannot_be_believed)
{
    const struct before nothing = {0};
    struct verdict verdict = arrival_judge(&c->values, c->said, &c->rating, &nothing);
    cr_expect_str_eq(quality_name(verdict.quality), quality_name(c->quality), "%s: %s", c->why,
                     quality_name(verdict.quality));
    cr_expect_str_eq(verdict.reason, c->reason, "%s: %s", c->why, verdict.reason);
    cr_expect_eq(verdict.worth_telling, c->quality != QUALITY_GOOD, "%s", c->why);
}

Test(arrival, marks_the_ninth_of_the_same_quarters_and_tells_once)
{
    const struct rating rating = {0};
    const struct measured values = {{7000, 8000, 9000}, NONE, NONE};
    struct before before = {0};
    for (int i = 1; i <= 20; i++) {
        struct verdict verdict = arrival_judge(&values, "good", &rating, &before);
        cr_expect_eq(verdict.quality == QUALITY_STUCK, i > 8, "quarter %d: %s", i,
                     quality_name(verdict.quality));
        cr_expect_eq(verdict.worth_telling, i == 9, "quarter %d", i);
        before = (struct before){true, values, verdict.same};
    }
}

Test(arrival, counts_anew_when_one_value_moves)
{
    const struct rating rating = {0};
    struct measured values = {{7000, 8000, 9000}, {1, 2, 3}, NONE};
    const struct before before = {true, values, STUCK_AFTER};
    values.i_ma[2]++;
    struct verdict verdict = arrival_judge(&values, "good", &rating, &before);
    cr_expect_eq(verdict.quality, QUALITY_SUSPECT, "7 kW at 1 mA, but not stuck: %s",
                 verdict.reason);
    cr_expect_eq(verdict.same, 0);
}

Test(arrival, does_not_call_missing_values_stuck)
{
    const struct rating rating = {0};
    const struct measured values = {NONE, NONE, NONE};
    const struct before before = {true, values, STUCK_AFTER};
    cr_expect_eq(arrival_judge(&values, "good", &rating, &before).quality, QUALITY_SUSPECT);
}

Test(arrival, gives_a_quarter_five_minutes_to_arrive)
{
    // At 16:19:59 the last quarter that should be here began at 15:45 (it ended at 16:00).
    cr_expect_eq(arrival_silent_since(NOW + 299, 1), NOW - 3 * 900, "16:00 may be under way");
    cr_expect_eq(arrival_silent_since(NOW + 300, 1), NOW - 2 * 900, "16:00 should be here");
    cr_expect_eq(arrival_silent_since(NOW + 300, 4), NOW - 5 * 900);
}
