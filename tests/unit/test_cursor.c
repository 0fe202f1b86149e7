// SPDX-License-Identifier: Apache-2.0

#include "base/cursor.h"

#include <criterion/criterion.h>
#include <string.h>

Test(cursor, reads_numbers_with_the_greatest_octet_first)
{
    static const uint8_t octets[] = {0x01, 0x02, 0x03, 0xff, 0xfe, 0xfd, 0xfc, 'a', 'b'};
    struct cursor cursor = cursor_reader(octets, sizeof octets);
    cr_expect_eq(cursor_get_u8(&cursor), 0x01);
    cr_expect_eq(cursor_get_u16(&cursor), 0x0203);
    cr_expect_eq(cursor_get_u32(&cursor), 0xfffefdfc);
    cr_expect_eq(cursor_left(&cursor), 2);
    cr_expect_eq(cursor_get(&cursor, 2), octets + 7, "borrowed, not copied");
    cr_expect_eq(cursor_left(&cursor), 0);
    cr_expect_eq(cursor.err, ERR_NONE, "reading to the end is no error");
}

Test(cursor, keeps_the_error_of_the_first_step_too_far)
{
    static const uint8_t octets[] = {1, 2, 3};
    struct cursor cursor = cursor_reader(octets, sizeof octets);
    cr_expect_eq(cursor_get_u32(&cursor), 0, "one octet too few");
    cr_expect_eq(cursor.err, ERR_SIZE);
    cr_expect_eq(cursor_left(&cursor), 0, "three octets are left, but not for us");
    cr_expect_eq(cursor_get_u8(&cursor), 0, "a smaller step does not heal it");
    cr_expect_null(cursor_get(&cursor, 1));
    cr_expect_null(cursor_get(&cursor, 0));
    cr_expect_eq(cursor.err, ERR_SIZE);
}

Test(cursor, keeps_the_error_that_its_user_set)
{
    static const uint8_t octets[] = {1, 2, 3};
    struct cursor cursor = cursor_reader(octets, sizeof octets);
    cursor.err = ERR_SYNTAX;
    cr_expect_eq(cursor_get_u8(&cursor), 0);
    cr_expect_eq(cursor.err, ERR_SYNTAX);
}

Test(cursor, does_not_wrap_around_with_a_huge_length)
{
    static const uint8_t octets[] = {1, 2, 3};
    struct cursor cursor = cursor_reader(octets, sizeof octets);
    cr_expect_null(cursor_get(&cursor, SIZE_MAX));
    cr_expect_eq(cursor.err, ERR_SIZE);
}

Test(cursor, reads_nothing_of_nothing)
{
    struct cursor cursor = cursor_reader(NULL, 0);
    cr_expect_eq(cursor_left(&cursor), 0);
    cr_expect_eq(cursor_get_u8(&cursor), 0);
    cr_expect_eq(cursor.err, ERR_SIZE);
}

Test(cursor, writes_what_it_reads_back)
{
    uint8_t octets[9];
    struct cursor writer = cursor_writer(octets, sizeof octets);
    cursor_put_u8(&writer, 0xab);
    cursor_put_u16(&writer, 0x1234);
    cursor_put_u32(&writer, 0x89abcdef);
    cursor_put(&writer, "xy", 2);
    cr_expect_eq(writer.err, ERR_NONE);
    cr_expect_eq(cursor_left(&writer), 0);
    cr_expect_arr_eq(octets, "\xab\x12\x34\x89\xab\xcd\xefxy", 9);
    struct cursor reader = cursor_reader(octets, sizeof octets);
    cr_expect_eq(cursor_get_u8(&reader), 0xab);
    cr_expect_eq(cursor_get_u16(&reader), 0x1234);
    cr_expect_eq(cursor_get_u32(&reader), 0x89abcdef);
}

Test(cursor, writes_nothing_beyond_the_end)
{
    uint8_t octets[4] = {9, 9, 9, 9};
    struct cursor cursor = cursor_writer(octets, 3);
    cursor_put_u16(&cursor, 0x0102);
    cursor_put_u16(&cursor, 0x0304);
    cursor_put_u8(&cursor, 5);
    cr_expect_eq(cursor.err, ERR_SIZE);
    cr_expect_arr_eq(octets, "\x01\x02\x09\x09", 4, "what does not fit is not begun");
}
