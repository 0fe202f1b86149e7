// SPDX-License-Identifier: Apache-2.0

#include "base/memory.h"
#include "services/planner/foresight_pack.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const int64_t START = 1768172400;
static const struct round_rules rules = {.margin = 0.05, .excess = 0.004};

static struct foresight_place *lived(struct foresight *foresight)
{
    struct foresight_place *place = foresight_place(foresight, 11, &rules);
    for (int i = 0; i < 800; i++) {
        struct calendar_sheet sheet;
        calendar_look_ahead(START + (int64_t)i * CALENDAR_QUARTER_S, &sheet);
        for (int phase = 0; phase < PHASES; phase++) {
            series_update(&place->series[phase], &sheet, (float)(5000 + i % 96 * 30 + i * 31 % 17),
                          30000);
            margin_learn(&place->margin[phase], sheet.at[0].slot, (float)(i % 20) / 100, 0.004F);
        }
    }
    for (int i = 0; i < FORESIGHT_PROMISES; i++)
        place->promises[i] =
            (struct foresight_promise){START + (800LL + i) * CALENDAR_QUARTER_S,
                                       {12345 + i, INT32_MIN, -5}, // the second is not known
                                       {1.5F, 1.5F, 1.5F}};
    return place;
}

Test(foresight_pack, brings_a_place_back)
{
    struct foresight *foresight = foresight_new(1);
    const struct foresight_place *kept = lived(foresight);
    struct foresight_place *back = foresight_place(foresight, 12, &rules);
    uint8_t *octets = memory_new(1, FORESIGHT_PACKED);
    size_t len = foresight_pack(kept, octets);
    cr_assert_eq(foresight_unpack(octets, len, back), ERR_NONE);
    cr_expect_eq(back->number, 12, "its number stays");
    for (int phase = 0; phase < PHASES; phase++) {
        for (int i = 0; i < FORESIGHT_PROMISES; i++) {
            cr_expect_eq(back->promises[i].quarter, kept->promises[i].quarter);
            cr_expect_eq(back->promises[i].power_w[phase], kept->promises[i].power_w[phase]);
            cr_expect_float_eq(back->promises[i].growth[phase], 1.5F, 0.001F);
        }
        cr_expect_eq(back->series[phase].newest, kept->series[phase].newest);
        cr_expect_eq(back->series[phase].measured, kept->series[phase].measured);
        for (int slot = 0; slot < CALENDAR_SLOTS; slot++)
            cr_assert_float_eq(margin_share(&back->margin[phase], slot, 1),
                               margin_share(&kept->margin[phase], slot, 1), 1e-5F);
    }
    free(octets);
    foresight_free(foresight);
}

Test(foresight_pack, refuses_what_is_cut_damaged_or_of_another_version)
{
    struct foresight *foresight = foresight_new(1);
    uint8_t *octets = memory_new(1, FORESIGHT_PACKED);
    size_t len = foresight_pack(lived(foresight), octets);
    struct foresight_place *back = foresight_place(foresight, 12, &rules);
    for (size_t cut = 0; cut < len; cut += 211)
        cr_expect_eq(foresight_unpack(octets, cut, back), ERR_SIZE, "cut to %zu", cut);
    for (size_t at = 9; at < 40; at++) {
        octets[at] ^= 0x40;
        cr_expect_eq(foresight_unpack(octets, len, back), ERR_CHECKSUM, "octet %zu", at);
        octets[at] ^= 0x40;
    }
    octets[0] = 99;
    cr_expect_eq(foresight_unpack(octets, len, back), ERR_RANGE);
    cr_expect_eq(back->promises[0].quarter, 0, "and is not filled in");
    free(octets);
    foresight_free(foresight);
}
