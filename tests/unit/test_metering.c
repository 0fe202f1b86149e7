// SPDX-License-Identifier: Apache-2.0

#include "gateway/metering.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

// The example of the manual, 5.4: a DSMR 4 meter that feeds in.
static const char example[] =
    "{\"ts\":1780396069,\"P\":-4023,\"P+\":0,\"P-\":4023,\"E_IMPORT\":56500909,"
    "\"E_EXPORT\":25593421,\"U12\":null,\"U31\":null,\"U32\":null,"
    "\"11\":{\"U\":null,\"I\":11,\"P\":-2735,\"P+\":0,\"P-\":2735,\"Q\":null,\"Q+\":null,"
    "\"Q-\":null,\"VSAGS\":0,\"VSWELLS\":0,\"S\":null},"
    "\"12\":{\"U\":null,\"I\":4,\"P\":-959,\"P+\":0,\"P-\":959,\"Q\":null,\"Q+\":null,"
    "\"Q-\":null,\"VSAGS\":1,\"VSWELLS\":0,\"S\":null},"
    "\"13\":{\"U\":null,\"I\":1,\"P\":-364,\"P+\":0,\"P-\":364,\"Q\":null,\"Q+\":null,"
    "\"Q-\":null,\"VSAGS\":1,\"VSWELLS\":0,\"S\":null},"
    "\"Q\":null,\"Q+\":null,\"Q-\":null,\"EQ1\":null,\"EQ2\":null,\"EQ3\":null,\"EQ4\":null,"
    "\"PFAIL\":19,\"LPFAIL\":4,\"PF\":-1.0,\"S\":4058}";

static struct p1_number number(int64_t value)
{
    return (struct p1_number){P1_VALUE, value};
}

static void set_phase(struct p1_telegram *telegram, int p, int64_t ma, int64_t fed_mw, int64_t sags)
{
    telegram->current_ma[p] = number(ma);
    telegram->power_delivered_phase_mw[p] = number(0);
    telegram->power_returned_phase_mw[p] = number(fed_mw);
    telegram->voltage_sags[p] = number(sags);
    telegram->voltage_swells[p] = number(0);
}

Test(metering, is_the_example_of_the_manual)
{
    struct p1_telegram telegram = {.time = {P1_VALUE, 1780396069}};
    telegram.power_delivered_mw = number(0);
    telegram.power_returned_mw = number(4023000);
    telegram.energy_delivered_mwh[1] = number(56500909000);
    telegram.energy_returned_mwh[1] = number(25593421000);
    set_phase(&telegram, 0, 11000, 2735000, 0);
    set_phase(&telegram, 1, 4000, 959000, 1);
    set_phase(&telegram, 2, 1000, 364000, 1);
    telegram.failures = number(19);
    telegram.long_failures = number(4);
    char *text = metering_power(&telegram, "1", (struct utc){0});
    cr_expect_str_eq(text, example, "%s", text);
    free(text);
}

Test(metering, knows_nothing_from_an_empty_telegram)
{
    const struct p1_telegram telegram = {0};
    char *text = metering_power(&telegram, "l", (struct utc){7 * SECONDS_NS});
    json_t *root = json_loads(text, 0, NULL);
    const char *key;
    json_t *value;
    cr_assert_not_null(root);
    cr_expect_eq(json_integer_value(json_object_get(root, "ts")), 7);
    json_object_foreach(root, key, value)
        cr_expect(json_is_null(value) || !strcmp(key, "ts") || key[0] == 'l', "%s: %s", key, text);
    json_object_foreach(json_object_get(root, "l3"), key, value)
        cr_expect(json_is_null(value), "l3.%s", key);
    json_decref(root);
    free(text);
}

Test(metering, counts)
{
    const struct p1_counts p1 = {.ok = 90, .absent = 10, .bad = 3, .cut = 1, .slow = 2};
    const struct metering_counters counters = {60, &p1, 1, 99, 4};
    char *text = metering_counters(&counters);
    cr_expect_str_eq(
        text,
        "{\"uptime\":60,\"gw_ping_pass\":null,\"gw_ping_fail\":null,"
        "\"internet_ping_pass\":null,\"internet_ping_fail\":null,\"telegrams_pass\":100,"
        "\"telegrams_fail\":3,\"telegrams_frame_fail\":3,\"mqtt_event_errors\":null,"
        "\"mqtt_event_connect\":1,\"mqtt_send_pass\":99,\"mqtt_send_fail\":4,"
        "\"heap_free\":null,\"heap_min_free\":null,\"heap_largest_free\":null,"
        "\"heap_failed_allocs\":null}",
        "%s", text);
    free(text);
}
