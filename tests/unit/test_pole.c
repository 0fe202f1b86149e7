// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/charger/pole.h"

#include <criterion/criterion.h>

enum { NOON_MS = 12 * 3600 * 1000, MINUTE_MS = 60 * 1000, MOST = 16 };

static const struct station_plate plate = {
    .phase_count = 3, .max_ma = 16000, .fallback_w = 4200, .timeout_s = 600};

// One car from noon for an hour, always hungry.
static const struct car_session session = {
    NOON_MS, NOON_MS + 60 * MINUTE_MS, 90000 * CAR_WH_UJ, 16000, {true, true, true}};

struct change {
    int64_t at_ms, p_mw, free_mw;
};

struct street_corner {
    struct pole pole;
    struct change changes[MOST];
    int count;
};

static void note(void *arg, int64_t at_ms)
{
    struct street_corner *corner = arg;
    cr_assert_lt(corner->count, MOST);
    corner->changes[corner->count++] =
        (struct change){at_ms, corner->pole.p_mw[0], corner->pole.free_mw[0]};
}

// The mono clock shows an hour less.
static struct pole_now at_minute(int64_t minute)
{
    int64_t utc_ms = NOON_MS + minute * MINUTE_MS;
    return (struct pole_now){utc_ms, {(utc_ms - 3600 * 1000) * 1000000}};
}

static void write_limit(struct street_corner *corner, uint8_t limit, int64_t minute)
{
    const uint8_t request[] = {6, 0, 0, 0, limit};
    uint8_t answer[STATION_PDU_MAX];
    pole_run(&corner->pole, at_minute(minute), note, corner);
    cr_assert_eq(station_answer(&corner->pole.station, request, 5, at_minute(minute).mono, answer),
                 5);
    pole_run(&corner->pole, at_minute(minute), note, corner);
}

static void expect_change(const struct street_corner *corner, int i, int64_t minute, int64_t p_mw,
                          int64_t free_mw)
{
    cr_assert_lt(i, corner->count, "change %d is missing", i);
    const struct change *c = &corner->changes[i];
    cr_expect_eq(c->at_ms, NOON_MS + minute * MINUTE_MS, "change %d at %jd", i,
                 (intmax_t)(c->at_ms - NOON_MS));
    cr_expect_eq(c->p_mw, p_mw, "change %d: %jd mW", i, (intmax_t)c->p_mw);
    cr_expect_eq(c->free_mw, free_mw, "change %d: %jd mW free", i, (intmax_t)c->free_mw);
}

Test(pole, tells_each_change_at_its_own_time)
{
    struct street_corner corner = {0};
    pole_start(&corner.pole, &plate, &session, 1, at_minute(-5));
    write_limit(&corner, 60, -1);
    cr_assert_eq(corner.count, 1, "another limit");
    cr_expect_eq(pole_next_ms(&corner.pole, at_minute(-1)), NOON_MS, "then the car comes");

    pole_run(&corner.pole, at_minute(90), note, &corner); // late by an hour
    expect_change(&corner, 1, 0, 8695 * 230, 3680000);
    expect_change(&corner, 2, 9, 6086 * 230, 3680000); // ten minutes after the request
    expect_change(&corner, 3, 60, 0, 0);
    cr_expect_eq(corner.count, 4);
    cr_expect_eq(pole_next_ms(&corner.pole, at_minute(90)), INT64_MAX);
}

Test(pole, forgets_its_limit_when_the_power_was_cut)
{
    struct street_corner corner = {0};
    pole_start(&corner.pole, &plate, &session, 1, at_minute(-5));
    write_limit(&corner, 60, 1);
    pole_run(&corner.pole, at_minute(2), note, &corner);
    pole_reboot(&corner.pole, at_minute(2), MINUTE_MS);
    corner.count = 0;
    pole_run(&corner.pole, at_minute(5), note, &corner);
    expect_change(&corner, 0, 2, 0, 3680000);
    expect_change(&corner, 1, 3, 15942 * 230, 3680000);
    pole_run(&corner.pole, at_minute(20), note, &corner);
    expect_change(&corner, 2, 13, 6086 * 230, 3680000); // its watchdog began anew
}

Test(pole, goes_on_where_it_stood)
{
    struct street_corner corner = {0};
    pole_start(&corner.pole, &plate, &session, 1, at_minute(-5));
    write_limit(&corner, 60, 1);
    pole_run(&corner.pole, at_minute(10), note, &corner);

    struct pole later = {.car = {.next = corner.pole.car.next,
                                 .at_ms = corner.pole.car.at_ms,
                                 .taken_uj = corner.pole.car.taken_uj},
                         .shadow = corner.pole.shadow,
                         .limit_ma = corner.pole.limit_ma};
    pole_start(&later, &plate, &session, 1, at_minute(10));
    cr_expect_eq(later.car.taken_uj,
                 MINUTE_MS * (3 * INT64_C(15942) * 230 + 9 * 3 * INT64_C(8695) * 230));
    cr_expect_eq(later.shadow.taken_uj, 10 * MINUTE_MS * INT64_C(11040000));
    cr_expect_eq(later.p_mw[0], 15942 * 230, "but the limit is gone");
}
