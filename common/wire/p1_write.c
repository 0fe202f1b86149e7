// SPDX-License-Identifier: Apache-2.0

#include "wire/p1_write.h"
#include "wire/crc16.h"
#include "wire/dsmr_time.h"
#include "wire/hex.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { IDENTIFICATION_MAX = 64, MAX_PHASES = 3, TARIFFS = 2 };
#define Y2000 INT64_C(946684800)
#define Y2100_LESS_A_DAY (INT64_C(4102444800) - 86400)

// What has been written so far. P1_WRITE_MAX is above the longest, so it always fits.
struct paper {
    char *text;
    size_t len;
};

static __attribute__((format(printf, 2, 3))) void put(struct paper *paper, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    size_t room = P1_WRITE_MAX + 1 - paper->len;
    int len = vsnprintf(paper->text + paper->len, room, format, list);
    va_end(list);
    assert(len >= 0 && (size_t)len < room);
    paper->len += (size_t)len;
}

static void put_hex(struct paper *paper, const void *octets, size_t len)
{
    assert(paper->len + 2 * len < P1_WRITE_MAX);
    hex_encode_upper(octets, len, paper->text + paper->len);
    paper->len += 2 * len;
}

static void put_hex_line(struct paper *paper, const char *code, const void *octets, size_t len)
{
    put(paper, "%s(", code);
    put_hex(paper, octets, len);
    put(paper, ")\r\n");
}

// A number of thousandths with the given digits before the point and all three behind it.
static void put_milli(struct paper *paper, const char *code, int before, int64_t milli,
                      const char *unit)
{
    put(paper, "%s(%0*" PRId64 ".%03d*%s)\r\n", code, before, milli / 1000, (int)(milli % 1000),
        unit);
}

static void put_time(struct paper *paper, int64_t utc, bool summer)
{
    char time[DSMR_TIME_LEN + 1];
    dsmr_time_format(utc, summer, time);
    put(paper, "(%s)", time);
}

static bool fits(int64_t value, int64_t limit)
{
    return value >= 0 && value < limit;
}

static bool printable(const char *text, size_t max)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++)
        if (text[i] < ' ' || text[i] > '~')
            return false;
    return len <= max;
}

static int64_t sum(const int64_t *values, int count)
{
    int64_t total = 0;
    for (int i = 0; i < count; i++)
        total += values[i];
    return total;
}

static bool all_fit(const struct p1_write *v)
{
    if ((v->phases != 1 && v->phases != MAX_PHASES) || (v->tariff != 1 && v->tariff != TARIFFS)
        || !printable(v->identification, IDENTIFICATION_MAX)
        || !printable(v->equipment_id, P1_WRITE_IDENTIFIER) || v->utc < Y2000
        || v->utc > Y2100_LESS_A_DAY || v->message_len > P1_WRITE_MESSAGE
        || !fits(v->failures, 100000) || !fits(v->long_failures, 100000))
        return false;
    for (int i = 0; i < TARIFFS; i++)
        if (!fits(v->energy_delivered_wh[i], 1000000000)
            || !fits(v->energy_returned_wh[i], 1000000000))
            return false;
    for (int i = 0; i < v->phases; i++)
        if (!fits(v->power_delivered_w[i], 100000) || !fits(v->power_returned_w[i], 100000)
            || !fits(v->voltage_mv[i], 1000000) || !fits(v->current_ma[i], 1000000))
            return false;
    if (sum(v->power_delivered_w, v->phases) >= 100000
        || sum(v->power_returned_w, v->phases) >= 100000)
        return false;
    return !v->gas_id
           || (printable(v->gas_id, P1_WRITE_IDENTIFIER) && v->gas_utc >= Y2000
               && v->gas_utc <= Y2100_LESS_A_DAY && fits(v->gas_dm3, 100000000));
}

// One line for each phase. C of its code is first for L1 and 20 more for each further one.
static void put_power(struct paper *paper, const struct p1_write *v, int first, const int64_t *w)
{
    for (int i = 0; i < v->phases; i++) {
        char code[24];
        snprintf(code, sizeof code, "1-0:%d.7.0", first + 20 * i);
        put_milli(paper, code, 2, w[i], "kW");
    }
}

static void put_energy(struct paper *paper, const struct p1_write *v)
{
    put_milli(paper, "1-0:1.8.1", 6, v->energy_delivered_wh[0], "kWh");
    put_milli(paper, "1-0:1.8.2", 6, v->energy_delivered_wh[1], "kWh");
    put_milli(paper, "1-0:2.8.1", 6, v->energy_returned_wh[0], "kWh");
    put_milli(paper, "1-0:2.8.2", 6, v->energy_returned_wh[1], "kWh");
    put(paper, "0-0:96.14.0(%04d)\r\n", v->tariff);
    put_milli(paper, "1-0:1.7.0", 2, sum(v->power_delivered_w, v->phases), "kW");
    put_milli(paper, "1-0:2.7.0", 2, sum(v->power_returned_w, v->phases), "kW");
}

static void put_quality(struct paper *paper, const struct p1_write *v)
{
    put(paper, "0-0:96.7.21(%05d)\r\n0-0:96.7.9(%05d)\r\n1-0:99.97.0()\r\n", v->failures,
        v->long_failures);
    for (int i = 0; i < v->phases; i++)
        put(paper, "1-0:%d.32.0(00000)\r\n", 32 + 20 * i);
    for (int i = 0; i < v->phases; i++)
        put(paper, "1-0:%d.36.0(00000)\r\n", 32 + 20 * i);
}

static void put_phase_values(struct paper *paper, const struct p1_write *v)
{
    if (v->version == P1_WRITE_SMR_50)
        for (int i = 0; i < v->phases; i++)
            put(paper, "1-0:%d.7.0(%03d.%d*V)\r\n", 32 + 20 * i, (int)(v->voltage_mv[i] / 1000),
                (int)(v->voltage_mv[i] / 100 % 10));
    for (int i = 0; i < v->phases; i++)
        put(paper, "1-0:%d.7.0(%03d*A)\r\n", 31 + 20 * i, (int)(v->current_ma[i] / 1000));
    put_power(paper, v, 21, v->power_delivered_w);
    put_power(paper, v, 22, v->power_returned_w);
}

static void put_gas(struct paper *paper, const struct p1_write *v)
{
    if (!v->gas_id)
        return;
    put(paper, "0-1:24.1.0(003)\r\n");
    put_hex_line(paper, "0-1:96.1.0", v->gas_id, strlen(v->gas_id));
    put(paper, "0-1:24.2.1");
    put_time(paper, v->gas_utc, v->gas_summer);
    put_milli(paper, "", 5, v->gas_dm3, "m3");
}

enum err p1_write(const struct p1_write *v, char text[static P1_WRITE_MAX + 1], size_t *len)
{
    if (!all_fit(v))
        return ERR_RANGE;
    struct paper paper = {.text = text};
    bool smr5 = v->version == P1_WRITE_SMR_50;
    put(&paper, "/%s\r\n\r\n1-3:0.2.8(%s)\r\n0-0:1.0.0", v->identification, smr5 ? "50" : "42");
    put_time(&paper, v->utc, v->summer);
    put(&paper, "\r\n");
    put_hex_line(&paper, "0-0:96.1.1", v->equipment_id, strlen(v->equipment_id));
    put_energy(&paper, v);
    put_quality(&paper, v);
    if (!smr5)
        put(&paper, "0-0:96.13.1()\r\n");
    put_hex_line(&paper, "0-0:96.13.0", v->message, v->message_len);
    put_phase_values(&paper, v);
    put_gas(&paper, v);
    put(&paper, "!");
    put(&paper, "%04X\r\n", crc16_update(CRC16_START, paper.text, paper.len));
    *len = paper.len;
    return ERR_NONE;
}
