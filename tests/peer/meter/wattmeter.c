// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/meter/wattmeter.h"
#include "wire/dsmr_time.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

enum { SUNDAY = 0, SATURDAY = 6, NORMAL_FROM_H = 7, NORMAL_TO_H = 23, STEP_MS = 900 * 1000 };

int wattmeter_tariff(int64_t utc_s)
{
    time_t wall = utc_s + (dsmr_time_is_summer(utc_s) ? 7200 : 3600);
    struct tm shown;
    gmtime_r(&wall, &shown);
    bool working = shown.tm_wday != SATURDAY && shown.tm_wday != SUNDAY;
    return working && shown.tm_hour >= NORMAL_FROM_H && shown.tm_hour < NORMAL_TO_H ? 2 : 1;
}

// Tariffs change on a quarter hour, so between two of them only one holds.
void wattmeter_run(struct wattmeter *meter, int64_t at_ms)
{
    int64_t total_mw = meter->p_mw[0] + meter->p_mw[1] + meter->p_mw[2];
    while (total_mw && meter->at_ms < at_ms) {
        int64_t until_ms = (meter->at_ms / STEP_MS + 1) * STEP_MS;
        if (until_ms > at_ms)
            until_ms = at_ms;
        int tariff = wattmeter_tariff(meter->at_ms / 1000);
        meter->energy_uj[tariff - 1] += total_mw * (until_ms - meter->at_ms);
        meter->at_ms = until_ms;
    }
    if (meter->at_ms < at_ms)
        meter->at_ms = at_ms;
}

void wattmeter_take(struct wattmeter *meter, int64_t at_ms, const int64_t p_mw[WATTMETER_PHASES])
{
    wattmeter_run(meter, at_ms);
    memcpy(meter->p_mw, p_mw, sizeof meter->p_mw);
}
