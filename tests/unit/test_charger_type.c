// SPDX-License-Identifier: Apache-2.0

#include "gateway/charger_type.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Test(charger_type, every_shipped_driver_is_sound)
{
    glob_t found;
    cr_assert_eq(glob("gateway/drivers/*.ini", 0, NULL, &found), 0, "run me at the top");
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct charger_type type;
        cr_expect_eq(charger_type_read(found.gl_pathv[i], &type), ERR_NONE, "%s",
                     found.gl_pathv[i]);
        charger_type_clear(&type);
    }
    globfree(&found);
}

Test(charger_type, says_what_the_file_says)
{
    struct charger_type type;
    cr_assert_eq(charger_type_read("gateway/drivers/compleo-station.ini", &type), ERR_NONE);
    cr_expect_str_eq(type.grade, "C2");
    cr_expect_eq(type.unit, 255);
    cr_expect_eq(type.limit_function, 6);
    cr_expect_eq(type.limit_register, 0);
    cr_expect_eq(type.limit_type, REGISTERS_U16);
    cr_expect_eq(type.scale.unit, AMPERES_W);
    cr_expect_eq(type.scale.step_micro, 100000000);
    cr_expect_eq(type.readback_register, 0);
    cr_expect_eq(type.keepalive, CHARGER_REWRITE);
    cr_expect_eq(type.watchdog_register, 5);
    cr_expect_eq(type.fallback_register, 3);
    charger_type_clear(&type);
}

// A file that has everything it must have, but for the lines that replace or follow.
static enum err read_with(const char *limit, const char *more)
{
    char path[] = "/tmp/type.XXXXXX";
    int fd = mkstemp(path);
    dprintf(fd,
            "[type]\nname = x\ngrade = V\n[limit]\n%s\n[readback]\nregister = -1\n[keepalive]\n"
            "kind = any\n%s\n",
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
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(read_with(cases[i].limit, cases[i].more), cases[i].err, "%s", cases[i].why);
}
