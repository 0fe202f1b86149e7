// SPDX-License-Identifier: Apache-2.0

#include "services/planner/sharing.h"
#include "tests/unit/sharing_street.h"

#include <criterion/criterion.h>

enum { LEAST_W = 1380, FULL_W = 3680 };

static struct street street_of(int feeders, int64_t feeder_room_w, int64_t transformer_room_w)
{
    struct street street = {.feeder_count = feeders};
    for (int place = 0; place <= feeders; place++)
        for (int phase = 0; phase < SHARING_PHASES; phase++) {
            int64_t room_w = place < feeders ? feeder_room_w : transformer_room_w;
            street.places[place].limited[phase] = room_w != INT64_MAX;
            street.places[place].room_w[phase] = room_w;
        }
    return street;
}

Test(sharing, leaves_everybody_free_where_there_is_room)
{
    struct street street = street_of(1, 10000, INT64_MAX);
    street_add(&street, 0, 7, FULL_W, 0, 1);
    street_add(&street, 0, 7, FULL_W, 0, 1);
    street_fill(&street);
    cr_expect_eq(street.users[0].bound, SHARING_FREE);
    cr_expect_geq(street.users[0].level_w, FULL_W);
    cr_expect(!street.places[0].full[0]);
}

Test(sharing, gives_equal_shares_and_what_little_is_asked)
{
    struct street street = street_of(1, 7000, INT64_MAX);
    street_add(&street, 0, 1, 1000, 0, 1);
    street_add(&street, 0, 1, FULL_W, 0, 1);
    street_add(&street, 0, 1, FULL_W, 0, 1);
    street_fill(&street);
    cr_expect_eq(street.users[0].bound, SHARING_FREE);
    cr_expect_eq(street.users[0].level_w, 3000, "it may rise to its share");
    cr_expect_eq(street.users[1].level_w, 3000);
    cr_expect_eq(street.users[2].level_w, 3000);
    cr_expect_eq(street.users[1].bound, SHARING_PLACE);
    cr_expect_eq(street.users[1].place, 0);
    cr_expect_eq(street.users[1].phase, 0);
}

// What is left after shares that do not come out even is what another asks for, not less in the
// last digits.
Test(sharing, adds_up_whatever_the_order)
{
    for (int i = 1; i <= 20; i++) {
        struct street street = street_of(2, INT64_MAX, 12000);
        street.places[0].limited[0] = true;
        street.places[0].room_w[0] = 10000;
        for (int user = 0; user < i; user++)
            street_add(&street, 0, 1, 10001, 0, 1);
        const struct sharing_user *last = street_add(&street, 1, 1, 2000, 0, 0.1);
        street_fill(&street);
        cr_expect_eq(last->bound, SHARING_FREE, "%d others", i);
        cr_expect_eq(last->level_w, INT32_MAX, "%d others: %d", i, last->level_w);
        cr_expect(!street.places[2].full[0], "%d others", i);
    }
}

Test(sharing, shares_by_weight)
{
    struct street street = street_of(1, 4500, INT64_MAX);
    street_add(&street, 0, 2, FULL_W, 0, 2);
    street_add(&street, 0, 2, FULL_W, 0, 1);
    street_fill(&street);
    cr_expect_eq(street.users[0].level_w, 3000);
    cr_expect_eq(street.users[1].level_w, 1500);

    street.users[0].weight *= 1e-12;
    street.users[1].weight *= 1e-12;
    street_fill(&street);
    cr_expect_eq(street.users[0].level_w, 3000, "only the ratio counts");
}

Test(sharing, keeps_floors_and_says_when_they_are_too_much)
{
    struct street street = street_of(1, 5000, INT64_MAX);
    street_add(&street, 0, 1, FULL_W, 2500, 1);
    street_add(&street, 0, 1, FULL_W, 0, 1);
    street_add(&street, 0, 1, FULL_W, 0, 1);
    street_fill(&street);
    cr_expect_eq(street.users[0].level_w, 2500);
    cr_expect_eq(street.users[0].bound, SHARING_FLOOR);
    cr_expect_eq(street.users[1].level_w, 1250);
    cr_expect(!street.places[0].over[0]);

    street.places[0].room_w[0] = 2000;
    street_fill(&street);
    cr_expect_eq(street.users[0].level_w, 2500);
    cr_expect_eq(street.users[1].level_w, 0);
    cr_expect(street.places[0].over[0]);
}

Test(sharing, sets_nobody_below_what_it_draws_at_least_while_there_is_enough)
{
    struct street street = street_of(1, 6000, INT64_MAX);
    struct sharing_user *newcomer = street_add(&street, 0, 1, FULL_W, 0, 1);
    struct sharing_user *old_hand = street_add(&street, 0, 1, FULL_W, 0, 9);
    newcomer->least_w = old_hand->least_w = 1380;
    street.places[0].room_w[0] = 4000;
    street_fill(&street);
    cr_expect_eq(newcomer->level_w, 1380, "by weight it would be 400: %d", newcomer->level_w);
    cr_expect_eq(newcomer->bound, SHARING_PLACE);
    cr_expect_eq(old_hand->level_w, 2620);
    street.places[0].room_w[0] = 2500;
    newcomer->turn = 1;
    old_hand->turn = 2;
    street_fill(&street);
    cr_expect_eq(newcomer->bound, SHARING_PAUSE, "not enough for both");
    cr_expect_eq(old_hand->level_w, 2500);
}

Test(sharing, lets_the_transformer_bind_where_the_feeders_do_not)
{
    struct street street = street_of(2, 4000, 6000);
    street_add(&street, 0, 1, FULL_W, 0, 1);
    street_add(&street, 0, 1, FULL_W, 0, 1);
    street_add(&street, 1, 1, FULL_W, 0, 1);
    street_fill(&street);
    // Feeder 0 is full at 2000 W each; then the transformer has 2000 W for the third.
    cr_expect_eq(street.users[0].level_w, 2000);
    cr_expect_eq(street.users[2].level_w, 2000);
    street.places[2].room_w[0] = 7000;
    street_fill(&street);
    cr_expect_eq(street.users[0].level_w, 2000);
    cr_expect_eq(street.users[0].place, 0);
    cr_expect_eq(street.users[2].level_w, 3000);
    cr_expect_eq(street.users[2].place, 2, "the transformer");
}

Test(sharing, takes_what_is_fixed_first)
{
    struct street street = street_of(1, 5000, INT64_MAX);
    struct sharing_user *fixed = street_add(&street, 0, 1, FULL_W, 0, 1);
    fixed->fixed = true;
    fixed->level_w = 3000;
    street_add(&street, 0, 1, FULL_W, 0, 1);
    street_fill(&street);
    cr_expect_eq(fixed->level_w, 3000);
    cr_expect_eq(fixed->bound, SHARING_FIXED);
    cr_expect_eq(street.users[1].level_w, 2000);
    fixed->level_w = 5500;
    fixed->demand_w = 5500;
    street_fill(&street);
    cr_expect(street.places[0].over[0], "what is fixed alone is too much");
}

Test(sharing, pauses_as_few_as_it_takes)
{
    struct street street = street_of(1, 3000, INT64_MAX);
    for (int i = 0; i < 5; i++)
        street_add(&street, 0, 1, FULL_W, 0, 1)->least_w = LEAST_W;
    street_fill(&street);
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(street.users[i].bound, SHARING_PAUSE, "the lowest turns pause");
        cr_expect_eq(street.users[i].level_w, 0);
    }
    for (int i = 3; i < 5; i++)
        cr_expect_eq(street.users[i].level_w, 1500);
}

Test(sharing, holds_nobody_below_its_floor_in_a_pause)
{
    struct street street = street_of(1, 2500, INT64_MAX);
    street_add(&street, 0, 1, FULL_W, 500, 1)->least_w = LEAST_W;
    street_add(&street, 0, 1, FULL_W, 0, 1)->least_w = LEAST_W;
    street_fill(&street);
    cr_expect_eq(street.users[0].bound, SHARING_PAUSE);
    cr_expect_eq(street.users[0].level_w, 500);
    cr_expect_eq(street.users[1].level_w, 2500, "it draws nothing of it");
}

Test(sharing, counts_what_is_fixed_below_6_A_as_nothing)
{
    struct street street = street_of(1, 3000, INT64_MAX);
    struct sharing_user *fixed = street_add(&street, 0, 1, FULL_W, 0, 1);
    fixed->fixed = true;
    fixed->level_w = LEAST_W - 1;
    fixed->least_w = LEAST_W;
    street_add(&street, 0, 1, FULL_W, 0, 1);
    street_fill(&street);
    cr_expect_eq(street.users[1].level_w, 3000, "a pause");
    fixed->level_w = LEAST_W;
    street_fill(&street);
    cr_expect_eq(street.users[1].level_w, 3000 - LEAST_W);
    fixed->level_w = fixed->demand_w = 1000;
    street_fill(&street);
    cr_expect_eq(street.users[1].level_w, 2000, "all that it wants, and less than 6 A");
}
