// SPDX-License-Identifier: Apache-2.0

#include "wire/hex.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <string.h>

Test(hex, reads_every_octet_in_every_place)
{
    for (size_t len = 1; len <= 40; len++)
        for (int octet = 0; octet < 256; octet++) {
            uint8_t octets[40], back[40];
            for (size_t i = 0; i < len; i++)
                octets[i] = (uint8_t)(octet + 37 * (int)i);
            char upper[80], lower[80];
            hex_encode_upper(octets, len, upper);
            hex_encode_lower(octets, len, lower);
            cr_assert_eq(hex_decode(upper, 2 * len, back), ERR_NONE);
            cr_assert_arr_eq(back, octets, len, "upper, %zu octets", len);
            cr_assert_eq(hex_decode(lower, 2 * len, back), ERR_NONE);
            cr_assert_arr_eq(back, octets, len, "lower, %zu octets", len);
        }
}

Test(hex, refuses_every_other_character_in_every_place)
{
    for (size_t place = 0; place < 34; place++)
        for (int c = 0; c < 256; c++) {
            char text[34];
            uint8_t octets[17];
            memset(text, 'a', sizeof text);
            text[place] = (char)c;
            bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
            cr_assert_eq(hex_decode(text, sizeof text, octets), digit ? ERR_NONE : ERR_SYNTAX,
                         "%d at %zu", c, place);
            cr_assert_eq(hex_digit((char)c) >= 0, digit, "%d", c);
        }
}

Test(hex, refuses_half_an_octet)
{
    uint8_t octets[2];
    cr_expect_eq(hex_decode("123", 3, octets), ERR_SYNTAX);
    cr_expect_eq(hex_decode("", 0, octets), ERR_NONE, "nothing is nothing");
}
