// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/noise.h"
#include "base/memory.h"
#include "gateway/seal_gate.h"
#include "gateway/trust.h"
#include "wire/crc16.h"
#include "wire/long_message.h"
#include "wire/p1_reader.h"
#include "wire/p1_write.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ORIGINALS = 32,
    MESSAGES = 8,
    FLIPS_MAX = 12,
    BURST_MAX = 40,
    INSERT_MAX = 200,
    ROOM = 2 * P1_WRITE_MAX + INSERT_MAX,
};
static const int64_t START = 1768406400; // 2026-01-14 16:00:00 UTC
static const char meter[] = "E0051000000000001";

struct original {
    char text[P1_WRITE_MAX + 1];
    size_t len;
};

struct line {
    const struct noise_settings *settings;
    struct noise_counts *counts;
    uint64_t random;
    struct original originals[ORIGINALS];
    char messages[MESSAGES][LONG_MESSAGE_MAX + 1];
    bool awaits_good; // an undamaged telegram is under way
    struct seal_gate gate;
    struct trust trust;
    struct p1_reader *reader;
    struct p1_telegram telegram;
    struct long_message message;
};

static size_t below(struct line *line, size_t bound)
{
    line->random ^= line->random << 13;
    line->random ^= line->random >> 7;
    line->random ^= line->random << 17;
    return (size_t)(line->random >> 1) % bound;
}

// ---- what is sent

static void make_message(struct line *line, int number, const struct seal_key *key)
{
    struct profile profile = {.valid_from = START, .valid_to = START + 86400}, written;
    profile.count = 1 + 3 * number;
    for (int i = 0; i < profile.count; i++) {
        profile.periods[i].start = START + 900 * i;
        profile_set(&profile.periods[i].set, PROFILE_MAX_POWER, 1000 * (1 + (i + number) % 9));
    }
    char plain[LONG_MESSAGE_MAX + 1], *text = line->messages[number];
    bool failed = long_message_write(&profile, LONG_MESSAGE_W, SEAL_ROOM, plain, &written)
                  || (line->settings->is_sealed
                      && seal_write(plain, strlen(plain), START * 1000 + number, meter, key, text));
    assert(!failed);
    if (!line->settings->is_sealed)
        memcpy(text, plain, sizeof plain);
}

static void make_originals(struct line *line)
{
    struct seal_key *key = seal_key_make();
    line->gate = (struct seal_gate){.equipment_id = meter};
    line->gate.keys[0] = (struct seal_gate_key){line->settings->is_sealed, seal_key_public(key),
                                                INT64_MIN, INT64_MAX};
    for (int m = 0; m < MESSAGES; m++)
        make_message(line, m, key);
    seal_key_free(key);
    for (int i = 0; i < ORIGINALS; i++) {
        const char *message = line->messages[i * MESSAGES / ORIGINALS];
        const struct p1_write values = {
            .version = P1_WRITE_SMR_50,
            .identification = "ISK5\\2M550T-1012",
            .utc = START + i,
            .equipment_id = meter,
            .phases = 3,
            .tariff = 1 + i % 2,
            .energy_delivered_wh = {1234567 + i, 7654321 + 10 * i},
            .power_delivered_w = {3680 - i, 2300 + 7 * i, 230},
            .voltage_mv = {230100, 229800, 231400},
            .current_ma = {16000, 10000, 1000},
            .message = message,
            .message_len = strlen(message),
        };
        enum err err = p1_write(&values, line->originals[i].text, &line->originals[i].len);
        assert(!err);
    }
}

// ---- what happens to it on the way

static size_t insert(struct line *line, char *text, size_t len)
{
    size_t at = below(line, len), count = 1 + below(line, INSERT_MAX);
    memmove(text + at + count, text + at, len - at);
    for (size_t i = 0; i < count; i++)
        text[at + i] = (char)below(line, 256);
    return len + count;
}

static size_t cut(struct line *line, char *text, size_t len)
{
    size_t at = below(line, len), count = 1 + below(line, len - at);
    memmove(text + at, text + at + count, len - at - count);
    return len - count;
}

static size_t repeat(struct line *line, char *text, size_t len)
{
    size_t from = below(line, len), count = 1 + below(line, len - from);
    memmove(text + from + count, text + from, len - from);
    return len + count;
}

// The second half is that of another telegram: two halves joined by a pause.
static size_t join(struct line *line, char *text, size_t len)
{
    const struct original *other = &line->originals[below(line, ORIGINALS)];
    size_t at = below(line, len), from = below(line, other->len);
    memcpy(text + at, other->text + from, other->len - from);
    return at + other->len - from;
}

static size_t damage(struct line *line, char *text, size_t len)
{
    size_t at = below(line, len);
    switch (below(line, 7)) {
    case 0: // some bits
        for (size_t i = 1 + below(line, FLIPS_MAX); i > 0; i--)
            text[below(line, len)] ^= (char)(1 << below(line, 8));
        return len;
    case 1: // a burst
        for (size_t i = 0; i < 1 + below(line, BURST_MAX) && at + i < len; i++)
            text[at + i] = (char)below(line, 256);
        return len;
    case 2: // digits where there were digits: what a parity check would not notice
        for (size_t i = 1 + below(line, FLIPS_MAX); i > 0; i--, at = below(line, len))
            if (text[at] >= '0' && text[at] <= '9')
                text[at] = (char)('0' + below(line, 10));
        return len;
    case 3:
        return insert(line, text, len);
    case 4:
        return cut(line, text, len);
    case 5:
        return repeat(line, text, len);
    default:
        return join(line, text, len);
    }
}

// Put the CRC right, if there still is a place for it.
static void mend_crc(char *text, size_t len)
{
    char *mark = memmem(text, len, "\r\n!", 3);
    if (*text != '/' || !mark || mark + 9 > text + len)
        return;
    char digits[5];
    size_t covered = (size_t)(mark + 3 - text);
    snprintf(digits, sizeof digits, "%04X", (unsigned)crc16_update(CRC16_START, text, covered));
    memcpy(mark + 3, digits, 4);
    mark[7] = '\r';
    mark[8] = '\n';
}

// ---- what is read

static bool was_sent(const struct line *line, const char *telegram, size_t len)
{
    for (int i = 0; i < ORIGINALS; i++)
        if (line->originals[i].len > len && !memcmp(line->originals[i].text, telegram, len))
            return true;
    return false;
}

static bool stood_on_p1(const struct line *line)
{
    for (int i = 0; i < MESSAGES; i++)
        if (strlen(line->messages[i]) == line->trust.len
            && !memcmp(line->messages[i], line->trust.octets, line->trust.len))
            return true;
    return false;
}

// Would the message that has just settled be obeyed? As the gateway decides it, but for the
// order of sequence numbers.
static bool is_obeyed(struct line *line)
{
    const char *text = (const char *)line->trust.octets;
    if (trust_message_fault(&line->trust))
        return false;
    long_message_read(text, line->trust.len, LONG_MESSAGE_W, &line->message);
    if (line->message.kind != LONG_MESSAGE_PROFILE)
        return false;
    line->counts->seals_read += seal_gate_is_set(&line->gate);
    const struct seal_gate_last none = {0};
    return !seal_gate_refuses(&line->gate, seal_gate_key_of(&line->gate, text, line->trust.len),
                              line->message.seq, "", &none);
}

static void take(struct line *line)
{
    size_t len;
    const char *text = p1_reader_telegram(line->reader, &len);
    const struct p1_frame *frame = p1_reader_frame(line->reader);
    bool is_good = frame->crc == P1_CRC_OK && was_sent(line, text, len);
    line->counts->good_read += is_good && line->awaits_good;
    line->awaits_good &= !is_good;
    line->counts->passed += frame->crc == P1_CRC_OK && !is_good;
    p1_telegram_read(text, len, frame, &line->telegram);
    if (trust_refuses(&line->trust, &line->telegram)
        || !trust_settles(&line->trust, &line->telegram) || !is_obeyed(line))
        return;
    bool is_right = stood_on_p1(line);
    line->counts->obeyed += is_right;
    line->counts->wrong += !is_right;
}

static void push(struct line *line, const char *text, size_t len)
{
    for (size_t at = 0, used = 0; at < len; at += used)
        if (p1_reader_push(line->reader, text + at, len - at, &used))
            take(line);
}

void noise_run(const struct noise_settings *settings, struct noise_counts *counts)
{
    struct line *line = memory_new(1, sizeof *line);
    *counts = (struct noise_counts){0};
    line->settings = settings;
    line->counts = counts;
    line->random = settings->seed;
    line->reader = p1_reader_new();
    make_originals(line);
    const struct trust_rules rules = {meter, settings->repeats};
    trust_start(&line->trust, &rules);
    for (int64_t i = 0; i < settings->telegrams; i++) {
        char text[ROOM];
        const struct original *original = &line->originals[i / 8 % ORIGINALS];
        size_t len = original->len;
        memcpy(text, original->text, len);
        if (below(line, 100) >= (size_t)settings->good_percent) {
            len = damage(line, text, len);
            if (settings->is_cunning)
                mend_crc(text, len);
        }
        bool is_good = len == original->len && !memcmp(text, original->text, len);
        counts->good += is_good;
        counts->damaged += !is_good;
        line->awaits_good = is_good;
        push(line, text, len);
    }
    p1_reader_free(line->reader);
    free(line);
}
