// SPDX-License-Identifier: Apache-2.0
// What sealing costs: signing for the planner, checking for the gateway; and what the ports of
// Luxembourg and France cost beside the plain one. Prints "name value unit" lines.

#include "wire/p1_cipher.h"
#include "wire/seal.h"
#include "wire/tic.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SEALS = 3000, FRAMES = 20000 };
static const char meter[] = "E0051000000000001";

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e6 * (double)now.tv_sec + 1e-3 * (double)now.tv_nsec;
}

static void bench_seal(void)
{
    struct profile profile = {.valid_from = 1768406400, .valid_to = 1768492800, .count = 96};
    for (int i = 0; i < profile.count; i++) {
        profile.periods[i].start = profile.valid_from + 900 * i;
        profile_set(&profile.periods[i].set, PROFILE_MAX_POWER, 3000 + i % 7 * 500);
    }
    char plain[LONG_MESSAGE_MAX + 1], sealed[LONG_MESSAGE_MAX + 1];
    struct profile written;
    enum err err = long_message_write(&profile, LONG_MESSAGE_W, SEAL_ROOM, plain, &written);
    struct seal_key *key = seal_key_make();
    struct seal_public public = seal_key_public(key);
    double start = now_us();
    for (int i = 0; i < SEALS && !err; i++)
        err = seal_write(plain, strlen(plain), 1 + i, meter, key, sealed);
    printf("seal_write %.1f us\n", (now_us() - start) / SEALS);
    struct seal seal;
    bool is_true = true;
    start = now_us();
    for (int i = 0; i < SEALS && !err; i++) {
        err = seal_read(sealed, strlen(sealed), &seal);
        is_true &= !err && seal_is_true(sealed, &seal, meter, &public);
    }
    printf("seal_is_true %.1f us\n", (now_us() - start) / SEALS);
    printf("seal_full_message %zu octets with %d periods\n", strlen(sealed), written.count);
    assert(!err && is_true);
    seal_key_free(key);
}

static void bench_cipher(void)
{
    static const struct p1_cipher_key secret = {{1, 2, 3}};
    static const uint8_t title[P1_CIPHER_TITLE] = "BENCHING";
    static char text[913];
    static uint8_t frame[sizeof text + P1_CIPHER_MORE];
    struct p1_cipher *cipher = p1_cipher_new(&secret);
    double total = 0;
    for (uint32_t i = 1; i <= FRAMES; i++) {
        size_t used;
        p1_cipher_encrypt(&secret, title, i, text, sizeof text, frame);
        double start = now_us();
        bool is_good = p1_cipher_push(cipher, frame, sizeof frame, &used);
        total += now_us() - start;
        assert(is_good);
    }
    printf("p1_cipher_913_octets %.2f us\n", total / FRAMES);
    p1_cipher_free(cipher);
}

static void bench_tic(void)
{
    char frame[TIC_FRAME_MAX];
    size_t len = 0;
    for (int i = 0; i < 40; i++) {
        char *group = frame + len + 1;
        int size = sprintf(group, "%s%02d\t%09d\t", i % 2 ? "SINSTS" : "X", i % 4, i);
        frame[len] = '\n';
        group[size] = tic_checksum(group, (size_t)size);
        group[size + 1] = '\r';
        len += (size_t)size + 3;
    }
    struct tic tic;
    double start = now_us();
    for (int i = 0; i < FRAMES; i++)
        tic_read(frame, len, &tic);
    printf("tic_read_40_groups %.2f us\n", (now_us() - start) / FRAMES);
    assert(tic.groups == 40 && tic.damaged == 0);
}

int main(void)
{
    bench_seal();
    bench_cipher();
    bench_tic();
    return 0;
}
