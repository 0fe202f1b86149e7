// SPDX-License-Identifier: Apache-2.0

#include "gateway/charger_type.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void path_of(const char *id, char path[static 64])
{
    snprintf(path, 64, "gateway/drivers/%s.ini", id);
}

// What stands on the wire for 11040 W, 16 A on three phases at 230 V, and for 3000 W, which is
// less than 6 A.
struct golden {
    char id[20];
    int function, address, count;
    uint16_t words[CHARGER_WORDS], paused[CHARGER_WORDS];
};

static struct golden goldens[] = {
    {"alfen-socket", 16, 0x04BA, 2, {0x4180, 0x0000}, {0x0000, 0x0000}},
    {"alfen-scn",
     16,
     0x0589,
     6,
     {0x4180, 0x0000, 0x4180, 0x0000, 0x4180, 0x0000},
     {0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000}},
    {"compleo-station", 6, 0x0000, 1, {0x006E}, {0x001E}},
    {"compleo-point", 6, 0x0100, 1, {0x006E}, {0x001E}},
    {"compleo-percent", 6, 0x0001, 1, {0x0064}, {0x001B}},
    {"bender", 16, 0x03E8, 1, {0x0010}, {0x0000}},
    {"bender-icc", 16, 0x03E9, 1, {0x00A0}, {0x0000}},
    {"bender-icc-w", 16, 0x03EA, 1, {0x2B20}, {0x0BB8}},
    {"keba-p30", 6, 0x138C, 1, {0x3E80}, {0x1770}},
    {"keba-p40", 6, 0x138C, 1, {0x3E80}, {0x0000}},
    {"abb-terra", 16, 0x4100, 2, {0x0000, 0x3E80}, {0x0000, 0x0000}},
    {"charx", 6, 0x0515, 1, {0x0010}, {0x0000}},
    {"charx-group", 6, 0x00A7, 1, {0x0010}, {0x0004}},
    {"phx-ev-eth", 6, 0x0210, 1, {0x0010}, {0x0006}},
    {"wallbe", 6, 0x0210, 1, {0x00A0}, {0x003C}},
    {"phx-em-eth", 6, 0x012C, 1, {0x0010}, {0x0006}},
    {"phx-ev-ser", 6, 0x55F0, 1, {0x0010}, {0x0006}},
    {"ebox",
     16,
     0x03F4,
     6,
     {0x4180, 0x0000, 0x4180, 0x0000, 0x4180, 0x0000},
     {0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000}},
    {"vestel", 6, 0x138C, 1, {0x0010}, {0x0000}},
    {"webasto-next", 6, 0x138C, 1, {0x0010}, {0x0000}},
    {"webasto-next-w", 16, 0x1388, 2, {0x0000, 0x2B20}, {0x0000, 0x0BB8}},
    {"mennekes-compact", 16, 0x0302, 2, {0x4180, 0x0000}, {0x40C0, 0x0000}},
    {"mennekes-hcc3", 6, 0x0400, 1, {0x0010}, {0x0000}},
    {"schneider-v3", 6, 0x0FA4, 1, {0x0010}, {0x0000}},
    {"heidelberg", 16, 0x0105, 1, {0x00A0}, {0x0000}},
    {"amperfied", 16, 0x0105, 1, {0x00A0}, {0x0000}},
    {"abl-emh1", 16, 0x0014, 1, {0x010A}, {0x03E8}},
    {"abl-em4", 16, 0x3032, 1, {0x00A0}, {0x0000}},
    {"versicharge", 6, 0x0661, 1, {0x0640}, {0x0000}},
    {"peblar", 16, 0x9C40, 2, {0x0000, 0x3E80}, {0x0000, 0x0000}},
    {"delta", 16, 0x0640, 2, {0x0000, 0x2B20}, {0x0000, 0x0BB8}},
    {"enovates", 6, 0x0190, 1, {0x3E80}, {0x0000}},
    {"etrel", 16, 0x0008, 2, {0x4180, 0x0000}, {0x0000, 0x0000}},
    {"em2go", 16, 0x005B, 1, {0x00A0}, {0x003C}},
    {"pulsares", 16, 0x005D, 1, {0x3E80}, {0x0000}},
    {"kathrein", 6, 0x00A2, 1, {0x3E80}, {0x0000}},
    {"obo", 6, 0x0006, 1, {0x0010}, {0x0000}},
    {"sungrow", 6, 0x52D2, 1, {0x00A0}, {0x003C}},
    {"smartevse3-node", 6, 0x0002, 1, {0x00A0}, {0x0000}},
    {"chargex", 16, 0x01F8, 2, {0x0000, 0x2B20}, {0x0000, 0x0BB8}},
};

ParameterizedTestParameters(charger_type, encodes_the_limit)
{
    return cr_make_param_array(struct golden, goldens, COUNT(goldens));
}

static void expect_words(const struct golden *c, const struct charger_type *type, int32_t watts,
                         const uint16_t *expected)
{
    const struct amperes_connection connection = {3, 230000, 11040};
    struct amperes_value value = amperes_from_watts(&type->scale, &connection, false, watts);
    uint16_t words[CHARGER_WORDS] = {0};
    cr_expect_eq(charger_type_words(type, value.phase, words), c->count, "%s", c->id);
    for (int i = 0; i < c->count; i++)
        cr_expect_eq(words[i], expected[i], "%s, %d W: word %d is %04X", c->id, watts, i, words[i]);
    cr_expect_leq(value.watts, watts, "%s", c->id);
}

ParameterizedTest(struct golden *c, charger_type, encodes_the_limit)
{
    char path[64];
    struct charger_type type;
    path_of(c->id, path);
    cr_assert_eq(charger_type_read(path, &type), ERR_NONE, "%s (run me at the top)", path);
    cr_expect_eq(type.limit.function, c->function, "%s", c->id);
    cr_expect_eq(type.limit.address, c->address, "%s", c->id);
    expect_words(c, &type, 11040, c->words);
    expect_words(c, &type, 3000, c->paused);
    charger_type_clear(&type);
}

Test(charger_type, has_a_golden_row_for_each_shipped_driver)
{
    glob_t found;
    cr_assert_eq(glob("gateway/drivers/*.ini", 0, NULL, &found), 0, "run me at the top");
    cr_expect_eq(found.gl_pathc, COUNT(goldens));
    globfree(&found);
}

Test(charger_type, says_what_the_file_says)
{
    struct charger_type type;
    cr_assert_eq(charger_type_read("gateway/drivers/keba-p30.ini", &type), ERR_NONE);
    cr_expect_str_eq(type.grade, "V");
    cr_expect_eq(type.unit, 255);
    cr_expect(type.has_tcp && !type.has_rtu && !type.has_ascii);
    cr_expect_eq(type.limit.type, REGISTERS_U16);
    cr_expect_eq(type.scale.unit, AMPERES_A);
    cr_expect_eq(type.scale.step_micro, 1000);
    cr_expect_eq(type.pause.address, 5014);
    cr_expect_eq(type.pause.on, 1);
    cr_expect_eq(type.pause.off, 0);
    cr_expect_eq(type.readback.address, CHARGER_NOWHERE);
    cr_expect_eq(type.applied.address, 1100);
    cr_expect_eq(type.applied.type, REGISTERS_U32);
    cr_expect_eq(type.keepalive, CHARGER_REWRITE);
    cr_expect_eq(type.silence, CHARGER_RESTRICTS);
    cr_expect_eq(type.watchdog.write.address, 5018);
    cr_expect_eq(type.watchdog.read.address, 1602);
    cr_expect_eq(type.watchdog.read.type, REGISTERS_U32);
    cr_expect_eq(type.fallback.write.address, 5016);
    cr_expect_eq(type.fallback.read.step_micro, 1000);
    cr_expect_eq(type.commit.address, 5020);
    cr_expect(type.one_value);
    cr_expect_eq(type.probe_most, 5);
    charger_type_clear(&type);
}

Test(charger_type, moves_to_a_charging_point)
{
    struct charger_type type;
    cr_assert_eq(charger_type_read("gateway/drivers/charx.ini", &type), ERR_NONE);
    cr_expect_eq(charger_type_at_point(&type, 3), ERR_NONE);
    cr_expect_eq(type.limit.address, 3301);
    cr_expect_eq(type.applied.address, 3297);
    cr_expect_eq(type.watchdog.write.address, 3307);
    cr_expect_eq(charger_type_at_point(&type, 99), ERR_RANGE, "beyond the last address");
    charger_type_clear(&type);
    cr_assert_eq(charger_type_read("gateway/drivers/delta.ini", &type), ERR_NONE);
    cr_expect_eq(charger_type_at_point(&type, 2), ERR_NONE);
    cr_expect_eq(type.limit.address, 2600);
    cr_expect_eq(type.pause.address, 2602);
    cr_expect_eq(type.watchdog.write.address, 202, "common to all points");
    charger_type_clear(&type);
    cr_assert_eq(charger_type_read("gateway/drivers/bender.ini", &type), ERR_NONE);
    cr_expect_eq(charger_type_at_point(&type, 1), ERR_NONE);
    cr_expect_eq(charger_type_at_point(&type, 2), ERR_RANGE, "has only one");
    charger_type_clear(&type);
}

struct timeout {
    char id[20];
    int seconds, number;
    enum err err;
};

ParameterizedTestParameters(charger_type, says_a_time_out)
{
    static struct timeout cases[] = {
        {"bender", 60, 60, ERR_NONE},        {"bender", 301, 0, ERR_RANGE},
        {"heidelberg", 15, 15000, ERR_NONE}, {"heidelberg", 90, 0, ERR_RANGE},
        {"keba-p30", 9, 0, ERR_RANGE},       {"keba-p30", 600, 600, ERR_NONE},
        {"pulsares", 30, 5, ERR_NONE},       {"pulsares", 20, 0, ERR_RANGE},
    };
    return cr_make_param_array(struct timeout, cases, COUNT(cases));
}

ParameterizedTest(struct timeout *c, charger_type, says_a_time_out)
{
    char path[64];
    struct charger_type type;
    int64_t number = 0;
    path_of(c->id, path);
    cr_assert_eq(charger_type_read(path, &type), ERR_NONE);
    cr_expect_eq(charger_type_watchdog_number(&type, c->seconds, &number), c->err, "%s", c->id);
    cr_expect_eq(number, c->number, "%s, %lld s", c->id, (long long)c->seconds);
    if (!c->err)
        cr_expect_eq(charger_type_watchdog_s(&type, number), c->seconds, "%s", c->id);
    charger_type_clear(&type);
}

// A file that has everything it must have, but for the lines that replace or follow.
static enum err read_with(const char *limit, const char *more)
{
    char path[] = "/tmp/type.XXXXXX";
    int fd = mkstemp(path);
    dprintf(fd,
            "[type]\nname = x\ngrade = V\n[limit]\n%s\n[readback]\nregister = -1\n[keepalive]\n"
            "kind = any\n[silence]\nbehaviour = keep\n%s\n",
            limit, more);
    close(fd);
    struct charger_type type = {0};
    enum err err = charger_type_read(path, &type);
    charger_type_clear(&type);
    unlink(path);
    return err;
}

Test(charger_type, refuses_what_does_not_fit)
{
    static const struct {
        const char *limit, *more;
        enum err err;
        const char *why;
    } cases[] = {
        {"function=16\nregister=1210\ntype=f32\nunit=A\nstep=0.1\nleast=60\nmost=320", "", ERR_NONE,
         "sound"},
        {"function=6\nregister=1210\ntype=f32\nunit=A\nstep=0.1\nmost=320", "", ERR_RANGE,
         "function 6 writes one register"},
        {"function=16\nregister=0\ntype=u16\nunit=A\nstep=0.001\nmost=70000", "", ERR_RANGE,
         "more than the type holds"},
        {"function=16\nregister=0\ntype=u16\nunit=A\nstep=1\nleast=33\nmost=32", "", ERR_RANGE,
         "least above most"},
        {"function=7\nregister=0\ntype=u16\nunit=A\nstep=1\nmost=32", "", ERR_RANGE,
         "no such function"},
        {"function=6\nregister=0\ntype=u16\nunit=VA\nstep=1\nmost=32", "", ERR_SYNTAX,
         "no such unit"},
        {"function=6\nregister=0\ntype=u16\nunit=A\nstep=0\nmost=32", "", ERR_RANGE, "no step"},
        {"function=6\ntype=u16\nunit=A\nstep=1\nmost=32", "", ERR_SYNTAX, "register is missing"},
        {"function=6\nregister=0\ntype=u16\nunit=A\nstep=1\nmost=32", "[watchdog]\nreset = 1",
         ERR_SYNTAX, "unknown setting"},
        {"function=6\nregister=0\ntype=u16\nunit=A\nstep=1\nmost=32\nper_phase=yes", "", ERR_RANGE,
         "three numbers with function 6"},
        {"function=6\nregister=0\ntype=u16\nunit=A\nstep=1\nmost=32\npause=70000", "", ERR_RANGE,
         "a pause beyond the type"},
        {"function=6\nregister=0\ntype=u16\nunit=A\nstep=1\nmost=32", "[watchdog]\nchoices = 2:5",
         ERR_SYNTAX, "choices of another form"},
        {"function=6\nregister=0\ntype=u16\nunit=A\nstep=1\nmost=32",
         "[probe]\nregister=1\nfunction=6", ERR_RANGE, "a probe that writes"},
        {"function=6\nregister=0\ntype=u16\nunit=A\nstep=1\nmost=32",
         "[watchdog]\nregister=1\ntype=u32", ERR_RANGE,
         "a time-out of two registers with function 6"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(read_with(cases[i].limit, cases[i].more), cases[i].err, "%s", cases[i].why);
}
