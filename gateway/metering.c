// SPDX-License-Identifier: Apache-2.0

#include "gateway/metering.h"
#include "base/log.h"
#include "base/memory.h"
#include "gateway/meter_values.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

static char *dump(json_t *root)
{
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    if (!text)
        log_fatal("metering.failed", F("what", "JSON"));
    json_decref(root);
    return text;
}

// Whole numbers stay whole.
static json_t *milli(int64_t value)
{
    return value % 1000 ? json_real((double)value / 1000) : json_integer(value / 1000);
}

static json_t *value_of(const struct meter_values *values, int quantity)
{
    return values->is_known[quantity] ? milli(values->milli[quantity]) : json_null();
}

static void put_nulls(json_t *object, const char *const *keys)
{
    for (; *keys; keys++)
        json_object_set_new(object, *keys, json_null());
}

static json_t *phase_of(const struct meter_values *values, int i)
{
    static const char *const untold[] = {"Q", "Q+", "Q-", NULL};
    static const char *const apparent[] = {"S", NULL};
    json_t *phase = json_pack(
        "{s:o, s:o, s:o, s:o, s:o}", "U", value_of(values, METER_VOLTAGE_L1 + i), "I",
        value_of(values, METER_CURRENT_L1 + i), "P", value_of(values, METER_POWER_L1 + i), "P+",
        value_of(values, METER_DRAWN_L1 + i), "P-", value_of(values, METER_FED_L1 + i));
    put_nulls(phase, untold);
    json_object_set_new(phase, "VSAGS", value_of(values, METER_SAGS_L1 + i));
    json_object_set_new(phase, "VSWELLS", value_of(values, METER_SWELLS_L1 + i));
    put_nulls(phase, apparent);
    return phase;
}

static void put_apparent(json_t *root, const struct meter_values *values)
{
    int64_t sum = 0;
    bool is_known = false;
    for (int i = 0; i < P1_PHASES; i++) {
        is_known |= values->is_known[METER_POWER_L1 + i];
        sum += llabs(values->milli[METER_POWER_L1 + i]);
    }
    bool has_factor = is_known && sum > 0 && values->is_known[METER_POWER];
    double factor = has_factor ? (double)values->milli[METER_POWER] / (double)sum : 0;
    json_object_set_new(root, "PF", has_factor ? json_real(round(factor * 10) / 10) : json_null());
    json_object_set_new(root, "S", is_known ? milli(sum) : json_null());
}

char *metering_power(const struct p1_telegram *telegram, const char *phase, struct utc otherwise)
{
    static const char *const lines[] = {"U12", "U31", "U32", NULL};
    static const char *const reactive[] = {"Q", "Q+", "Q-", "EQ1", "EQ2", "EQ3", "EQ4", NULL};
    struct meter_values values;
    meter_values_of(telegram, "123", &values);
    bool has_time = telegram->time.status == P1_VALUE;
    json_t *root =
        json_pack("{s:I, s:o, s:o, s:o, s:o, s:o}", "ts",
                  (json_int_t)(has_time ? telegram->time.utc : otherwise.ns / SECONDS_NS), "P",
                  value_of(&values, METER_POWER), "P+", value_of(&values, METER_DRAWN), "P-",
                  value_of(&values, METER_FED), "E_IMPORT", value_of(&values, METER_ENERGY_DRAWN),
                  "E_EXPORT", value_of(&values, METER_ENERGY_FED));
    put_nulls(root, lines);
    for (int i = 0; i < P1_PHASES; i++) {
        char *key = memory_format("%s%d", phase, i + 1);
        json_object_set_new(root, key, phase_of(&values, i));
        free(key);
    }
    put_nulls(root, reactive);
    json_object_set_new(root, "PFAIL", value_of(&values, METER_FAILURES));
    json_object_set_new(root, "LPFAIL", value_of(&values, METER_LONG_FAILURES));
    put_apparent(root, &values);
    return dump(root);
}

char *metering_counters(const struct metering_counters *counters)
{
    static const char *const untold[] = {"gw_ping_pass", "gw_ping_fail", "internet_ping_pass",
                                         "internet_ping_fail", NULL};
    static const char *const heap[] = {"heap_free", "heap_min_free", "heap_largest_free",
                                       "heap_failed_allocs", NULL};
    const struct p1_counts *p1 = counters->p1;
    uint64_t good = p1->ok + p1->absent, broken = p1->cut + p1->overlong + p1->silent + p1->slow;
    json_t *root = json_pack("{s:I}", "uptime", (json_int_t)counters->uptime_s);
    put_nulls(root, untold);
    json_t *rest = json_pack(
        "{s:I, s:I, s:I, s:n, s:I, s:I, s:I}", "telegrams_pass", (json_int_t)good, "telegrams_fail",
        (json_int_t)p1->bad, "telegrams_frame_fail", (json_int_t)broken, "mqtt_event_errors",
        "mqtt_event_connect", (json_int_t)counters->connected, "mqtt_send_pass",
        (json_int_t)counters->sent, "mqtt_send_fail", (json_int_t)counters->not_sent);
    json_object_update(root, rest);
    json_decref(rest);
    put_nulls(root, heap);
    return dump(root);
}
