// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/meter/wattmeter.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define WH_UJ INT64_C(3600000000)

struct when {
    int64_t utc_s;
    int tariff;
    char why[48];
};

ParameterizedTestParameters(wattmeter, tariff)
{
    static struct when cases[] = {
        {1768370399, 1, "Wednesday 06:59:59 in winter"},
        {1768370400, 2, "Wednesday 07:00"},
        {1768427999, 2, "Wednesday 22:59:59"},
        {1768428000, 1, "Wednesday 23:00"},
        {1768651200, 1, "Saturday noon"},
        {1784091600, 2, "Wednesday 07:00 in summer"},
        {1784091599, 1, "a second before"},
    };
    return cr_make_param_array(struct when, cases, COUNT(cases));
}

ParameterizedTest(struct when *c, wattmeter, tariff)
{
    cr_expect_eq(wattmeter_tariff(c->utc_s), c->tariff, "%s", c->why);
}

Test(wattmeter, counts_by_tariff_what_was_drawn)
{
    const int64_t p_mw[] = {1000000, 0, 2000000}, off[] = {0, 0, 0};
    struct wattmeter meter = {.at_ms = (1768428000 - 7200) * INT64_C(1000)}; // 21:00
    wattmeter_take(&meter, meter.at_ms + 3600000, p_mw);                     // 22:00
    cr_expect_eq(meter.energy_uj[1], 0, "nothing before");
    wattmeter_run(&meter, meter.at_ms + 7200000); // 24:00
    cr_expect_eq(meter.energy_uj[1], 3000 * WH_UJ, "%jd", (intmax_t)meter.energy_uj[1]);
    cr_expect_eq(meter.energy_uj[0], 3000 * WH_UJ, "%jd", (intmax_t)meter.energy_uj[0]);
    wattmeter_take(&meter, meter.at_ms - 1, off); // late news do not take energy back
    wattmeter_run(&meter, meter.at_ms + 7200000);
    cr_expect_eq(meter.energy_uj[0], 3000 * WH_UJ);
}
