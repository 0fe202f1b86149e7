// SPDX-License-Identifier: Apache-2.0

#include "wire/tic.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

// Groups written as "label data" or "label time data" with '|' between them, a line each.
static size_t frame_of(const char *lines, char *frame)
{
    size_t len = 0;
    for (const char *line = lines; *line;) {
        size_t line_len = strcspn(line, "\n");
        char *group = frame + len + 1;
        frame[len] = '\n';
        memcpy(group, line, line_len);
        for (size_t i = 0; i < line_len; i++)
            if (group[i] == '|')
                group[i] = '\t';
        group[line_len] = '\t';
        group[line_len + 1] = tic_checksum(group, line_len + 1);
        group[line_len + 2] = '\r';
        len += line_len + 4;
        line += line_len + (line[line_len] == '\n');
    }
    return len;
}

static struct tic read_lines(const char *lines)
{
    char frame[TIC_FRAME_MAX];
    struct tic tic;
    tic_read(frame, frame_of(lines, frame), &tic);
    return tic;
}

static const char full[] =
    "ADSC|041876097767\nVTIC|02\nDATE|E260328143015|\n"
    "EAST|000123456\nEAIT|000000042\nIRMS1|016\nIRMS2|010\nIRMS3|001\n"
    "URMS1|230\nURMS2|229\nURMS3|231\nPREF|12\nPCOUP|12\nSINSTS|06210\n"
    "SINSTS1|03680\nSINSTS2|02300\nSINSTS3|00230\n"
    "SMAXSN|E260328081500|07000\nSTGE|003A0001\n"
    "MSG1|PAS DE          MESSAGE         \nMSG2|LIMITE 6        \nRELAIS|005\n";

Test(tic, reads_its_groups)
{
    struct tic tic = read_lines(full);
    cr_expect_eq(tic.groups, 22);
    cr_expect_eq(tic.damaged, 0);
    cr_expect_str_eq(tic.address.text, "041876097767");
    cr_expect_str_eq(tic.version.text, "02");
    cr_expect_eq(tic.time.status, TIC_VALUE);
    cr_expect_eq(tic.time.utc, 1774701015, "%lld", (long long)tic.time.utc); // 12:30:15 UTC
    cr_expect_eq(tic.energy_drawn_wh.value, 123456);
    cr_expect_eq(tic.energy_injected_wh.value, 42);
    cr_expect_eq(tic.apparent_va.value, 6210);
    cr_expect_eq(tic.apparent_phase_va[1].value, 2300);
    cr_expect_eq(tic.current_a[0].value, 16);
    cr_expect_eq(tic.voltage_v[2].value, 231);
    cr_expect_eq(tic.reference_kva.value, 12);
    cr_expect_eq(tic.cut_kva.value, 12);
    cr_expect_eq(tic.relays.value, 5);
    cr_expect_str_eq(tic.message.text, "PAS DE          MESSAGE");
    cr_expect_str_eq(tic.short_message.text, "LIMITE 6");
}

// From the specification: the sum of "ADSC", HT, twelve digits, HT, and a real meter's groups.
Test(tic, computes_the_checksum)
{
    static const struct {
        const char *group;
        char checksum;
    } cases[] = {
        {"VTIC\t02\t", 'J'}, // as Linky meters send them
        {"NTARF\t01\t", 'N'},
        {"RELAIS\t000\t", 'B'},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        cr_expect_eq(tic_checksum(cases[i].group, strlen(cases[i].group)), cases[i].checksum,
                     "%s: %c", cases[i].group,
                     tic_checksum(cases[i].group, strlen(cases[i].group)));
}

Test(tic, loses_only_the_group_that_is_damaged)
{
    char frame[TIC_FRAME_MAX];
    size_t len = frame_of("ADSC|041876097767\nMSG1|A1\nMSG2|B2\n", frame);
    char *message = memmem(frame, len, "A1", 2);
    for (int bit = 0; bit < 6; bit++) { // the checksum has six bits
        struct tic tic;
        *message = (char)('A' ^ 1 << bit);
        tic_read(frame, len, &tic);
        cr_expect_eq(tic.damaged, 1);
        cr_expect_eq(tic.message.status, TIC_ABSENT);
        cr_expect_eq(tic.address.status, TIC_VALUE);
        cr_expect_str_eq(tic.short_message.text, "B2");
    }
}

struct odd {
    char lines[96];
    enum tic_status message, relays, time;
    int damaged;
    char why[40];
};

ParameterizedTestParameters(tic, knows_what_is_no_value)
{
    static struct odd cases[] = {
        {"MSG1|\n", TIC_VALUE, TIC_ABSENT, TIC_ABSENT, 0, "an empty text"},
        {"MSG1|0123456789012345678901234567890X\n", TIC_VALUE, 0, 0, 0, "32 characters"},
        {"MSG1|0123456789012345678901234567890XY\n", TIC_BAD, 0, 0, 0, "33"},
        {"MSG1|A\nMSG1|A\n", TIC_BAD, 0, 0, 0, "given twice"},
        {"MSG1|\x01\n", TIC_BAD, 0, 0, 0, "not printable"},
        {"RELAIS|\n", 0, TIC_BAD, 0, 0, "no digit"},
        {"RELAIS|0x1\n", 0, TIC_BAD, 0, 0, "no number"},
        {"RELAIS|0123456789012345678\n", 0, TIC_BAD, 0, 0, "a number too long"},
        {"DATE|H260114170000|\n", 0, 0, TIC_VALUE, 0, "winter"},
        {"DATE|e260328143015|\n", 0, 0, TIC_BAD, 0, "the clock is degraded"},
        {"DATE| 260328143015|\n", 0, 0, TIC_BAD, 0, "no season"},
        {"DATE|E261328143015|\n", 0, 0, TIC_BAD, 0, "no such month"},
        {"DATE|E260328\n", 0, 0, TIC_BAD, 0, "no time"},
        {"MSG1|A|B|C\n", 0, 0, 0, 1, "too many parts"},
        {"MSG1\n", 0, 0, 0, 1, "no data"},
        {"|A\n", 0, 0, 0, 1, "no label"},
        {"MESSAGE_1|A\n", 0, 0, 0, 1, "a label too long"},
        {"\n", 0, 0, 0, 1, "nothing"},
        {"MSG9|A\n", 0, 0, 0, 0, "a label that is new"},
    };
    return cr_make_param_array(struct odd, cases, COUNT(cases));
}

ParameterizedTest(struct odd *c, tic, knows_what_is_no_value)
{
    struct tic tic = read_lines(c->lines);
    cr_expect_eq(tic.message.status, c->message, "%s: %d", c->why, tic.message.status);
    cr_expect_eq(tic.relays.status, c->relays, "%s: %d", c->why, tic.relays.status);
    cr_expect_eq(tic.time.status, c->time, "%s: %d", c->why, tic.time.status);
    cr_expect_eq(tic.damaged, c->damaged, "%s: %d damaged", c->why, tic.damaged);
}

Test(tic, survives_a_group_without_end)
{
    struct tic tic;
    tic_read("\nMSG1\tA\t", 8, &tic);
    cr_expect_eq(tic.damaged, 1);
    tic_read("no group at all", 15, &tic);
    cr_expect_eq(tic.groups, 0);
    tic_read("", 0, &tic);
    cr_expect_eq(tic.groups, 0);
}

// ---- frames

static int count(struct tic_reader *reader, const char *stream, size_t len, size_t chunk)
{
    int frames = 0;
    for (size_t at = 0, used; at < len; at += used) {
        size_t left = len - at < chunk ? len - at : chunk, frame_len;
        if (!tic_reader_push(reader, stream + at, left, &used))
            continue;
        const char *frame = tic_reader_frame(reader, &frame_len);
        struct tic tic;
        tic_read(frame, frame_len, &tic);
        cr_expect_str_eq(tic.address.text, "041876097767");
        frames++;
    }
    return frames;
}

Test(tic_reader, takes_octets_as_they_come)
{
    char stream[3 * TIC_FRAME_MAX];
    size_t len = 0;
    for (int i = 0; i < 3; i++) {
        stream[len] = 2;
        len += 1 + frame_of(full, stream + len + 1);
        stream[len++] = 3;
    }
    for (size_t i = 0; i < len; i += 3)
        stream[i] = (char)(stream[i] | 0x80); // parity
    for (size_t chunk = 1; chunk < len; chunk += 61) {
        struct tic_reader *reader = tic_reader_new();
        cr_expect_eq(count(reader, "noise\3", 6, 6), 0);
        cr_expect_eq(count(reader, stream, len, chunk), 3, "by %zu", chunk);
        cr_expect_eq(tic_reader_counts(reader)->frames, 3);
        cr_expect_eq(tic_reader_counts(reader)->octets, len + 6);
        tic_reader_free(reader);
    }
}

Test(tic_reader, finds_the_frame_after_one_that_broke_off)
{
    char stream[2 * TIC_FRAME_MAX + 10], endless[TIC_FRAME_MAX + 10];
    struct tic_reader *reader = tic_reader_new();
    stream[0] = 2;
    size_t half = 1 + frame_of(full, stream + 1) / 2, len = half;
    stream[len] = 2;
    len += 1 + frame_of(full, stream + len + 1);
    stream[len++] = 3;
    cr_expect_eq(count(reader, stream, len, len), 1);
    cr_expect_eq(tic_reader_counts(reader)->cut, 1);

    memset(endless, 'x', sizeof endless);
    endless[0] = 2;
    cr_expect_eq(count(reader, endless, sizeof endless, sizeof endless), 0);
    cr_expect_eq(tic_reader_counts(reader)->overlong, 1);
    cr_expect_eq(count(reader, stream + half, len - half, len), 1);

    cr_expect_eq(count(reader, stream, half, half), 0);
    tic_reader_end(reader);
    cr_expect_eq(count(reader, "\3", 1, 1), 0, "what was begun is gone");
    tic_reader_free(reader);
}
