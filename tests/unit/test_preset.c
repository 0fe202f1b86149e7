// SPDX-License-Identifier: Apache-2.0

#include "gateway/preset.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

Test(preset, reads_the_settings)
{
    struct presets presets = {.source = PRESET_MSG2};
    cr_assert_eq(presets_parse("LIMITE 6=6000, A1 = 3000 ,STOP=0", &presets), ERR_NONE);
    cr_expect_eq(presets.source, PRESET_MSG2);
    cr_expect_eq(presets.count, 3);
    cr_expect_eq(preset_find(&presets, "LIMITE 6")->limit_w, 6000);
    cr_expect_eq(preset_find(&presets, "A1")->limit_w, 3000);
    cr_expect_eq(preset_find(&presets, "STOP")->limit_w, 0);
    cr_expect_null(preset_find(&presets, "LIMITE"));
    cr_expect_null(preset_find(&presets, ""));
    cr_assert_eq(presets_parse("", &presets), ERR_NONE);
    cr_expect_eq(presets.count, 0);
}

struct bad {
    char text[160];
    enum err err;
};

ParameterizedTestParameters(preset, refuses)
{
    static struct bad cases[] = {
        {"A1", ERR_SYNTAX},
        {"=6000", ERR_SYNTAX},
        {"  =6000", ERR_SYNTAX},
        {"A1=", ERR_SYNTAX},
        {"A1=6kW", ERR_SYNTAX},
        {"A1=6000,A1=3000", ERR_SYNTAX},
        {"A1=6000,,A2=3000", ERR_SYNTAX},
        {"A1=-1", ERR_RANGE},
        {"A1=1000001", ERR_RANGE},
        {"0123456789012345678901234567890123=1", ERR_SIZE},
        {"a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,j=1,k=1,l=1,m=1,n=1,o=1,p=1,q=1", ERR_SIZE},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, preset, refuses)
{
    struct presets presets = {.count = 42};
    cr_expect_eq(presets_parse(c->text, &presets), c->err, "%s", c->text);
    cr_expect_eq(presets.count, 42, "the result must stay untouched");
}

Test(preset, finds_the_code_of_a_frame)
{
    char code[TIC_TEXT_MAX + 1];
    struct tic tic = {
        .message = {TIC_VALUE, "A1"}, .short_message = {TIC_VALUE, "B2"}, .relays = {TIC_VALUE, 5}};
    static const char *const wanted[] = {"A1", "B2", "005"};
    for (int source = PRESET_MSG1; source <= PRESET_RELAIS; source++) {
        const struct presets presets = {.source = (enum preset_source)source};
        cr_expect(preset_code(&presets, &tic, code));
        cr_expect_str_eq(code, wanted[source]);
    }
    const struct presets relays = {.source = PRESET_RELAIS}, message = {.source = PRESET_MSG1};
    tic.relays.value = 256;
    cr_expect_not(preset_code(&relays, &tic, code));
    tic.relays.status = tic.message.status = TIC_BAD;
    cr_expect_not(preset_code(&relays, &tic, code));
    cr_expect_not(preset_code(&message, &tic, code));
}
