// SPDX-License-Identifier: Apache-2.0

#include "wire/p1_reader.h"
#include "wire/p1_write.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { STREAM_MAX = 65536, TOLD_MAX = 512 };

// The sum by its definition, so that the reader is not judged by its own table.
static unsigned sum(const char *data, size_t len)
{
    unsigned crc = 0;
    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned char)data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1;
    }
    return crc;
}

// Spell out a stream. In script stands
//   |   for CR LF          {   for nothing: here the sum begins
//   $   for '!' and the right sum behind it          %   the same in lower case
//   #   without zeros in front          0   for NUL, if after a $          ~  for 0xFF
static size_t spell(const char *script, char *stream)
{
    size_t len = 0, start = 0;
    for (const char *at = script; *at; at++) {
        if (*at == '{') {
            start = len;
        } else if (*at == '|') {
            len += (size_t)sprintf(stream + len, "\r\n");
        } else if (*at == '~') {
            stream[len++] = '\xFF';
        } else if (*at == '0' && at > script && at[-1] == '$') {
            stream[len++] = '\0';
        } else if (strchr("$%#", *at)) {
            stream[len++] = '!';
            unsigned crc = sum(stream + start, len - start);
            if (*at == '%')
                len += (size_t)sprintf(stream + len, "%04x", crc);
            else
                len += (size_t)sprintf(stream + len, "%0*X", *at == '$' ? 4 : 1, crc);
        } else {
            stream[len++] = *at;
        }
    }
    return len;
}

// What came out, as "ok4 /A, bad4 /B": CRC, its digits, and the telegram up to its first dot.
static void tell(const struct p1_reader *reader, const char *stream, char *told)
{
    size_t len;
    const char *text = p1_reader_telegram(reader, &len);
    const struct p1_frame *frame = p1_reader_frame(reader);
    cr_expect_eq(memcmp(stream + frame->offset, text, len), 0, "the offset tells where it is");
    cr_expect_geq(frame->octets, len);
    cr_expect_eq(text[0], '/');
    cr_expect_eq(frame->ended, text[len - 1] == '!');
    int name = (int)strcspn(text, ".\r\n");
    sprintf(told + strlen(told), "%s%s%d%s %.*s", *told ? ", " : "", p1_crc_name(frame->crc),
            frame->crc_digits, frame->ended ? "" : "-", name, text);
}

static void read_in_chunks(const char *stream, size_t len, size_t chunk, char told[TOLD_MAX],
                           struct p1_counts *counts)
{
    struct p1_reader *reader = p1_reader_new();
    *told = '\0';
    for (size_t at = 0, used; at < len; at += used)
        if (p1_reader_push(reader, stream + at, len - at < chunk ? len - at : chunk, &used))
            tell(reader, stream, told);
    if (p1_reader_end(reader))
        tell(reader, stream, told);
    *counts = *p1_reader_counts(reader);
    p1_reader_free(reader);
}

struct stream {
    char script[200];
    char told[80];
    char why[80];
};

ParameterizedTestParameters(p1_reader, finds)
{
    static struct stream cases[] = {
        {"{/A||1-0:1.8.1(1)|$|", "ok4 /A", "a telegram"},
        {"{/A||x(1)|$|{/B||y(2)|$|", "ok4 /A, ok4 /B", "two in a row"},
        {"junk(1)|!1234|{/A||x(1)|$|more", "ok4 /A", "whatever is before and after"},
        {"{/LG_E660_Fluvius_3N400V||x(1)|$|", "ok4 /LG_E660_Fluvius_3N400V", "no maker's code"},
        {"{/NWA-WARMTELINK||x(1)|$|", "ok4 /NWA-WARMTELINK", "another"},
        {"/A||x(1)|!0000|", "bad4 /A", "zeros are a sum like any other"},
        {"{/A||x(1)|%|", "ok4 /A", "digits in lower case"},
        {"{/A||x(121)|#|", "ok3 /A", "digits without zeros in front"},
        {"/A||x(1)|!|", "absent0 /A", "no digits: DSMR 2"},
        {"{/A||x(1)|$0|{/B||x(1)|$|", "ok4 /A, ok4 /B", "NUL behind the digits"},
        {"{/A||x(1)|$|0{/B||x(1)|$|", "ok4 /A, ok4 /B", "something behind the line end"},
        {"{/A||x(1)|$", "ok4 /A", "the last line end is missing"},
        {"/A||x(1)|!12", "bad2 /A", "cut within the digits"},
        {"/A||x(1)|!", "absent0 /A", "cut behind the '!' of an old meter"},
        {"/A||1-3:0.2.8(50)|x(1)|!", "bad0 /A", "cut behind the '!' of a meter with CRC"},
        {"/A||0-0:96.1.4(50217)|x(1)|!", "bad0 /A", "likewise, as Belgium says its version"},
        {"/A|\rx(1)|/B||x(1)|", "", "a CR alone ends no header: cut"},
        {"/A||x(1)|!12G4|", "bad0 /A", "a digit is damaged"},
        {"/A||x(1)|!12345|", "bad0 /A", "five digits"},
        {"{/A||x(1)|$\n", "bad4 /A", "no CR"},
        {"{/A||x(121)|#", "bad3 /A", "three digits, and nobody knows what came next"},
        {"/A||x(1)|!123456789|{/B||x(1)|$|", "ok4 /B", "too long for an end mark"},
        {"{/A||x(a/b)|$|", "ok4 /A", "'/' in a text"},
        {"{/A||x(a!b)|$|", "ok4 /A", "'!' in a text"},
        {"{/A!b||x(1)|$|", "ok4 /A!b", "'!' in the header"},
        {"{/A/b||x(1)|$|", "ok4 /A/b", "'/' in the header"},
        {"{/A||x(ab|/cd)|$|", "ok4 /A", "a text over two lines, the second with '/'"},
        {"{/A||x(ab|cd)|$|", "ok4 /A", "a text over two lines"},
        {"{/A||x(~~m\xB3)|$|", "ok4 /A", "octets above 0x7F"},
        {"/A||x(1)|y({/B||x(1)|$|", "ok4 /B", "cut within a value"},
        {"/A||x(1)|y(12){/B||x(1)|$|", "ok4 /B", "cut behind a value"},
        {"/A||x(1)|1-0{/B||x(1)|$|", "ok4 /B", "cut within a code"},
        {"/A||1-3:0.2.8(50)|{/B||x(y/z)|$|", "ok4 /B", "cut at a line end, then a text with '/'"},
        {"/A||1-3:0.2.8(50)|{/B||x(1)|y/z|$|", "ok4 /B", "cut, then a '/' in a line"},
        {"/A||1-3:0.2.8(50)|{/B(5)||x(1)|$|", "ok4 /B(5)", "cut, then a header with ')'"},
        {"/A{/B||x(1)|$|", "ok4 /B", "cut within the header"},
        {"/A||x(1)|!{/B||x(1)|$|", "ok4 /B", "cut behind the '!'"},
        {"/A||x(1)|!12{/Bcdefgh||x(1)|$|", "ok4 /Bcdefgh", "cut within the digits"},
        {"/A||x(1)|y({/B||x(a/b)|$|", "ok4 /B", "cut, then a text with '/'"},
        {"/A||x(1)|y({/B/c||x(1)|$|", "ok4 /B/c", "cut, then a header with '/'"},
        {"/A||x(1)|y({/B||x(a|/b)|$|", "ok4 /B", "cut, then a text line with '/' in front"},
        {"/A||x(1)|y/A||x(1)|z({/B||x(1)|$|", "ok4 /B", "cut twice"},
        {"////{/B||x(1)|$|", "ok4 /B", "noise that looks like starts"},
        {"/A||x(1)|y(1{/B||x(1)|!1111|", "bad4 /B", "cut, then damaged: its header tells"},
        {"/A||1-3:0.2.8(50)|x(1)|{/B||x(1)|$|", "ok4 /B", "no end and a version: cut"},
        {"/A||x(1)|/B||x(1)|/C||x(1)|", "absent0- /A, absent0- /B, absent0- /C", "no '!' at all"},
        {"/A||x(1)|{/B||x(1)|$|", "absent0- /A, ok4 /B", "no '!', then one with"},
        {"/A||x(1)|y(2", "", "no '!' and within a line: cut"},
        {"/A|x(1)|{/B||x(1)|$|", "ok4 /B", "no '!' and no header: cut"},
        {"/A||{/B||x(1)|$|", "ok4 /B", "nothing but a header: cut"},
        {"x(1)|!1234|", "", "no start"},
        {"", "", "nothing"},
    };
    return cr_make_param_array(struct stream, cases, COUNT(cases));
}

ParameterizedTest(struct stream *c, p1_reader, finds)
{
    static char stream[STREAM_MAX];
    size_t len = spell(c->script, stream);
    for (size_t chunk = 1; chunk <= len + 1; chunk++) {
        char told[TOLD_MAX];
        struct p1_counts counts;
        read_in_chunks(stream, len, chunk, told, &counts);
        cr_expect_str_eq(told, c->told, "%s, by %zu: %s", c->why, chunk, told);
        cr_expect_eq(counts.octets, len, "%s, by %zu", c->why, chunk);
    }
}

static size_t smr5(const char *name, char *text)
{
    static const char message[] = "not/ours! (at all)";
    const struct p1_write values = {
        .version = P1_WRITE_SMR_50,
        .identification = name,
        .utc = 1541509214,
        .equipment_id = "E0043007014219818",
        .phases = 3,
        .tariff = 1,
        .energy_delivered_wh = {51775123, 24413456},
        .power_delivered_w = {1200, 2300, 519},
        .voltage_mv = {229100, 230200, 231300},
        .current_ma = {5200, 10000, 2000},
        .message = message,
        .message_len = sizeof message - 1,
        .gas_id = "G0043007014219818",
        .gas_utc = 1541509200,
        .gas_dm3 = 1234567,
    };
    size_t len;
    cr_assert_eq(p1_write(&values, text, &len), ERR_NONE);
    return len;
}

Test(p1_reader, finds_the_good_one_after_a_cut_anywhere)
{
    static char first[P1_WRITE_MAX + 1], second[P1_WRITE_MAX + 1], stream[STREAM_MAX];
    size_t first_len = smr5("CUT5", first), second_len = smr5("SOC5/whole", second);
    for (size_t cut = 0; cut < first_len; cut++) {
        memcpy(stream, first, cut);
        memcpy(stream + cut, second, second_len);
        char told[TOLD_MAX];
        struct p1_counts counts;
        read_in_chunks(stream, cut + second_len, STREAM_MAX, told, &counts);
        if (cut == first_len - 1) // only its last LF is gone, and what follows ends the line
            continue;
        cr_expect_str_eq(told, "ok4 /SOC5/whole", "cut at %zu: %s", cut, told);
        cr_expect_eq(counts.skipped, cut, "cut at %zu", cut);
        cr_expect_eq(counts.cut, cut > 0, "cut at %zu", cut);
    }
}

Test(p1_reader, takes_no_flipped_bit_and_finds_the_next)
{
    static char first[P1_WRITE_MAX + 1], second[P1_WRITE_MAX + 1], stream[STREAM_MAX];
    size_t first_len = smr5("BIT5", first), second_len = smr5("SOC5", second);
    int bad = 0;
    for (size_t bit = 0; bit < 8 * first_len; bit++) {
        memcpy(stream, first, first_len);
        memcpy(stream + first_len, second, second_len);
        stream[bit / 8] ^= (char)(1 << bit % 8);
        char told[TOLD_MAX];
        struct p1_counts counts;
        read_in_chunks(stream, first_len + second_len, STREAM_MAX, told, &counts);
        size_t end = strlen(told);
        cr_assert(end >= 9 && !strcmp(told + end - 9, "ok4 /SOC5"), "bit %zu: %s", bit, told);
        bad += counts.bad == 1;
        // Lower case digits of the sum are allowed, so a bit may be flipped there.
        bool case_of_digit = bit / 8 >= first_len - 6 && bit % 8 == 5;
        cr_assert(counts.ok == 1 || case_of_digit, "bit %zu: %s", bit, told);
    }
    cr_expect_gt(bad, (int)(7 * first_len), "%d", bad);
}

Test(p1_reader, counts_every_way_to_fail)
{
    static const struct {
        const char *script;
        size_t counter;
        const char *why;
    } cases[] = {
        {"{/A||x(1)|$|", offsetof(struct p1_counts, ok), "good"},
        {"/A||x(1)|!0000|", offsetof(struct p1_counts, bad), "does not match"},
        {"/A||x(1)|!|", offsetof(struct p1_counts, absent), "no digits"},
        {"{/A||x(121)|#|", offsetof(struct p1_counts, short_crc), "few digits"},
        {"/A||x(1)|!G|", offsetof(struct p1_counts, damaged_end), "no hex digits"},
        {"/A||x(1)|/B||x(1)|!|", offsetof(struct p1_counts, no_end), "ended by the next"},
        {"/A||x(1", offsetof(struct p1_counts, cut), "ended by the end"},
        {"/A||x{/B||x(1)|$|", offsetof(struct p1_counts, cut), "ended by a later start"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        static char stream[STREAM_MAX];
        size_t len = spell(cases[i].script, stream);
        char told[TOLD_MAX];
        struct p1_counts counts;
        read_in_chunks(stream, len, len, told, &counts);
        uint64_t count;
        memcpy(&count, (char *)&counts + cases[i].counter, sizeof count);
        cr_expect_eq(count, 1, "%s: %ju", cases[i].why, (uintmax_t)count);
    }
}

Test(p1_reader, counts_octets_that_came_to_nothing)
{
    static char stream[STREAM_MAX];
    size_t len = spell("abc{/A||x(1)|$|de/F||x{/B||x(1)|$|gh/ij", stream);
    char told[TOLD_MAX];
    struct p1_counts counts;
    read_in_chunks(stream, len, len, told, &counts);
    cr_expect_str_eq(told, "ok4 /A, ok4 /B");
    cr_expect_eq(counts.skipped, strlen("abc") + strlen("de/F\r\n\r\nx") + strlen("gh/ij"), "%ju",
                 (uintmax_t)counts.skipped);
}

// A telegram of exactly len octets from '/' to '!'.
static size_t telegram_of(size_t len, char *stream)
{
    size_t at = (size_t)sprintf(stream, "/LONG\r\n\r\n");
    while (at < len - 3)
        stream[at++] = 'x';
    at += (size_t)sprintf(stream + at, "\r\n!");
    return at + (size_t)sprintf(stream + at, "%04X\r\n", sum(stream, at));
}

Test(p1_reader, takes_8_kib_and_no_more)
{
    static char stream[STREAM_MAX];
    char told[TOLD_MAX];
    struct p1_counts counts;
    for (size_t chunk = 1; chunk < 20000; chunk += 4999) {
        size_t len = telegram_of(P1_TELEGRAM_MAX, stream);
        read_in_chunks(stream, len, chunk, told, &counts);
        cr_expect_str_eq(told, "ok4 /LONG", "by %zu: %s", chunk, told);

        len = telegram_of(P1_TELEGRAM_MAX + 1, stream);
        len += spell("{/B||x(1)|$|", stream + len);
        read_in_chunks(stream, len, chunk, told, &counts);
        cr_expect_str_eq(told, "ok4 /B", "by %zu: %s", chunk, told);
        cr_expect_eq(counts.overlong, 1);
    }
}

Test(p1_reader, goes_on_with_the_next_start_when_one_is_too_long)
{
    static char stream[STREAM_MAX];
    size_t len = (size_t)sprintf(stream, "/A\r\n\r\n"), before = len + 3000;
    while (len < before)
        stream[len++] = 'x';
    size_t whole = telegram_of(7000, stream + len); // the start above makes 10000 of them
    char told[TOLD_MAX];
    struct p1_counts counts;
    read_in_chunks(stream, len + whole, 100, told, &counts);
    cr_expect_str_eq(told, "ok4 /LONG", "%s", told);
    cr_expect_eq(counts.overlong, 1);
    cr_expect_eq(counts.skipped, before);
}

static bool push_text(struct p1_reader *reader, const char *script)
{
    static char stream[STREAM_MAX];
    size_t used;
    return p1_reader_push(reader, stream, spell(script, stream), &used);
}

Test(p1_reader, gives_up_after_silence)
{
    struct p1_reader *reader = p1_reader_new();
    int64_t now = INT64_C(5000000000);
    cr_expect(!p1_reader_idle(reader, now), "nothing was begun");
    cr_expect(!push_text(reader, "/A||1-3:0.2.8(50)|x("));
    cr_expect(p1_reader_busy(reader));
    cr_expect(!p1_reader_idle(reader, now + P1_SILENCE_NS - 1));
    cr_expect(p1_reader_busy(reader), "a pause");
    cr_expect(!p1_reader_idle(reader, now + P1_SILENCE_NS));
    cr_expect(!p1_reader_busy(reader), "silence");
    cr_expect_eq(p1_reader_counts(reader)->silent, 1);
    cr_expect(push_text(reader, "1)|!0000|{/B||x(1)|$|"), "and on it goes");
    cr_expect_eq(p1_reader_counts(reader)->ok, 1);
    p1_reader_free(reader);
}

Test(p1_reader, waits_for_late_digits)
{
    struct p1_reader *reader = p1_reader_new();
    static char stream[STREAM_MAX];
    size_t len = spell("{/A||x(1)|$|", stream), used;
    p1_reader_idle(reader, 1);
    cr_expect(!p1_reader_push(reader, stream, len - 6, &used));
    cr_expect(!p1_reader_idle(reader, 1 + P1_SILENCE_NS - 1), "they come after 100 ms and more");
    cr_expect(p1_reader_push(reader, stream + len - 6, 6, &used));
    cr_expect_eq(p1_reader_frame(reader)->crc, P1_CRC_OK);
    p1_reader_free(reader);
}

Test(p1_reader, takes_silence_as_the_end_where_there_is_no_other)
{
    struct p1_reader *reader = p1_reader_new();
    p1_reader_idle(reader, 1);
    cr_expect(!push_text(reader, "/A||x(1)|"));
    cr_expect(p1_reader_idle(reader, 1 + P1_SILENCE_NS));
    cr_expect_eq(p1_reader_frame(reader)->crc, P1_CRC_ABSENT);
    cr_expect(!p1_reader_frame(reader)->ended);
    cr_expect(!p1_reader_busy(reader));
    cr_expect(!p1_reader_idle(reader, 2 + 2 * P1_SILENCE_NS), "once");
    p1_reader_free(reader);
}

Test(p1_reader, gives_up_what_takes_too_long)
{
    struct p1_reader *reader = p1_reader_new();
    int64_t now = 1;
    p1_reader_idle(reader, now);
    push_text(reader, "/A||1-3:0.2.8(50)|");
    for (; now < P1_FRAME_NS; now += P1_SILENCE_NS / 2) {
        p1_reader_idle(reader, now);
        push_text(reader, "x");
    }
    cr_expect(p1_reader_busy(reader));
    p1_reader_idle(reader, 1 + P1_FRAME_NS);
    cr_expect(!p1_reader_busy(reader));
    cr_expect_eq(p1_reader_counts(reader)->slow, 1);
    p1_reader_free(reader);
}

Test(p1_reader, gives_the_next_start_its_own_time)
{
    struct p1_reader *reader = p1_reader_new();
    int64_t now = 1;
    p1_reader_idle(reader, now);
    push_text(reader, "/A||1-3:0.2.8(50)|");
    for (int i = 0; now < P1_FRAME_NS; now += P1_SILENCE_NS / 2, i++) {
        p1_reader_idle(reader, now);
        push_text(reader, i == 30 ? "x(/B||" : "y(1)|");
    }
    for (; now < P1_FRAME_NS * 3 / 2; now += P1_SILENCE_NS / 2) {
        p1_reader_idle(reader, now);
        push_text(reader, "y(1)|");
    }
    cr_expect_eq(p1_reader_counts(reader)->slow, 1, "only /A");
    cr_expect(p1_reader_busy(reader), "/B has 12 s from then on");
    p1_reader_free(reader);
}

Test(p1_reader, takes_nothing_for_nothing)
{
    struct p1_reader *reader = p1_reader_new();
    size_t used = 42;
    cr_expect_not(p1_reader_push(reader, "", 0, &used));
    cr_expect_eq(used, 0);
    p1_reader_free(reader);
}

Test(p1_reader, counts_offsets_on_after_the_end_of_a_stream)
{
    struct p1_reader *reader = p1_reader_new();
    push_text(reader, "/A||x(");
    cr_expect(!p1_reader_end(reader));
    cr_expect(push_text(reader, "ab{/B||x(1)|$|"));
    cr_expect_eq(p1_reader_frame(reader)->offset, strlen("/A\r\n\r\nx(ab"));
    p1_reader_free(reader);
    p1_reader_free(NULL);
}

struct hostile {
    char pattern[40];
};

// What is repeated here makes a careless reader look at the same octets again and again.
ParameterizedTestParameters(p1_reader, works_in_proportion)
{
    static struct hostile cases[] = {
        {"/"},
        {"!"},
        {"\n"},
        {"/\n"},
        {"\r\n/"},
        {"\r\n!"},
        {"/!"},
        {"\r\n!1/"},
        {"/)"},
        {"\r\n/)"},
        {"\r\n/a)b/c"},
        {"(/"},
        {"/A\r\n\r\n"},
        {"/\r\n\r\n)\r\n"},
        {"\r\n!0000\r\n/"},
        {"/\r\n!0000\r\n"},
        {"/\n\n1-3:0.2.8()\r\n"},
        {")\r\n/\r\n"},
        {"\n!12345678"},
        {"\n!1234567/"},
    };
    return cr_make_param_array(struct hostile, cases, COUNT(cases));
}

ParameterizedTest(struct hostile *c, p1_reader, works_in_proportion)
{
    static char stream[1 << 20];
    size_t len = strlen(c->pattern);
    for (size_t i = 0; i < sizeof stream; i++)
        stream[i] = c->pattern[i % len];
    struct p1_reader *reader = p1_reader_new();
    size_t used;
    push_text(reader, "/A||1-3:0.2.8(50)|");
    clock_t start = clock();
    for (size_t at = 0; at < sizeof stream; at += used)
        (void)p1_reader_push(reader, stream + at, sizeof stream - at, &used);
    double took = (double)(clock() - start) / CLOCKS_PER_SEC;
    // 1 MiB in some 10 ms; looking back over 8 KiB each time would take seconds
    cr_expect_lt(took, 0.5, "%f s", took);
    p1_reader_free(reader);
}
