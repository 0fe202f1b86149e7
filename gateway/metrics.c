// SPDX-License-Identifier: Apache-2.0

#include "gateway/metrics.h"
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>

enum { ROOM = 4096 };

struct text {
    char *octets;
    size_t len;
};

static void put(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct text *text, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int len = vsnprintf(text->octets + text->len, ROOM - text->len, format, list);
    va_end(list);
    text->len += len > 0 && (size_t)len < ROOM - text->len ? (size_t)len : 0;
}

static void put_head(struct text *text, const char *name, const char *type, const char *help)
{
    put(text, "# HELP socmod_gateway_%s %s\n# TYPE socmod_gateway_%s %s\n", name, help, name, type);
}

static void put_one(struct text *text, const char *name, const char *type, const char *help,
                    double value)
{
    put_head(text, name, type, help);
    put(text, "socmod_gateway_%s %.9g\n", name, value);
}

static void put_telegrams(struct text *text, const struct p1_counts *p1)
{
    const struct {
        const char *crc;
        uint64_t count;
    } rows[] = {{"ok", p1->ok}, {"bad", p1->bad}, {"absent", p1->absent}};
    put_head(text, "telegrams_total", "counter", "Telegrams by their CRC.");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        put(text, "socmod_gateway_telegrams_total{crc=\"%s\"} %llu\n", rows[i].crc,
            (unsigned long long)rows[i].count);
    put_one(text, "telegrams_broken_total", "counter",
            "Telegrams broken off, too long or too slow.",
            (double)(p1->cut + p1->overlong + p1->silent + p1->slow));
}

char *metrics_text(const struct metrics *metrics)
{
    struct text text = {memory_new(ROOM, 1), 0};
    put_head(&text, "limit_watts", "gauge", "Limit that holds, by mode.");
    put(&text, "socmod_gateway_limit_watts{mode=\"%s\"} %d\n",
        setpoint_mode_name(metrics->status.mode), metrics->status.limit_w);
    put_one(&text, "chargers", "gauge", "Chargers behind the meter.", metrics->chargers);
    put_one(&text, "chargers_confirmed", "gauge", "Chargers that confirmed their limit.",
            metrics->confirmed);
    put_telegrams(&text, &metrics->p1);
    if (metrics->has_telegram)
        put_one(&text, "telegram_age_seconds", "gauge", "Since the last telegram.",
                metrics->telegram_age_s);
    put_one(&text, "p1_copy_missed_octets_total", "counter", "Octets that slow readers missed.",
            (double)metrics->copy_missed);
    put_one(&text, "broker_connections_total", "counter", "Connections to the broker.",
            (double)metrics->feed.connected);
    put_one(&text, "payloads_sent_total", "counter", "Payloads of the meter's data told.",
            (double)metrics->feed.sent);
    put_one(&text, "payloads_lost_total", "counter", "Payloads of the meter's data not told.",
            (double)metrics->feed.not_sent);
    put_one(&text, "busy_longest_seconds", "gauge",
            "Longest that P1 waited to be read, since the start.", metrics->busy_longest_s);
    put_one(&text, "uptime_seconds", "gauge", "Since the start.", metrics->uptime_s);
    return text.octets;
}
