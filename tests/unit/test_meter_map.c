// SPDX-License-Identifier: Apache-2.0

#include "gateway/meter_map.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

// 230.1 V, 12.0 A on L1; 2761 W drawn there, 500 W fed in on L2; L3 tells nothing.
static struct meter_values some(void)
{
    struct meter_values values = {0};
    static const struct {
        enum meter_quantity quantity;
        int64_t milli;
    } known[] = {
        {METER_VOLTAGE_L1, 230100}, {METER_VOLTAGE_L2, 229900}, {METER_CURRENT_L1, 12000},
        {METER_CURRENT_L2, 2000},   {METER_POWER, 2261000},     {METER_POWER_L1, 2761000},
        {METER_POWER_L2, -500000},  {METER_DRAWN, 2261000},     {METER_FED, 0},
        {METER_DRAWN_L1, 2761000},  {METER_FED_L2, 500000},     {METER_ENERGY_DRAWN, 56500909000},
        {METER_ENERGY_FED, 0},      {METER_SAGS_L1, 3000},
    };
    for (size_t i = 0; i < COUNT(known); i++) {
        values.is_known[known[i].quantity] = true;
        values.milli[known[i].quantity] = known[i].milli;
    }
    return values;
}

struct reading {
    char map[16];
    uint8_t function;
    uint16_t address, count;
    uint16_t words[8];
    char why[48];
};

ParameterizedTestParameters(meter_map, shows)
{
    static struct reading cases[] = {
        {"eem-ma370", 3, 0x8006, 2, {0x199A, 0x4366}, "230.1 V, low word first"},
        {"eem-ma370", 4, 0x8006, 2, {0x199A, 0x4366}, "the same by function 4"},
        {"eem-ma370", 3, 0x800E, 2, {0x0000, 0x4140}, "12.0 A"},
        {"eem-ma370", 3, 0x800A, 2, {0x0000, 0x7FC0}, "no L3: no number, not 0"},
        {"eem-ma370", 3, 0x8018, 2, {0x0000, 0x7FC0}, "no reactive power"},
        {"eem-ma370", 3, 0x8020, 2, {0x0000, 0xC3FA}, "-500 W"},
        {"eem-ma370", 3, 0x8007, 2, {0x4366, 0xE666}, "from within a number"},
        {"eem-ma370", 3, 0x8C18, 2, {0x0000, 0x4040}, "three sags"},
        {"sdm630", 4, 0, 2, {0x4366, 0x199A}, "230.1 V, high word first"},
        {"sdm630", 4, 6, 2, {0x4140, 0x0000}, "12.0 A"},
        {"sdm630", 4, 0x48, 2, {0x475C, 0xB4E9}, "56500.909 kWh"},
        {"countis-e2x", 3, 0xC558, 2, {0, 23010}, "hundredths of a volt"},
        {"countis-e2x", 3, 0xC560, 2, {0, 12000}, "milliamperes"},
        {"countis-e2x", 3, 0xC572, 2, {0xFFFF, 0xFFCE}, "-50 x 10 W"},
        {"countis-e2x", 3, 0xC564, 2, {0xFFFF, 0xFFFF}, "no L3: all ones"},
        {"countis-e2x", 3, 0xC574, 2, {0x7FFF, 0xFFFF}, "no L3, signed"},
        {"countis-e2x", 3, 0xC350, 4, {'S', 'O', 'C', 'O'}, "its maker"},
        {"countis-e2x", 3, 0xC38A, 5, {0x434F, 0x554E, 0x5449, 0x5300, 0}, "its name"},
        {"abb-b2x", 3, 0x5B00, 2, {0, 2301}, "tenths of a volt"},
        {"abb-b2x", 3, 0x5000, 4, {0, 0, 0x0056, 0x36AB}, "0.01 kWh in 64 bits"},
        {"abb-b2x", 3, 0x5B2C, 1, {0xFFFF}, "no frequency"},
        {"cg-em24", 3, 0x00, 2, {2301, 0}, "low word first"},
        {"cg-em24", 4, 0x42, 2, {0x9F11, 0x0008}, "tenths of a kWh"},
        {"cg-em24-e1", 4, 0x34, 2, {0x9F11, 0x0008}, "the same elsewhere"},
        {"pac2200", 3, 801, 4, {0x418A, 0xF115, 0x6800, 0x0000}, "Wh as double"},
        {"tq-em300", 3, 0, 4, {0, 22610, 0, 0}, "drawn and fed in"},
        {"tq-em300", 3, 82, 2, {0, 5000}, "fed in on L2"},
        {"ksem", 3, 62, 2, {3, 0x82D4}, "millivolts"},
        {"janitza-b23", 3, 0x4A38, 2, {0x4366, 0x199A}, "230.1 V"},
        {"janitza-umg", 3, 19000, 2, {0x4366, 0x199A}, "230.1 V"},
        {"algodue", 4, 0x100E, 2, {0x4140, 0x0000}, "12.0 A"},
        {"sunspec-213", 3, 40000, 4, {0x5375, 0x6E53, 1, 66}, "its head"},
        {"sunspec-213", 3, 40082, 2, {0x4366, 0x199A}, "230.1 V"},
        {"sunspec-213", 3, 40196, 2, {0xFFFF, 0}, "its end"},
        {"sunspec-203", 3, 40070, 4, {203, 105, 0x8000, 1200}, "12.00 A"},
        {"sunspec-203", 3, 40078, 1, {2301}, "230.1 V"},
        {"sunspec-203", 3, 40091, 2, {0x8000, 1}, "no L3, then the scale factor"},
    };
    return cr_make_param_array(struct reading, cases, COUNT(cases));
}

static size_t ask(const struct meter_map *map, const struct meter_values *values, uint8_t function,
                  uint16_t address, uint16_t count, uint8_t answer[static METER_MAP_PDU])
{
    const uint8_t request[] = {function, (uint8_t)(address >> 8), (uint8_t)address,
                               (uint8_t)(count >> 8), (uint8_t)count};
    return meter_map_answer(map, values, request, sizeof request, answer);
}

ParameterizedTest(struct reading *c, meter_map, shows)
{
    char path[64];
    struct meter_map map;
    uint8_t answer[METER_MAP_PDU];
    const struct meter_values values = some();
    snprintf(path, sizeof path, "gateway/meters/%s.ini", c->map);
    cr_assert_eq(meter_map_read(path, &map), ERR_NONE, "%s (run me at the top)", path);
    size_t len = ask(&map, &values, c->function, c->address, c->count, answer);
    cr_assert_eq(len, 2 + 2U * c->count, "%s, %s: %zu octets", c->map, c->why, len);
    for (int i = 0; i < c->count; i++) {
        unsigned word = (unsigned)answer[2 + 2 * i] << 8 | answer[3 + 2 * i];
        cr_expect_eq(word, c->words[i], "%s, %s: word %d is %04X", c->map, c->why, i, word);
    }
    meter_map_clear(&map);
}

struct refusal {
    uint8_t function;
    uint16_t address, count;
    bool is_stale;
    uint8_t exception;
    char why[40];
};

ParameterizedTestParameters(meter_map, refuses)
{
    static struct refusal cases[] = {
        {6, 0x8006, 1, false, 1, "a write"},
        {3, 0x8006, 0, false, 3, "no register"},
        {3, 0x8006, 126, false, 3, "too many"},
        {3, 0x1000, 2, false, 2, "none of its registers"},
        {3, 0xFFFF, 2, false, 2, "beyond the last"},
        {3, 0x8006, 2, true, 4, "values of an old telegram"},
    };
    return cr_make_param_array(struct refusal, cases, COUNT(cases));
}

ParameterizedTest(struct refusal *c, meter_map, refuses)
{
    struct meter_map map;
    uint8_t answer[METER_MAP_PDU];
    const struct meter_values values = some();
    cr_assert_eq(meter_map_read("gateway/meters/eem-ma370.ini", &map), ERR_NONE);
    size_t len = ask(&map, c->is_stale ? NULL : &values, c->function, c->address, c->count, answer);
    cr_assert_eq(len, 2, "%s", c->why);
    cr_expect_eq(answer[0], c->function | 0x80, "%s", c->why);
    cr_expect_eq(answer[1], c->exception, "%s: %d", c->why, answer[1]);
    meter_map_clear(&map);
}

Test(meter_map, reads_every_shipped_file)
{
    glob_t found;
    cr_assert_eq(glob("gateway/meters/*.ini", 0, NULL, &found), 0, "run me at the top");
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct meter_map map;
        cr_expect_eq(meter_map_read(found.gl_pathv[i], &map), ERR_NONE, "%s", found.gl_pathv[i]);
        meter_map_clear(&map);
    }
    cr_expect_eq(found.gl_pathc, 14);
    globfree(&found);
}

Test(meter_map, refuses_a_bad_file)
{
    static const char *const bad[] = {
        "[meter]\nname=x\ngrade=C\n",
        "[meter]\nname=x\ngrade=C\n[registers]\npower = 12\n",
        "[meter]\nname=x\ngrade=C\n[registers]\npower = 12 f16 1\n",
        "[meter]\nname=x\ngrade=C\n[registers]\npower = 12 f32 0\n",
        "[meter]\nname=x\ngrade=C\n[registers]\npower = 0xFFFF f32 1\n",
        "[meter]\nname=x\ngrade=C\n[registers]\npowwer = 1 f32 1\n",
        "[meter]\nname=x\ngrade=C\nfixed = 12\n[registers]\npower = 1 f32 1\n",
        "[meter]\nname=x\ngrade=C\nuntold = 12 what\n[registers]\npower = 1 f32 1\n",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        char path[] = "/tmp/map.XXXXXX";
        int fd = mkstemp(path);
        dprintf(fd, "%s", bad[i]);
        close(fd);
        struct meter_map map;
        cr_expect_neq(meter_map_read(path, &map), ERR_NONE, "%s", bad[i]);
        unlink(path);
    }
}
