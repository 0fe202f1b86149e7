// SPDX-License-Identifier: Apache-2.0
// What one message costs: written when a day of quarters must be merged, written and read
// when it is full.

#include "wire/long_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 20000, FROM = 1767222000 };

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

// count quarters, no two neighbours alike.
static struct profile quarters(int count)
{
    struct profile profile = {.valid_from = FROM, .valid_to = FROM + count * 900, .count = count};
    for (int i = 0; i < count; i++) {
        profile.periods[i].start = FROM + i * 900;
        profile_set(&profile.periods[i].set, PROFILE_MAX_POWER, 4000 + i * 37 % 96 * 50);
    }
    return profile;
}

static void bench_write(const char *name, int count)
{
    struct profile profile = quarters(count), written;
    char text[LONG_MESSAGE_MAX + 1];
    double start = now_us();
    for (int i = 0; i < ROUNDS; i++)
        if (long_message_write(&profile, LONG_MESSAGE_W, 0, text, &written))
            exit(1);
    printf("%s %.2f us\n", name, (now_us() - start) / ROUNDS);
}

int main(void)
{
    bench_write("long_message_write_full", LONG_MESSAGE_MAX_PERIODS);
    bench_write("long_message_write_merged_day", 96);

    struct profile profile = quarters(LONG_MESSAGE_MAX_PERIODS), written;
    char text[LONG_MESSAGE_MAX + 1];
    struct long_message message;
    if (long_message_write(&profile, LONG_MESSAGE_W, 0, text, &written))
        return 1;
    size_t len = strlen(text);
    double start = now_us();
    for (int i = 0; i < ROUNDS; i++) {
        long_message_read(text, len, LONG_MESSAGE_W, &message);
        if (message.kind != LONG_MESSAGE_PROFILE)
            return 1;
    }
    printf("long_message_read_full %.2f us\n", (now_us() - start) / ROUNDS);
    printf("long_message_full %zu octets\n", len);
    return 0;
}
