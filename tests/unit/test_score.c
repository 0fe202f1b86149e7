// SPDX-License-Identifier: Apache-2.0

#include "services/planner/score.h"

#include <criterion/criterion.h>
#include <math.h>

// One feeder of 1000 W a phase under a transformer of 2000 W on L1 only; 96 quarters of which all
// count; one charger with two sessions.
static struct case_place feeder = {
    .id = "F1", .limited = {true, true, true}, .limit_w = {1000, 1000, 1000}, .above = 0};
static struct case_place transformer = {
    .id = "T1", .limited = {true, false, false}, .limit_w = {2000, 0, 0}};
static struct case_charger charger = {.id = "C1", .phase_count = 3, .max_a = 16, .count = 3};
static struct case_session sessions[] = {
    {.arrival = -900, .departure = 900},
    {.arrival = 900, .departure = 7200},
    {.arrival = 9000, .departure = 18000},
};
enum { QUARTERS = 96 };
static int32_t base_w[QUARTERS * PHASES];
static float load_w[2][QUARTERS * 2 * PHASES], drawn_w[2][QUARTERS], limit_a[QUARTERS];
static bool messaged[2][QUARTERS];
static struct plant_result results[2][3];
static const struct replay_case given = {.transformers = &transformer,
                                         .feeders = &feeder,
                                         .transformer_count = 1,
                                         .feeder_count = 1,
                                         .chargers = &charger,
                                         .charger_count = 1,
                                         .sessions = sessions,
                                         .session_count = 3,
                                         .quarters = QUARTERS};

static struct score score_now(void)
{
    const struct score_run without = {load_w[0], drawn_w[0], limit_a, messaged[0], results[0]};
    const struct score_run with = {load_w[1], drawn_w[1], limit_a, messaged[1], results[1]};
    return score_of(&given, base_w, &without, &with);
}

static void load(int quarter, int place, int phase, int w)
{
    load_w[1][score_at(&given, quarter, place) + phase] = (float)w;
}

Test(score, counts_overload_by_place_and_phase)
{
    load(3, 0, 0, 1040); // 4 % and 8 % in one quarter: 0.12 kW for a quarter of an hour
    load(3, 0, 1, 1080);
    load(7, 0, 2, 1000); // at the limit
    load(9, 1, 0, 2100); // exactly 5 %
    load(9, 1, 1, 9000); // no limit there
    load(12, 0, 0, 1500);
    base_w[12 * PHASES] = 1001; // too much without chargers already
    struct score score = score_now();
    cr_expect_float_eq(score.days, 1, 1e-9);
    cr_expect_float_eq(score.overload_quarters, 2, 1e-9, "%f", score.overload_quarters);
    cr_expect_float_eq(score.overload_quarters_5pct, 1, 1e-9, "%f", score.overload_quarters_5pct);
    cr_expect_float_eq(score.overload_kwh, 0.03 + 0.025, 1e-9, "%f", score.overload_kwh);
    cr_expect_float_eq(score.worst_ratio, 1.08, 1e-6, "%f", score.worst_ratio);
}

Test(score, weighs_sessions_that_arrive_in_time)
{
    // The first came before: it would have got 1000 Wh and gets nothing.
    results[0][0] = (struct plant_result){1000, 450, 0};
    results[0][1] = (struct plant_result){4000, 3600, 0};
    results[1][1] = (struct plant_result){4000, 5400, 0}; // half an hour later
    results[0][2] = (struct plant_result){6000, 10800, 0};
    results[1][2] =
        (struct plant_result){3000, 0, 1800}; // never full: until 18000, two hours later
    struct score score = score_now();
    cr_expect_float_eq(score.unserved_pct, 30, 1e-9, "%f", score.unserved_pct);
    cr_expect_float_eq(score.delay_h, 1.25, 1e-9, "%f", score.delay_h);
    cr_expect_float_eq(score.wait_h, 0.5, 1e-9, "%f", score.wait_h);
    cr_expect_float_eq(score.jain, 0.9, 1e-9, "1.5^2 / (2 * 1.25): %f", score.jain);
    cr_expect_float_eq(score.p5, 0.5, 1e-9, "%f", score.p5);
}

Test(score, counts_what_is_moved_and_messages)
{
    drawn_w[0][5] = 4000;
    drawn_w[1][5] = 1000; // 3000 not drawn when wanted ...
    drawn_w[1][6] = 3000; // ... but later
    messaged[1][5] = messaged[1][9] = true;
    struct score score = score_now();
    cr_expect_float_eq(score.curtailed_pct, 75, 1e-6, "%f", score.curtailed_pct);
    cr_expect_float_eq(score.messages, 2, 1e-9, "%f", score.messages);
    cr_expect_float_eq(score.charger_days, 1, 1e-9);
}

Test(score, is_perfect_where_nothing_happens)
{
    struct score score = score_now();
    cr_expect_eq(score.overload_kwh, 0);
    cr_expect_eq(score.unserved_pct, 0);
    cr_expect_eq(score.curtailed_pct, 0);
    cr_expect_eq(score.jain, 1);
    cr_expect_eq(score.p5, 1);
}
