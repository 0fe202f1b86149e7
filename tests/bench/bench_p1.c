// SPDX-License-Identifier: Apache-2.0
// How fast is a telegram read, from octets to fields? Prints "name value unit" lines.
// The telegrams are the ones of p1_write: an SMR 5 one of 35 objects, without and with a
// message of 1024 octets.

#include "wire/crc16.h"
#include "wire/hex.h"
#include "wire/p1_reader.h"
#include "wire/p1_telegram.h"
#include "wire/p1_write.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// The best of many short rounds, and 913 octets with the short message.
enum { COPIES = 64, ROUNDS = 180, TURNS = 10, SHORT_MESSAGE = 37 };

// Of the processor, so that it does not count what else the machine does.
static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static size_t telegram(char text[static P1_WRITE_MAX + 1], size_t message_len)
{
    char message[P1_WRITE_MESSAGE];
    memset(message, 'm', sizeof message);
    const struct p1_write values = {
        .version = P1_WRITE_SMR_50,
        .identification = "SOC5\\2M7-00913",
        .utc = 1541509214,
        .equipment_id = "E0043007014219818",
        .phases = 3,
        .tariff = 1,
        .energy_delivered_wh = {51775123, 24413456},
        .energy_returned_wh = {1100, 0},
        .power_delivered_w = {1200, 2300, 519},
        .voltage_mv = {229100, 230200, 231300},
        .current_ma = {5200, 10000, 2000},
        .failures = 13,
        .message = message,
        .message_len = message_len,
        .gas_id = "G0043007014219818",
        .gas_utc = 1541509200,
        .gas_dm3 = 1234567,
    };
    size_t len;
    enum err err = p1_write(&values, text, &len);
    assert(!err);
    return len;
}

// Read a stream of telegrams in full; how many came out well?
static int read_all(struct p1_reader *reader, const char *stream, size_t len)
{
    static struct p1_telegram values;
    int good = 0;
    for (size_t at = 0, used; at < len; at += used)
        if (p1_reader_push(reader, stream + at, len - at, &used)) {
            size_t size;
            const char *text = p1_reader_telegram(reader, &size);
            p1_telegram_read(text, size, p1_reader_frame(reader), &values);
            good += p1_telegram_trust(&values) == P1_TRUSTED;
        }
    return good;
}

static void measure(const char *name, size_t message_len)
{
    static char one[P1_WRITE_MAX + 1], stream[COPIES * P1_WRITE_MAX];
    size_t len = telegram(one, message_len);
    for (int i = 0; i < COPIES; i++)
        memcpy(stream + (size_t)i * len, one, len);
    struct p1_reader *reader = p1_reader_new();
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double start = seconds();
        for (int turn = 0; turn < TURNS; turn++)
            if (read_all(reader, stream, COPIES * len) != COPIES)
                abort();
        double took = (seconds() - start) / (TURNS * COPIES);
        best = took < best ? took : best;
    }
    p1_reader_free(reader);
    printf("p1_%s_octets %zu octets\n", name, len);
    printf("p1_%s %.0f ns\n", name, best * 1e9);
    printf("p1_%s_rate %.0f telegrams/s\n", name, 1 / best);
}

// The parts, to see where the time goes.
static void measure_parts(void)
{
    static char one[P1_WRITE_MAX + 1];
    static uint8_t octets[P1_WRITE_MESSAGE];
    static struct p1_telegram values;
    size_t len = telegram(one, SHORT_MESSAGE);
    const struct p1_frame frame = {.crc = P1_CRC_OK, .crc_digits = 4, .ended = true};
    const int turns = TURNS * COPIES;
    double crc = 1e9, fields = 1e9, hex = 1e9;
    static volatile unsigned sink;
    for (int round = 0; round < ROUNDS; round++) {
        double start = seconds();
        for (int turn = 0; turn < turns; turn++)
            sink += crc16_update((uint16_t)turn, one, len);
        double took = (seconds() - start) / turns;
        crc = took < crc ? took : crc;

        start = seconds();
        for (int turn = 0; turn < turns; turn++) {
            p1_telegram_read(one, len, &frame, &values);
            sink += (unsigned)values.lines;
        }
        took = (seconds() - start) / turns;
        fields = took < fields ? took : fields;

        static char digits[2 * P1_WRITE_MESSAGE];
        memset(digits, '5', sizeof digits);
        start = seconds();
        for (int turn = 0; turn < turns; turn++) {
            digits[0] = (char)('0' + turn % 10);
            sink += hex_decode(digits, sizeof digits, octets) + octets[0];
        }
        took = (seconds() - start) / turns;
        hex = took < hex ? took : hex;
    }
    printf("p1_crc %.0f ns\n", crc * 1e9);
    printf("p1_fields %.0f ns\n", fields * 1e9);
    printf("p1_hex_1024 %.0f ns\n", hex * 1e9);
}

int main(void)
{
    measure("smr5", SHORT_MESSAGE);
    measure("smr5_message", P1_WRITE_MESSAGE);
    measure_parts();
    return 0;
}
