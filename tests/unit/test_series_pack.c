// SPDX-License-Identifier: Apache-2.0

#include "services/planner/series_pack.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DAY = CALENDAR_SLOTS, QUARTER = CALENDAR_QUARTER_S };

static const int64_t START = 1768172400; // Monday 2026-01-12 00:00 local

static float load_at(int i)
{
    return 9000 + 4000 * sinf((float)i / 15.3F) + (float)(i * 7919 % 500);
}

static void live(struct series *series, int from, int to)
{
    struct calendar_sheet sheet;
    for (int i = from; i < to; i++) {
        calendar_look_ahead(START + (int64_t)i * QUARTER, &sheet);
        series_update(series, &sheet, i % 11 ? load_at(i) : NAN, INFINITY);
    }
}

static struct series_forecast ask(const struct series *series, int i)
{
    int64_t quarter = START + (int64_t)i * QUARTER;
    return series_forecast(series, quarter, calendar_at(quarter));
}

static size_t pack(const struct series *series, uint8_t octets[static SERIES_PACKED])
{
    struct cursor out = cursor_writer(octets, SERIES_PACKED);
    series_pack(series, &out);
    cr_assert_eq(out.err, ERR_NONE);
    return (size_t)(out.at - octets);
}

static enum err unpack(const uint8_t *octets, size_t len, struct series *series)
{
    struct cursor in = cursor_reader(octets, len);
    return series_unpack(&in, series);
}

Test(series_pack, brings_back_what_goes_on_as_before)
{
    static const int ages[] = {0, 1, 40, 300, 900, 3000};
    for (size_t n = 0; n < sizeof ages / sizeof *ages; n++) {
        static struct series kept, back;
        static uint8_t octets[SERIES_PACKED];
        series_start(&kept);
        live(&kept, 0, ages[n]);
        size_t len = pack(&kept, octets);
        cr_assert_eq(unpack(octets, len, &back), ERR_NONE, "%d", ages[n]);
        cr_expect_eq(back.newest, kept.newest);
        cr_expect_eq(back.origin, kept.origin);
        cr_expect_eq(back.measured, kept.measured);
        live(&kept, ages[n], ages[n] + 200);
        live(&back, ages[n], ages[n] + 200);
        for (int ahead = 1; ahead < 150; ahead += 7) {
            struct series_forecast a = ask(&kept, ages[n] + 199 + ahead),
                                   b = ask(&back, ages[n] + 199 + ahead);
            cr_expect_eq(a.method, b.method);
            cr_expect_float_eq(a.mean_w, b.mean_w, 100, "age %d, %d ahead: %g and %g", ages[n],
                               ahead, a.mean_w, b.mean_w);
            cr_expect_float_eq(a.p95_w, b.p95_w, 200, "age %d, %d ahead: %g and %g", ages[n], ahead,
                               a.p95_w, b.p95_w);
        }
    }
}

Test(series_pack, refuses_what_is_cut_damaged_or_of_another_version)
{
    static struct series series, back;
    static uint8_t octets[SERIES_PACKED];
    series_start(&series);
    live(&series, 0, 900);
    size_t len = pack(&series, octets);
    for (size_t cut = 0; cut < len; cut += cut < 64 ? 1 : 97)
        cr_expect_eq(unpack(octets, cut, &back), ERR_SIZE, "cut to %zu", cut);
    for (size_t at = 1; at < len; at += 31) {
        octets[at] ^= 0x10;
        cr_expect_eq(unpack(octets, len, &back), ERR_CHECKSUM, "octet %zu", at);
        octets[at] ^= 0x10;
    }
    octets[0]++;
    cr_expect_eq(unpack(octets, len, &back), ERR_RANGE);
    octets[0]--;
    cr_expect_eq(unpack(octets, len, &back), ERR_NONE);
}

Test(series_pack, leaves_alone_what_it_does_not_fill_in)
{
    static struct series series;
    const uint8_t nothing[3] = {SERIES_PACK_VERSION};
    series.newest = 42;
    cr_expect_eq(unpack(nothing, sizeof nothing, &series), ERR_SIZE);
    cr_expect_eq(series.newest, 42);
}

Test(series_pack, does_not_fit_in_less)
{
    static struct series series;
    static uint8_t octets[SERIES_PACKED];
    series_start(&series);
    struct cursor out = cursor_writer(octets, 5000);
    series_pack(&series, &out);
    cr_expect_eq(out.err, ERR_SIZE);
}

Test(series_pack, refuses_numbers_that_are_none)
{
    static struct series series, back;
    static uint8_t octets[SERIES_PACKED];
    series_start(&series);
    live(&series, 0, 200);
    series.ridge.packed[0][3] = NAN;
    size_t len = pack(&series, octets);
    cr_expect_eq(unpack(octets, len, &back), ERR_CHECKSUM);
}
