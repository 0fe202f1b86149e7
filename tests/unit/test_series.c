// SPDX-License-Identifier: Apache-2.0

#include "services/planner/series.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { DAY = CALENDAR_SLOTS, QUARTER = CALENDAR_QUARTER_S };

static const int64_t START = 1768172400; // Monday 2026-01-12 00:00 local

static uint32_t state = 1;

static float chance(void)
{
    state = state * 1664525U + 1013904223U;
    return (float)(state >> 8) / (1 << 23) - 1;
}

// A street: two waves, quieter at weekends.
static float street(int64_t quarter)
{
    struct calendar at = calendar_at(quarter);
    float angle = 6.2831853F * (float)at.slot / DAY;
    float day = at.kind == CALENDAR_WORKDAY ? 1 : 0.8F;
    return day * (10000 - 3000 * cosf(angle) - 1500 * sinf(2 * angle));
}

static enum series_taken take(struct series *series, int64_t quarter, float power_w)
{
    struct calendar_sheet sheet;
    calendar_look_ahead(quarter, &sheet);
    return series_update(series, &sheet, power_w, 100000);
}

static struct series_forecast ask(const struct series *series, int64_t quarter)
{
    return series_forecast(series, quarter, calendar_at(quarter));
}

// The street from START on, with noise that lasts; `now` is where it ends.
static void live(struct series *series, int quarters, float noise_w, int64_t *now)
{
    float swing = 0;
    *now = START;
    series_start(series);
    for (int i = 0; i < quarters; i++) {
        swing = 0.9F * swing + chance() * noise_w;
        *now = START + (int64_t)i * QUARTER;
        take(series, *now, street(*now) + swing);
    }
}

Test(series, knows_nothing_at_first)
{
    struct series series;
    series_start(&series);
    cr_expect_eq(ask(&series, START).method, SERIES_NOTHING);
    cr_expect_eq(take(&series, START, NAN), SERIES_MISSING);
    cr_expect_eq(ask(&series, START + QUARTER).method, SERIES_NOTHING);
}

Test(series, forecasts_from_the_first_value)
{
    struct series series;
    series_start(&series);
    cr_expect_eq(take(&series, START, 8000), SERIES_MEASURED);
    struct series_forecast next = ask(&series, START + QUARTER);
    cr_expect_eq(next.method, SERIES_PROFILE);
    cr_expect_eq(next.horizon, 1);
    cr_expect_float_eq(next.mean_w, 8000, 1000, "%g", next.mean_w);
    cr_expect_gt(next.p90_w, next.mean_w);
    cr_expect_gt(next.p95_w, next.p90_w);
}

struct course {
    int days, ahead;
    enum series_method method;
    float error_w;
    char why[40];
};

ParameterizedTestParameters(series, forecasts_a_street)
{
    static struct course cases[] = {
        {2, 1, SERIES_PROFILE, 600, "second day, 15 min"},
        {2, 96, SERIES_PROFILE, 1300, "second day, a day"},
        {6, 4, SERIES_PROFILE, 2000, "on Saturday evening the first weekend"},
        {9, 1, SERIES_RIDGE, 300, "second week, 15 min"},
        {9, 12, SERIES_RIDGE, 500, "3 h, between two horizons"},
        {30, 96, SERIES_RIDGE, 400, "fifth week, a day"},
        {30, 200, SERIES_PROFILE, 400, "beyond a day: what is usual"},
    };
    return cr_make_param_array(struct course, cases, COUNT(cases));
}

ParameterizedTest(struct course *c, series, forecasts_a_street)
{
    struct series series;
    int64_t now;
    live(&series, c->days * DAY - 20, 50, &now);
    int64_t then = now + (int64_t)c->ahead * QUARTER;
    struct series_forecast forecast = ask(&series, then);
    cr_expect_eq(forecast.method, c->method, "%s: %s", c->why, series_method_name(forecast.method));
    cr_expect_eq(forecast.horizon, c->ahead, "%s", c->why);
    cr_expect_float_eq(forecast.mean_w, street(then), c->error_w, "%s: %g instead of %g", c->why,
                       forecast.mean_w, street(then));
}

Test(series, knows_a_holiday)
{
    struct series series;
    series_start(&series);
    int64_t first = 1774821600; // Monday 2026-03-30; Easter Monday is a week later
    for (int i = -27 * DAY; i < 6 * DAY + 48; i++)
        take(&series, first + (int64_t)i * QUARTER, street(first + (int64_t)i * QUARTER));
    int64_t noon = first + (int64_t)(7 * DAY + 48) * QUARTER;
    double foreseen_w = ask(&series, noon).mean_w;
    cr_expect_float_eq(foreseen_w, street(noon), 800, "%g instead of %g", foreseen_w, street(noon));
}

Test(series, lives_through_both_changes_of_the_clock)
{
    static const int64_t mondays[] = {1773010800, 1791151200}; // 2026-03-09, 2026-10-05, local
    for (int change = 0; change < 2; change++) {
        struct series series;
        series_start(&series);
        double worst_w = 0;
        for (int i = 0; i < 28 * DAY; i++) {
            int64_t now = mondays[change] + (int64_t)i * QUARTER;
            if (i > 15 * DAY)
                worst_w = fmax(worst_w, fabs((double)(ask(&series, now).mean_w - street(now))));
            take(&series, now, street(now));
        }
        cr_expect_lt(worst_w, 2500, "change %d: %g", change, worst_w);
    }
}

Test(series, refuses_what_cannot_be)
{
    struct series series;
    int64_t now;
    live(&series, 2 * DAY, 50, &now);
    double before_w = ask(&series, now + 2 * QUARTER).mean_w;
    cr_expect_eq(take(&series, now + QUARTER, 100001), SERIES_IMPLAUSIBLE);
    cr_expect_eq(series.origin, now);
    cr_expect_eq(ask(&series, now + 2 * QUARTER).horizon, 2, "the age counts from what was real");
    cr_expect_float_eq(ask(&series, now + 2 * QUARTER).mean_w, before_w, 1);
    cr_expect_eq(take(&series, now + 2 * QUARTER, -100001), SERIES_IMPLAUSIBLE);
    cr_expect_eq(take(&series, now + 3 * QUARTER, INFINITY), SERIES_MISSING);
}

Test(series, refuses_a_box_that_is_stuck_until_it_moves)
{
    struct series series;
    int64_t now;
    live(&series, 2 * DAY, 50, &now);
    for (int i = 0; i < 20; i++) {
        now += QUARTER;
        enum series_taken taken = take(&series, now, 9000);
        cr_expect_eq(taken, i <= SERIES_STUCK ? SERIES_MEASURED : SERIES_STUCK_VALUE, "%d: %d", i,
                     taken);
    }
    cr_expect_eq(ask(&series, now + QUARTER).horizon, 20 - SERIES_STUCK);
    cr_expect_eq(take(&series, now + QUARTER, 9001), SERIES_MEASURED);
    cr_expect_eq(ask(&series, now + 2 * QUARTER).horizon, 1);
}

Test(series, keeps_what_comes_late_and_is_not_moved_by_it)
{
    struct series with, without;
    int64_t now;
    live(&with, 10 * DAY, 50, &now);
    take(&with, now + 2 * QUARTER, street(now + 2 * QUARTER));
    without = with;
    cr_expect_eq(take(&with, now + QUARTER, 12345), SERIES_LATE);
    cr_expect_eq(with.newest, now + 2 * QUARTER);
    cr_expect_eq(with.history[(now + QUARTER) / QUARTER % SERIES_WEEK], 12345);
    cr_expect_eq(with.measured, without.measured);
    cr_expect_float_eq(ask(&with, now + 3 * QUARTER).mean_w,
                       ask(&without, now + 3 * QUARTER).mean_w, 20);
    take(&with, now + QUARTER, 999);
    cr_expect_eq(with.history[(now + QUARTER) / QUARTER % SERIES_WEEK], 12345, "the first stays");
    take(&with, now - 8LL * DAY * QUARTER, 999);
    cr_expect_eq(with.newest, now + 2 * QUARTER, "older than a week: nothing");
}

Test(series, bridges_gaps)
{
    static const int lengths[] = {1, 5, 50, 200, 700, 5000};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        struct series series;
        int64_t now;
        live(&series, 21 * DAY, 50, &now);
        now += (int64_t)(lengths[i] + 1) * QUARTER;
        double then_w = ask(&series, now).mean_w;
        cr_expect_float_eq(then_w, street(now), 900, "before the end of a gap of %d: %g, not %g",
                           lengths[i], then_w, street(now));
        take(&series, now, street(now));
        then_w = ask(&series, now + QUARTER).mean_w;
        cr_expect_float_eq(then_w, street(now + QUARTER), 700, "after a gap of %d: %g, not %g",
                           lengths[i], then_w, street(now + QUARTER));
    }
}

Test(series, learns_with_a_third_missing)
{
    struct series series;
    series_start(&series);
    double sum_w = 0;
    int count = 0;
    for (int i = 0; i < 40 * DAY; i++) {
        int64_t now = START + (int64_t)i * QUARTER;
        struct series_forecast forecast = ask(&series, now);
        if (i > 20 * DAY) {
            sum_w += fabsf(forecast.mean_w - street(now));
            count++;
        }
        take(&series, now, chance() < -0.33F ? NAN : street(now) + 200 * chance());
    }
    cr_expect_lt(sum_w / count, 250, "%g", sum_w / count);
    cr_expect_eq(ask(&series, START + 40LL * DAY * QUARTER).method, SERIES_RIDGE);
}

Test(series, says_how_errors_grow)
{
    struct series series;
    int64_t now;
    live(&series, 20 * DAY, 500, &now);
    cr_expect_eq(series_growth(&series, 1), 1);
    cr_expect_gt(series_growth(&series, 8), 1.3F, "%g", series_growth(&series, 8));
    cr_expect_geq(series_growth(&series, 500), 1);
    series_start(&series);
    cr_expect_eq(series_growth(&series, 8), 1, "nothing known");
}

// The same values in any unit give the same forecast, up to rounding.
Test(series, does_not_mind_the_size_of_a_load)
{
    struct series small, large;
    series_start(&small);
    series_start(&large);
    int64_t now = START;
    for (int i = 0; i < 12 * DAY; i++, now += QUARTER) {
        float power_w = street(now) + 300 * chance();
        struct calendar_sheet sheet;
        calendar_look_ahead(now, &sheet);
        series_update(&small, &sheet, power_w, INFINITY);
        series_update(&large, &sheet, 4096 * power_w, INFINITY);
    }
    struct series_forecast a = ask(&small, now + 3 * QUARTER), b = ask(&large, now + 3 * QUARTER);
    cr_expect_float_eq(a.mean_w, b.mean_w / 4096, 0.01F * a.mean_w, "%g %g", a.mean_w,
                       b.mean_w / 4096);
    cr_expect_float_eq(a.p95_w, b.p95_w / 4096, 0.01F * a.p95_w);
}
