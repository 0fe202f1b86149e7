// SPDX-License-Identifier: Apache-2.0

#include "wire/trail_head.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define ABS "abababababababababababababababababababababababababababababababab"
#define HEAD "socmod audit head 1\nnumber 7\nat 2026-01-14T16:00:00.250Z\nbefore " ABS "\n"
#define SHARD "shard 2 events 0 to 12 hash " ZEROS " to " ABS "\n"

Test(trail_head, reads_and_writes_back)
{
    static const char text[] = HEAD SHARD "shard 10 events 5 to 5 hash " ABS " to " ABS "\n";
    struct trail_head head;
    cr_assert_eq(trail_head_read(text, &head), ERR_NONE);
    cr_expect_eq(head.number, 7);
    cr_expect_eq(head.at_ms, 1768406400250);
    cr_expect_eq(head.count, 2);
    cr_expect_eq(trail_head_find(&head, 2)->sequence, 12);
    cr_expect_eq(trail_head_find(&head, 10)->base, 5);
    cr_expect_null(trail_head_find(&head, 3));
    char *back = trail_head_write(&head);
    cr_expect_str_eq(back, text);
    free(back);
    trail_head_clear(&head);
}

Test(trail_head, may_have_no_shard)
{
    struct trail_head head;
    cr_assert_eq(trail_head_read(HEAD, &head), ERR_NONE);
    cr_expect_eq(head.count, 0);
    trail_head_clear(&head);
}

struct bad {
    char text[600];
    char why[48];
};

ParameterizedTestParameters(trail_head, refuses)
{
    static struct bad cases[] = {
        {"", "nothing"},
        {"socmod audit head 2\nnumber 7\nat 2026-01-14T16:00:00.250Z\nbefore " ABS "\n", "form"},
        {"socmod audit head 1\nnumber 0\nat 2026-01-14T16:00:00.250Z\nbefore " ABS "\n", "zero"},
        {"socmod audit head 1\nnumber 07\nat 2026-01-14T16:00:00.250Z\nbefore " ABS "\n", "07"},
        {"socmod audit head 1\nnumber 7\nat 2026-01-14T16:00:00Z\nbefore " ABS "\n", "seconds"},
        {"socmod audit head 1\nnumber 7\nat 2026-01-14T16:00:00.2x0Z\nbefore " ABS "\n", "time"},
        {"socmod audit head 1\nnumber 7\nat 2026-01-14T16:00:00.250Z\nbefore AB\n", "short hash"},
        {HEAD "\n", "blank line"},
        {HEAD SHARD SHARD, "a shard twice"},
        {HEAD "shard 2 events 13 to 12 hash " ZEROS " to " ABS "\n", "base behind the end"},
        {HEAD "shard 3000000000 events 0 to 1 hash " ZEROS " to " ABS "\n", "such a shard"},
        {HEAD "shard 2 events 0 to 1234567890123456789 hash " ZEROS " to " ABS "\n", "too many"},
        {HEAD "shard 2 events 0 to 12 hash " ZEROS " to " ABS, "no end of line"},
        {HEAD "shard 2 events -1 to 12 hash " ZEROS " to " ABS "\n", "sign"},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, trail_head, refuses)
{
    struct trail_head head = {.number = 42};
    cr_expect_eq(trail_head_read(c->text, &head), ERR_SYNTAX, "%s", c->why);
    cr_expect_eq(head.number, 42, "%s: the result must stay untouched", c->why);
}
