// SPDX-License-Identifier: Apache-2.0

#include "gateway/decode.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "wire/hex.h"
#include "wire/long_message.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 65536 };

// A JSON string. The octets of a meter need not be text, so all but ASCII is escaped.
static void print_text(const char *text, int len, FILE *out)
{
    putc('"', out);
    for (int i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < ' ' || c > '~') {
            fprintf(out, "\\u%04x", c);
        } else {
            if (c == '"' || c == '\\')
                putc('\\', out);
            putc(c, out);
        }
    }
    putc('"', out);
}

static void print_text_or_null(const char *name, const struct p1_text *text, FILE *out)
{
    fprintf(out, ",\"%s\":", name);
    if (text->status == P1_VALUE)
        print_text(text->text, text->len, out);
    else
        fputs("null", out);
}

static void print_time(int64_t utc, FILE *out)
{
    char text[RFC3339_LEN + 1];
    rfc3339_format(utc, text);
    fprintf(out, "\"%s\"", text);
}

static void print_integer(const struct p1_number *number, FILE *out)
{
    if (number->status == P1_VALUE)
        fprintf(out, "%" PRId64, number->value);
    else
        fputs("null", out);
}

// Thousandths as ones, with decimals only where there are some.
static void print_milli(const struct p1_number *number, FILE *out)
{
    if (number->status != P1_VALUE || number->value % 1000 == 0) {
        print_integer(&(struct p1_number){number->status, number->value / 1000}, out);
        return;
    }
    int64_t whole = number->value / 1000;
    int part = (int)(number->value % 1000);
    int decimals = 3;
    for (; part % 10 == 0; part /= 10)
        decimals--;
    fprintf(out, "%s%" PRId64 ".%0*d", number->value < 0 ? "-" : "", whole < 0 ? -whole : whole,
            decimals, part < 0 ? -part : part);
}

static void print_by_tariff(const char *name, const struct p1_number number[static P1_TARIFFS],
                            FILE *out)
{
    fprintf(out, ",\"%s\":{", name);
    const char *comma = "";
    for (int i = 0; i < P1_TARIFFS; i++) {
        if (number[i].status == P1_ABSENT)
            continue;
        fprintf(out, "%s\"%d\":", comma, i);
        print_milli(&number[i], out);
        comma = ",";
    }
    putc('}', out);
}

static void print_by_phase(const char *name, const struct p1_number number[static P1_PHASES],
                           void print(const struct p1_number *, FILE *), FILE *out)
{
    fprintf(out, ",\"%s\":[", name);
    for (int i = 0; i < P1_PHASES; i++) {
        if (i > 0)
            putc(',', out);
        print(&number[i], out);
    }
    putc(']', out);
}

// What the text of a telegram is; message is filled in only where there are octets.
static const char *message_state(const struct p1_message *raw, struct long_message *message)
{
    switch (raw->status) {
    case P1_MESSAGE_ABSENT:
        return "absent";
    case P1_MESSAGE_EMPTY:
        return "empty";
    case P1_MESSAGE_BAD:
    case P1_MESSAGE_TOO_LONG:
        return long_message_kind_name(LONG_MESSAGE_MALFORMED);
    case P1_MESSAGE_PRESENT:
        break;
    }
    long_message_read((const char *)raw->octets, raw->len, LONG_MESSAGE_W, message);
    return long_message_kind_name(message->kind);
}

static void print_message(const struct p1_message *raw, const char *state, FILE *out)
{
    fprintf(out, ",\"message\":{\"state\":\"%s\",\"octets\":%zu,\"hex\":", state, raw->len);
    if (raw->status == P1_MESSAGE_PRESENT || raw->status == P1_MESSAGE_EMPTY) {
        char hex[2 * P1_MESSAGE_MAX];
        hex_encode_lower(raw->octets, raw->len, hex);
        fprintf(out, "\"%.*s\"", (int)(2 * raw->len), hex);
    } else {
        fputs("null", out);
    }
    putc('}', out);
}

// A period that does not set the power keeps that of the one before.
static void print_profile(const struct profile *profile, FILE *out)
{
    fputs("{\"valid_from\":", out);
    print_time(profile->valid_from, out);
    fputs(",\"valid_to\":", out);
    print_time(profile->valid_to, out);
    fputs(",\"periods\":[", out);
    for (int i = 0; i < profile->count; i++) {
        fputs(i > 0 ? ",{\"start\":" : "{\"start\":", out);
        print_time(profile->periods[i].start, out);
        struct profile_limits limits = profile_limits_of(profile, i);
        if (profile_has(&limits, PROFILE_MAX_POWER))
            fprintf(out, ",\"max_power_w\":%" PRId32 "}", limits.max_power_w);
        else
            fputs(",\"max_power_w\":null}", out);
    }
    fputs("]}", out);
}

// Control obeys a telegram that may be trusted and carries a profile.
static void print_control(const struct p1_telegram *t, const struct long_message *message,
                          const char *state, FILE *out)
{
    enum p1_trust trust = p1_telegram_trust(t);
    bool profile = message->kind == LONG_MESSAGE_PROFILE;
    fprintf(out, ",\"control\":{\"trusted\":%s,\"reason\":",
            trust == P1_TRUSTED && profile ? "true" : "false");
    char reason[LONG_MESSAGE_REASON + 32];
    if (trust != P1_TRUSTED || profile)
        snprintf(reason, sizeof reason, "%s", p1_trust_name(trust));
    else
        snprintf(reason, sizeof reason, "message_%s%s%s", state, *message->reason ? ": " : "",
                 message->reason);
    print_text(reason, (int)strlen(reason), out);
    putc('}', out);
}

void decode_print(const struct p1_frame *frame, const struct p1_telegram *t, FILE *out)
{
    struct long_message message;
    message.kind = LONG_MESSAGE_EMPTY;
    message.reason[0] = '\0';
    const char *state = message_state(&t->message, &message);

    fprintf(out, "{\"offset\":%" PRIu64 ",\"octets\":%zu", frame->offset, frame->octets);
    print_text_or_null("identification", &t->identification, out);
    print_text_or_null("version", &t->version, out);
    fprintf(out, ",\"crc\":\"%s\",\"time\":", p1_crc_name(frame->crc));
    if (t->time.status == P1_VALUE)
        print_time(t->time.utc, out);
    else
        fputs("null", out);
    print_text_or_null("equipment_id", &t->equipment_id, out);
    fputs(",\"power_delivered_w\":", out);
    print_milli(&t->power_delivered_mw, out);
    fputs(",\"power_returned_w\":", out);
    print_milli(&t->power_returned_mw, out);
    print_by_tariff("energy_delivered_wh", t->energy_delivered_mwh, out);
    print_by_tariff("energy_returned_wh", t->energy_returned_mwh, out);
    print_by_phase("voltage_mv", t->voltage_mv, print_integer, out);
    print_by_phase("current_ma", t->current_ma, print_integer, out);
    print_by_phase("power_delivered_phase_w", t->power_delivered_phase_mw, print_milli, out);
    print_by_phase("power_returned_phase_w", t->power_returned_phase_mw, print_milli, out);
    print_message(&t->message, state, out);
    fputs(",\"profile\":", out);
    if (message.kind == LONG_MESSAGE_PROFILE)
        print_profile(&message.profile, out);
    else
        fputs("null", out);
    print_control(t, &message, state, out);
    fputs("}\n", out);
}

static void print_found(const struct p1_reader *reader, FILE *out)
{
    struct p1_telegram telegram;
    size_t len;
    const char *text = p1_reader_telegram(reader, &len);
    p1_telegram_read(text, len, p1_reader_frame(reader), &telegram);
    decode_print(p1_reader_frame(reader), &telegram, out);
}

// As read(2), but goes on after a signal. Not fread(), which would hold back the telegrams of a
// pipe until its buffer is full.
static ssize_t read_some(FILE *in, char *chunk)
{
    ssize_t len;
    do
        len = read(fileno(in), chunk, CHUNK);
    while (len < 0 && errno == EINTR);
    return len;
}

int decode_run(FILE *in, FILE *out)
{
    static char chunk[CHUNK];
    struct p1_reader *reader = p1_reader_new();
    ssize_t len;
    while ((len = read_some(in, chunk)) > 0 && !ferror(out)) {
        for (size_t at = 0, used; at < (size_t)len; at += used)
            if (p1_reader_push(reader, chunk + at, (size_t)len - at, &used))
                print_found(reader, out);
        fflush(out);
    }
    if (len < 0)
        log_error("decode.unreadable", F("reason", strerror(errno)));
    else if (p1_reader_end(reader))
        print_found(reader, out);
    p1_reader_free(reader);

    bool written = fflush(out) == 0 && !ferror(out);
    if (!written)
        log_error("decode.unwritable", F("reason", strerror(errno)));
    return len < 0 || !written ? EXIT_FAILURE : EXIT_SUCCESS;
}
