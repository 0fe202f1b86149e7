// SPDX-License-Identifier: Apache-2.0

#include "io/loop.h"

#include <criterion/criterion.h>

enum { COUNT = 1000, MS_NS = 1000000 };

static struct loop *loop;
static struct ring {
    struct loop_timer *timer;
    int64_t due_ms;
    int times;
} rings[COUNT];
static int64_t last_ms;
static int rung, out_of_order;

static void on_ring(void *arg)
{
    struct ring *ring = arg;
    ring->times++;
    rung++;
    out_of_order += ring->due_ms < last_ms;
    last_ms = ring->due_ms;
}

static void on_end(void *arg)
{
    (void)arg;
    loop_stop(loop);
}

// Each third is stopped, each third set again to another time.
Test(loop, timers_ring_once_and_in_order)
{
    loop = loop_new();
    unsigned random = 1;
    for (int i = 0; i < COUNT; i++) {
        random = random * 1103515245 + 12345;
        rings[i].due_ms = 10 + (int64_t)(random >> 16) % 100;
        rings[i].timer = loop_timer_new(loop, on_ring, &rings[i]);
        loop_timer_in(rings[i].timer, (i % 3 == 2 ? 5 : rings[i].due_ms) * MS_NS);
    }
    for (int i = 0; i < COUNT; i++)
        if (i % 3 == 1)
            loop_timer_stop(rings[i].timer);
        else if (i % 3 == 2)
            loop_timer_in(rings[i].timer, rings[i].due_ms * MS_NS);
    struct loop_timer *end = loop_timer_new(loop, on_end, NULL);
    loop_timer_in(end, 150 * MS_NS);
    loop_run(loop);
    for (int i = 0; i < COUNT; i++)
        cr_expect_eq(rings[i].times, i % 3 != 1, "timer %d: %d", i, rings[i].times);
    cr_expect_eq(rung, COUNT - COUNT / 3);
    // Times that were told in the same millisecond may come in any order.
    cr_expect_leq(out_of_order, 10, "%d", out_of_order);
    loop_timer_free(end);
    for (int i = 0; i < COUNT; i++)
        loop_timer_free(rings[i].timer);
    loop_free(loop);
}

static void on_again(void *arg)
{
    struct ring *ring = arg;
    ring->times++;
    loop_timer_in(ring->timer, 0);
    if (ring->times == 1)
        loop_timer_free(rings[1].timer); // due now, and never heard
    if (ring->times == 3)
        loop_stop(loop);
}

Test(loop, a_timer_may_set_itself_and_free_others)
{
    loop = loop_new();
    rings[0].timer = loop_timer_new(loop, on_again, &rings[0]);
    rings[1].timer = loop_timer_new(loop, on_ring, &rings[1]);
    loop_timer_in(rings[0].timer, 0);
    loop_timer_in(rings[1].timer, 1);
    loop_run(loop);
    cr_expect_eq(rings[0].times, 3);
    cr_expect_eq(rings[1].times, 0);
    loop_timer_free(rings[0].timer);
    loop_free(loop);
}
