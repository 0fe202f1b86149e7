// SPDX-License-Identifier: Apache-2.0
// What happened to a chain of ten events, told from the chain alone.

#include "services/audit/chain.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { SHARD = 3, LENGTH = 10, ROOM = LENGTH + 1 };

struct trail {
    struct trail_event list[ROOM];
    char data[ROOM][24];
    size_t count;
};

static void make(struct trail *trail, size_t at, int64_t id)
{
    snprintf(trail->data[at], sizeof trail->data[at], "{\"n\": %d}", (int)id);
    struct trail_event *event = &trail->list[at];
    *event = (struct trail_event){.id = id, .kind = {"a.b", 3}};
    event->data = (struct trail_text){trail->data[at], strlen(trail->data[at])};
}

// Ten events, sequence 1 to 10, ids 11 to 20.
static void seal(struct trail *trail)
{
    struct digest before = {0};
    trail->count = LENGTH;
    for (size_t i = 0; i < LENGTH; i++) {
        make(trail, i, 11 + (int64_t)i);
        struct digest content = trail_content(&trail->list[i]);
        trail->list[i].sequence = (int64_t)i + 1;
        before = trail->list[i].hash = trail_link(&before, SHARD, (int64_t)i + 1, &content);
    }
}

static void take_out(struct trail *trail, size_t at)
{
    memmove(&trail->list[at], &trail->list[at + 1], (--trail->count - at) * sizeof *trail->list);
}

// An event that nobody sealed, in front of at.
static void put_in(struct trail *trail, size_t at, int64_t sequence)
{
    memmove(&trail->list[at + 1], &trail->list[at], (trail->count++ - at) * sizeof *trail->list);
    static char data[] = "{\"n\": 99}";
    trail->list[at] = (struct trail_event){
        .id = 99, .sequence = sequence, .kind = {"a.b", 3}, .data = {data, strlen(data)}};
}

static void renumber(struct trail *trail, size_t from, int by)
{
    for (size_t i = from; i < trail->count; i++)
        trail->list[i].sequence += by;
}

static void nothing(struct trail *trail)
{
    (void)trail;
}
static void change(struct trail *trail)
{
    trail->list[4].id = 98;
}
static void change_hash(struct trail *trail)
{
    trail->list[4].hash.octets[31] ^= 1;
}
static void change_with_hash(struct trail *trail)
{
    trail->list[4].id = 98;
    struct digest content = trail_content(&trail->list[4]);
    trail->list[4].hash = trail_link(&trail->list[3].hash, SHARD, 5, &content);
}
static void remove_one(struct trail *trail)
{
    take_out(trail, 4);
}
static void remove_first(struct trail *trail)
{
    take_out(trail, 0);
}
static void remove_two(struct trail *trail)
{
    take_out(trail, 4);
    take_out(trail, 4);
}
static void remove_and_renumber(struct trail *trail)
{
    take_out(trail, 4);
    renumber(trail, 4, -1);
}
static void cut(struct trail *trail)
{
    trail->count = 7;
}
static void insert(struct trail *trail)
{
    put_in(trail, 5, 5);
}
static void insert_before(struct trail *trail)
{
    put_in(trail, 4, 5);
}
static void insert_and_renumber(struct trail *trail)
{
    put_in(trail, 4, 4);
    renumber(trail, 4, 1);
}
static void swap_neighbours(struct trail *trail)
{
    struct trail_event event = trail->list[4];
    trail->list[4] = trail->list[5];
    trail->list[5] = event;
    trail->list[4].sequence = 5;
    trail->list[5].sequence = 6;
}
static void swap_far(struct trail *trail)
{
    struct trail_event event = trail->list[1];
    trail->list[1] = trail->list[8];
    trail->list[8] = event;
    trail->list[1].sequence = 2;
    trail->list[8].sequence = 9;
}
static void move_to_the_end(struct trail *trail)
{
    struct trail_event event = trail->list[4];
    take_out(trail, 4);
    event.sequence = 11;
    trail->list[trail->count++] = event;
}

static void (*const deeds[])(struct trail *) = {
    nothing,
    change,
    change_hash,
    change_with_hash,
    remove_one,
    remove_first,
    remove_two,
    remove_and_renumber,
    cut,
    insert,
    insert_before,
    insert_and_renumber,
    swap_neighbours,
    swap_far,
    move_to_the_end,
};

struct deed {
    int number; // in deeds: a pointer would not survive the way
    char found[100];
};

ParameterizedTestParameters(chain, tells_what_happened)
{
#define FALSE_HASH "changed: its hash is not that of what it says behind the event before"
#define NEVER "inserted: it was never sealed here, and the others follow without it"
    static struct deed cases[] = {
        {0, "intact"},
        {1, "sequence 5 (id 98): " FALSE_HASH},
        {2, "sequence 5 (id 15): " FALSE_HASH},
        {3, "sequence 6 (id 16): " FALSE_HASH},
        {4, "sequence 5: missing"},
        {5, "sequence 1: missing"},
        {6, "sequence 5: missing, with all up to 6"},
        {7, "sequence 5 (id 16): missing: the event sealed here is gone, and those behind were"
            " renumbered"},
        {8, "sequence 8: missing"},
        {9, "sequence 5 (id 99): " NEVER},
        {10, "sequence 5 (id 99): " NEVER},
        {11, "sequence 5 (id 99): " NEVER},
        {12, "sequence 5 (id 16): reordered: it was sealed as sequence 6"},
        {13, "sequence 2 (id 19): reordered: it was sealed as sequence 9"},
        {14, "sequence 11 (id 15): reordered: it was sealed as sequence 5"},
    };
    return cr_make_param_array(struct deed, cases, COUNT(cases));
}

static char *explain(const struct chain *chain, const struct trail *trail)
{
    struct chain_place window[ROOM];
    for (size_t i = 0; i < trail->count; i++)
        window[i] = (struct chain_place){trail->list[i].sequence, trail->list[i].id,
                                         trail_content(&trail->list[i]), trail->list[i].hash};
    struct chain_finding finding = chain_explain(chain, window, trail->count);
    return chain_finding_text(&finding);
}

ParameterizedTest(struct deed *c, chain, tells_what_happened)
{
    static struct trail trail;
    seal(&trail);
    deeds[c->number](&trail);
    struct chain chain = {.shard = SHARD};
    size_t good = 0;
    while (good < trail.count && chain_follow(&chain, &trail.list[good]))
        good++;
    char *text = chain.sequence == LENGTH ? strdup("intact") : explain(&chain, &trail);
    cr_expect_str_eq(text, c->found);
    free(text);
}

Test(chain, names_an_event_whose_own_place_is_far_away)
{
    static struct trail trail;
    seal(&trail);
    swap_far(&trail);
    trail.list[7] = trail.list[8]; // the one before 9 is not among those looked at
    trail.count = 8;
    struct chain chain = {.shard = SHARD};
    cr_assert(chain_follow(&chain, &trail.list[0]));
    cr_assert(!chain_follow(&chain, &trail.list[1]));
    char *text = explain(&chain, &trail);
    cr_expect_str_eq(text, "sequence 2 (id 19): reordered: here belongs the event that is now"
                           " sequence 9");
    free(text);
}

Test(chain, names_a_head_that_says_otherwise)
{
    struct chain_finding finding = {CHAIN_OTHER_HEAD, 7, 0, 12};
    char *text = chain_finding_text(&finding);
    cr_expect_str_eq(text, "sequence 7 (id 12): changed: the shard's head has another hash for its"
                           " last event");
    free(text);
}

Test(chain, names_the_false_one_of_two_in_whichever_order_they_are_read)
{
    static struct trail trail;
    seal(&trail);
    put_in(&trail, 5, 5);
    struct chain chain = {.shard = SHARD};
    for (size_t i = 0; i < 5; i++)
        cr_assert(chain_follow(&chain, &trail.list[i]));
    struct trail_event event = trail.list[4];
    trail.list[4] = trail.list[5];
    trail.list[5] = event;
    char *text = explain(&chain, &trail);
    cr_expect_str_eq(text, "sequence 5 (id 99): " NEVER);
    free(text);
}

// Also where whoever left one out has sealed what follows.
Test(chain, follows_no_number_that_is_not_the_next)
{
    static struct trail trail;
    seal(&trail);
    struct trail_event *event = &trail.list[5];
    struct digest content = trail_content(event);
    event->sequence = 7;
    event->hash = trail_link(&trail.list[4].hash, SHARD, 7, &content);
    struct chain chain = {.shard = SHARD};
    for (size_t i = 0; i < 5; i++)
        cr_assert(chain_follow(&chain, &trail.list[i]));
    cr_expect(!chain_follow(&chain, event));
    cr_expect_eq(chain.sequence, 5);
}
