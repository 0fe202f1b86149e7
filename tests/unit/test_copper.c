// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/copper.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

Test(copper, reads_what_it_wrote)
{
    const struct copper told = {
        "C01", 1768407300123, {3680000, 0, 1399780}, {3680000, 3680000, 3680000}};
    char text[COPPER_MAX];
    copper_write(&told, text);
    cr_expect_str_eq(text, "{\"charger\":\"C01\",\"p_w\":[3680.000,0.000,1399.780],"
                           "\"free_p_w\":[3680.000,3680.000,3680.000],"
                           "\"at\":\"2026-01-14T16:15:00.123Z\"}");
    struct copper heard = {.at_ms = 0};
    cr_assert_eq(copper_read(text, 7, &heard), ERR_NONE);
    cr_expect_str_eq(heard.charger, "C01");
    cr_expect_eq(heard.at_ms, told.at_ms);
    cr_expect_eq(memcmp(heard.p_mw, told.p_mw, sizeof heard.p_mw), 0);
    cr_expect_eq(memcmp(heard.free_mw, told.free_mw, sizeof heard.free_mw), 0);
}

Test(copper, takes_now_and_the_same_power_where_nothing_else_is_told)
{
    struct copper heard = {.at_ms = 0};
    cr_assert_eq(copper_read("{\"charger\":\"C01\",\"p_w\":[3680,0,0]}", 7, &heard), ERR_NONE);
    cr_expect_eq(heard.at_ms, 7);
    cr_expect_eq(heard.free_mw[0], 3680000);
}

struct bad {
    char text[128];
    enum err err;
};

ParameterizedTestParameters(copper, refuses)
{
    static struct bad cases[] = {
        {"", ERR_SYNTAX},
        {"{\"p_w\":[1,2,3]}", ERR_SYNTAX},
        {"{\"charger\":\"C01\"}", ERR_SYNTAX},
        {"{\"charger\":\"C01\",\"p_w\":[1,2]}", ERR_SYNTAX},
        {"{\"charger\":\"C01\",\"p_w\":[1,2,\"3\"]}", ERR_SYNTAX},
        {"{\"charger\":\"C01\",\"p_w\":[1,2,-3]}", ERR_RANGE},
        {"{\"charger\":\"C01\",\"p_w\":[1,2,3e9]}", ERR_RANGE},
        {"{\"charger\":\"C01\",\"p_w\":[1,2,3],\"at\":\"now\"}", ERR_SYNTAX},
        {"{\"charger\":\"C01\",\"p_w\":[1,2,3],\"free_p_w\":7}", ERR_SYNTAX},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, copper, refuses)
{
    struct copper heard = {.at_ms = 42};
    cr_expect_eq(copper_read(c->text, 7, &heard), c->err, "%s", c->text);
    cr_expect_eq(heard.at_ms, 42, "%s: the result must stay untouched", c->text);
}
