// SPDX-License-Identifier: Apache-2.0

#include "wire/p1_cipher.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const struct p1_cipher_key key = {{0xAE, 0xBD, 0x21, 0xB7, 0x69, 0xA6, 0xD1, 0x3C, 0x0D,
                                          0xF0, 0x64, 0xE3, 0x83, 0x68, 0x2E, 0xFF}};
static const uint8_t title[] = {'S', 'A', 'G', 'g', 'p', 0, 0, 1};
static const char telegram[] = "/Lux5\\253663629_D\r\n\r\n1-3:0.2.8(42)\r\n!1234\r\n";
enum { LEN = sizeof telegram - 1, FRAME = LEN + P1_CIPHER_MORE };

static void encrypt(uint32_t counter, uint8_t frame[static FRAME])
{
    p1_cipher_encrypt(&key, title, counter, telegram, LEN, frame);
}

// How many good telegrams come out of these octets, in chunks of so many?
static int count(struct p1_cipher *cipher, const void *octets, size_t len, size_t chunk)
{
    int good = 0;
    const char *from = octets;
    for (size_t at = 0, used; at < len; at += used) {
        size_t left = len - at < chunk ? len - at : chunk;
        if (!p1_cipher_push(cipher, from + at, left, &used))
            continue;
        size_t text_len;
        const char *text = p1_cipher_text(cipher, &text_len);
        cr_expect(text_len == LEN && !memcmp(text, telegram, LEN));
        good++;
    }
    return good;
}

// Made with Python's cryptography from key, title, counter 7 and the text "/Lux5".
Test(p1_cipher, opens_what_others_encrypted)
{
    static const uint8_t frame[] = {0xDB, 0x08, 0x53, 0x41, 0x47, 0x67, 0x70, 0x00, 0x00,
                                    0x01, 0x82, 0x00, 0x16, 0x30, 0x00, 0x00, 0x00, 0x07,
                                    0x1C, 0xD3, 0x09, 0x72, 0x77, 0x0C, 0x79, 0x80, 0x25,
                                    0x54, 0x9E, 0xF8, 0x0C, 0x59, 0xF0, 0x20, 0x4B};
    struct p1_cipher *cipher = p1_cipher_new(&key);
    size_t used, len;
    cr_assert(p1_cipher_push(cipher, frame, sizeof frame, &used));
    const char *text = p1_cipher_text(cipher, &len);
    cr_expect(len == 5 && !memcmp(text, "/Lux5", 5));
    uint8_t again[5 + P1_CIPHER_MORE];
    p1_cipher_encrypt(&key, title, 7, "/Lux5", 5, again);
    cr_expect_arr_eq(again, frame, sizeof frame);
    p1_cipher_free(cipher);
}

Test(p1_cipher, takes_octets_as_they_come)
{
    uint8_t stream[3 * FRAME + 5];
    memset(stream, 0xDB, sizeof stream);
    for (uint32_t i = 0; i < 3; i++)
        encrypt(i, stream + 3 + i * FRAME);
    for (size_t chunk = 1; chunk < sizeof stream; chunk += 7) {
        struct p1_cipher *cipher = p1_cipher_new(&key);
        cr_expect_eq(count(cipher, stream, sizeof stream, chunk), 3, "by %zu", chunk);
        cr_expect_eq(p1_cipher_counts(cipher)->bad, 0);
        p1_cipher_free(cipher);
    }
}

Test(p1_cipher, notices_every_flipped_bit_and_finds_the_next)
{
    for (size_t at = 0; at < FRAME; at++) {
        uint8_t stream[2 * FRAME];
        encrypt(1, stream);
        encrypt(2, stream + FRAME);
        stream[at] ^= (uint8_t)(1 << at % 8);
        struct p1_cipher *cipher = p1_cipher_new(&key);
        int good = count(cipher, stream, sizeof stream, sizeof stream);
        // A length that grew waits for more, which comes with the next telegrams.
        static const uint8_t later[9000];
        good += count(cipher, later, sizeof later, sizeof later);
        cr_expect_eq(good, 1, "octet %zu", at);
        p1_cipher_free(cipher);
    }
}

Test(p1_cipher, finds_the_frame_after_one_that_was_cut)
{
    for (size_t cut = 1; cut < FRAME; cut++) {
        uint8_t stream[3 * FRAME];
        encrypt(1, stream);
        encrypt(2, stream + cut);
        encrypt(3, stream + cut + FRAME);
        struct p1_cipher *cipher = p1_cipher_new(&key);
        cr_expect_eq(count(cipher, stream, cut + 2 * FRAME, 64), 2, "cut at %zu", cut);
        p1_cipher_free(cipher);
    }
}

Test(p1_cipher, refuses_a_telegram_sent_again)
{
    uint8_t frame[FRAME];
    struct p1_cipher *cipher = p1_cipher_new(&key);
    static const struct {
        uint32_t counter;
        int good;
    } cases[] = {{0, 1}, {0, 0}, {5, 1}, {4, 0}, {5, 0}, {UINT32_MAX, 1}, {0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        encrypt(cases[i].counter, frame);
        cr_expect_eq(count(cipher, frame, FRAME, FRAME), cases[i].good, "step %zu", i);
    }
    cr_expect_eq(p1_cipher_counts(cipher)->good, 3);
    cr_expect_eq(p1_cipher_counts(cipher)->old, 4);
    p1_cipher_free(cipher);
}

Test(p1_cipher, refuses_another_key_and_forgets_what_was_interrupted)
{
    uint8_t frame[FRAME];
    struct p1_cipher_key other = key;
    other.octets[15] ^= 1;
    struct p1_cipher *cipher = p1_cipher_new(&other);
    encrypt(1, frame);
    cr_expect_eq(count(cipher, frame, FRAME, FRAME), 0);
    cr_expect_eq(p1_cipher_counts(cipher)->bad, 1);
    p1_cipher_free(cipher);

    cipher = p1_cipher_new(&key);
    cr_expect_eq(count(cipher, frame, FRAME / 2, FRAME), 0);
    p1_cipher_end(cipher);
    cr_expect_eq(count(cipher, frame + FRAME / 2, FRAME - FRAME / 2, FRAME), 0);
    cr_expect_eq(count(cipher, frame, FRAME, FRAME), 1);
    p1_cipher_free(cipher);
    p1_cipher_free(NULL);
}

Test(p1_cipher, reads_its_key)
{
    static const struct {
        const char *text;
        enum err err;
    } cases[] = {
        {"AEBD21B769A6D13C0DF064E383682EFF", ERR_NONE},
        {" aebd21b769a6d13c0df064e383682eff\r\n", ERR_NONE},
        {"", ERR_SIZE},
        {" \n", ERR_SIZE},
        {"AEBD21B769A6D13C0DF064E383682EF", ERR_SIZE},
        {"AEBD21B769A6D13C0DF064E383682EFF0", ERR_SYNTAX},
        {"AEBD21B769A6D13C0DF064E383682EFF00", ERR_SIZE},
        {"AEBD21B769A6D13C0DF064E383682EFG", ERR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct p1_cipher_key read = {{42}};
        enum err err = p1_cipher_key_parse(cases[i].text, strlen(cases[i].text), &read);
        cr_expect_eq(err, cases[i].err, "\"%s\": %s", cases[i].text, err_name(err));
        if (err)
            cr_expect_eq(read.octets[0], 42, "the result must stay untouched");
        else
            cr_expect_arr_eq(read.octets, key.octets, P1_CIPHER_KEY);
    }
}
