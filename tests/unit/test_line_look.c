// SPDX-License-Identifier: Apache-2.0

#include "gateway/line_look.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const char telegram[] =
    "/ISK5\\2M550T-1012\r\n\r\n1-3:0.2.8(50)\r\n0-0:1.0.0(260114170000W)\r\n"
    "0-0:96.1.1(4530303531303030303030303030303031)\r\n";

// As a receiver sees the line of the telegram when it takes the levels the wrong way round: bits
// run on, a start bit is where the line falls. One stop bit and one of rest between octets.
static size_t inverted(uint8_t *octets)
{
    bool levels[20 * sizeof telegram];
    size_t bits = 0, count = 0;
    for (size_t i = 0; i < sizeof telegram - 1; i++) {
        levels[bits++] = true; // start bit, upside down
        for (int b = 0; b < 8; b++)
            levels[bits++] = !(telegram[i] >> b & 1);
        levels[bits++] = false; // stop bit and rest
        levels[bits++] = false;
    }
    for (size_t at = 1; at + 10 < bits; at++)
        if (levels[at - 1] && !levels[at]) {
            uint8_t octet = 0;
            for (int b = 0; b < 8; b++)
                octet |= (uint8_t)(levels[at + 1 + (size_t)b] << b);
            octets[count++] = octet;
            at += 9;
        }
    return count;
}

static const char *verdict(const void *octets, size_t len)
{
    struct line_look look = {0};
    line_look_take(&look, octets, len / 2);
    line_look_take(&look, (const char *)octets + len / 2, len - len / 2);
    return line_look_verdict(&look);
}

Test(line_look, knows_silence_and_loose_cables)
{
    cr_expect_str_eq(verdict("", 0), "nothing arrives: is the cable in, and Data Request high?");
    cr_expect(strstr(verdict(telegram, 20), "only a few octets"));
}

Test(line_look, knows_text)
{
    cr_expect(strstr(verdict(telegram, sizeof telegram - 1), "text arrives, but no telegram"));
}

Test(line_look, knows_parity_read_as_a_bit)
{
    uint8_t octets[sizeof telegram];
    for (size_t i = 0; i < sizeof telegram - 1; i++)
        octets[i] = (uint8_t)(telegram[i] | __builtin_parity((uint8_t)telegram[i]) << 7);
    cr_expect(strstr(verdict(octets, sizeof telegram - 1), "is the line 7E1?"));
}

Test(line_look, knows_an_inverted_signal)
{
    uint8_t octets[2 * sizeof telegram];
    size_t len = inverted(octets);
    cr_assert_gt(len, 64);
    cr_expect(strstr(verdict(octets, len), "all garbage: an inverted signal"), "%s",
              verdict(octets, len));
}

Test(line_look, knows_a_line_that_is_held_low)
{
    static const uint8_t zeros[100];
    cr_expect(strstr(verdict(zeros, sizeof zeros), "only zeros"));
}
