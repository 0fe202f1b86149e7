// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/meter/meter.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"
#include "tests/peer/keep.h"
#include "wire/dsmr_time.h"

#include <stdlib.h>
#include <string.h>

enum { MEASURED_MV = STREET_VOLT * 1000 };
#define WH_UJ INT64_C(3600000000)

bool meter_strikes(int *count)
{
    if (*count > 0)
        return (*count)--;
    return *count == METER_EVER;
}

static void hold(struct meter *meter, const char *text, size_t len)
{
    memcpy(meter->text, text, len);
    meter->text[len] = '\0';
    meter->text_len = len;
}

void meter_load(struct meter *meter, const char *folder)
{
    meter->path = memory_format("%s/%s.text", folder, meter->equipment_id);
    size_t len;
    char *text = meter->keep != KEEP_MEMORY ? keep_read(meter->path, &len) : NULL;
    if (text && len <= HEAD_END_TEXT_MAX)
        hold(meter, text, len);
    else if (text)
        log_fatal("meter.text_too_long", F("path", meter->path), F("octets", (int64_t)len));
    free(text);
}

enum err meter_set_text(struct meter *meter, const char *text, size_t len)
{
    char *kept = memory_text_n(text, len);
    if (meter_strikes(&meter->faults.garble) && len)
        kept[len / 2] = kept[len / 2] == '0' ? '1' : '0';
    enum err err = meter->keep == KEEP_MEMORY
                       ? ERR_NONE
                       : keep_write(meter->path, kept, len, meter->keep == KEEP_DISK);
    if (!err)
        hold(meter, kept, len);
    free(kept);
    return err;
}

char *meter_digest(const struct meter *meter)
{
    struct digest digest = digest_of(meter->text, meter->text_len);
    char text[DIGEST_TEXT_LEN + 1];
    digest_format(&digest, text);
    return memory_text(text);
}

static enum err write_telegram(const struct meter *meter, int64_t utc_s, char *text, size_t *len)
{
    struct p1_write values = {
        .version = meter->dsmr4 ? P1_WRITE_DSMR_42 : P1_WRITE_SMR_50,
        .identification = meter->dsmr4 ? "PEE4PEER-METER" : "PEE5PEER-METER",
        .utc = utc_s,
        .summer = dsmr_time_is_summer(utc_s),
        .equipment_id = meter->equipment_id,
        .phases = meter->phase_count > 1 ? STREET_PHASES : 1,
        .tariff = wattmeter_tariff(utc_s),
        .message = meter->text,
        .message_len = meter->text_len,
    };
    for (int i = 0; i < WATTMETER_TARIFFS; i++)
        values.energy_delivered_wh[i] = meter->watt.energy_uj[i] / WH_UJ;
    for (int i = 0; i < STREET_PHASES; i++) {
        values.power_delivered_w[i] = meter->watt.p_mw[i] / 1000;
        values.voltage_mv[i] = MEASURED_MV;
        values.current_ma[i] = meter->watt.p_mw[i] / STREET_VOLT;
    }
    return p1_write(&values, text, len);
}

void meter_send(struct meter *meter, int64_t utc_s)
{
    int64_t period = utc_s / (meter->dsmr4 ? 10 : 1);
    if (period == meter->period)
        return;
    meter->period = period;
    if (!p1_outlet_is_used(meter->outlet) || meter_strikes(&meter->faults.unplug))
        return;
    char text[P1_WRITE_MAX + 1];
    size_t len;
    wattmeter_run(&meter->watt, utc_s * 1000);
    if (write_telegram(meter, utc_s, text, &len)) {
        log_error("telegram.impossible", F("meter", meter->equipment_id));
        return;
    }
    if (meter_strikes(&meter->faults.noise))
        text[len / 2] ^= 1;
    p1_outlet_send(meter->outlet, text, len);
}
