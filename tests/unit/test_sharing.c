// SPDX-License-Identifier: Apache-2.0

#include "services/planner/sharing.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_USERS = 24, MOST_FEEDERS = 3, LEAST_W = 1380, FULL_W = 3680 };

struct street {
    struct sharing_place places[MOST_FEEDERS + 1];
    int feeder_count;
    struct sharing_user users[MOST_USERS];
    int user_count;
};

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

static struct sharing_user *add(struct street *street, int feeder, unsigned phases,
                                int32_t demand_w, int32_t floor_w, double weight)
{
    struct sharing_user *user = &street->users[street->user_count++];
    *user = (struct sharing_user){.feeder = feeder,
                                  .phases = phases,
                                  .demand_w = demand_w,
                                  .floor_w = floor_w,
                                  .weight = weight,
                                  .turn = (uint32_t)street->user_count};
    return user;
}

static void fill(struct street *street)
{
    sharing_fill(street->places, street->feeder_count, street->users, street->user_count);
}

static double drawn(const struct sharing_user *user)
{
    if (user->level_w < user->least_w && user->level_w < user->demand_w)
        return 0;
    return user->level_w < user->demand_w ? user->level_w : user->demand_w;
}

static double load_of(const struct street *street, int place, int phase)
{
    double sum_w = 0;
    for (int i = 0; i < street->user_count; i++) {
        const struct sharing_user *user = &street->users[i];
        if ((place == street->feeder_count || user->feeder == place) && user->phases >> phase & 1)
            sum_w += drawn(user);
    }
    return sum_w;
}

Test(sharing, leaves_everybody_free_where_there_is_room)
{
    struct street street = street_of(1, 10000, INT64_MAX);
    add(&street, 0, 7, FULL_W, 0, 1);
    add(&street, 0, 7, FULL_W, 0, 1);
    fill(&street);
    cr_expect_eq(street.users[0].bound, SHARING_FREE);
    cr_expect_geq(street.users[0].level_w, FULL_W);
    cr_expect(!street.places[0].full[0]);
}

Test(sharing, gives_equal_shares_and_what_little_is_asked)
{
    struct street street = street_of(1, 7000, INT64_MAX);
    add(&street, 0, 1, 1000, 0, 1);
    add(&street, 0, 1, FULL_W, 0, 1);
    add(&street, 0, 1, FULL_W, 0, 1);
    fill(&street);
    cr_expect_eq(street.users[0].bound, SHARING_FREE);
    cr_expect_eq(street.users[0].level_w, 3000, "it may rise to its share");
    cr_expect_eq(street.users[1].level_w, 3000);
    cr_expect_eq(street.users[2].level_w, 3000);
    cr_expect_eq(street.users[1].bound, SHARING_PLACE);
    cr_expect_eq(street.users[1].place, 0);
    cr_expect_eq(street.users[1].phase, 0);
}

Test(sharing, shares_by_weight)
{
    struct street street = street_of(1, 4500, INT64_MAX);
    add(&street, 0, 2, FULL_W, 0, 2);
    add(&street, 0, 2, FULL_W, 0, 1);
    fill(&street);
    cr_expect_eq(street.users[0].level_w, 3000);
    cr_expect_eq(street.users[1].level_w, 1500);

    street.users[0].weight *= 1e-12;
    street.users[1].weight *= 1e-12;
    fill(&street);
    cr_expect_eq(street.users[0].level_w, 3000, "only the ratio counts");
}

Test(sharing, keeps_floors_and_says_when_they_are_too_much)
{
    struct street street = street_of(1, 5000, INT64_MAX);
    add(&street, 0, 1, FULL_W, 2500, 1);
    add(&street, 0, 1, FULL_W, 0, 1);
    add(&street, 0, 1, FULL_W, 0, 1);
    fill(&street);
    cr_expect_eq(street.users[0].level_w, 2500);
    cr_expect_eq(street.users[0].bound, SHARING_FLOOR);
    cr_expect_eq(street.users[1].level_w, 1250);
    cr_expect(!street.places[0].over[0]);

    street.places[0].room_w[0] = 2000;
    fill(&street);
    cr_expect_eq(street.users[0].level_w, 2500);
    cr_expect_eq(street.users[1].level_w, 0);
    cr_expect(street.places[0].over[0]);
}

Test(sharing, sets_nobody_below_what_it_draws_at_least_while_there_is_enough)
{
    struct street street = street_of(1, 6000, INT64_MAX);
    struct sharing_user *newcomer = add(&street, 0, 1, FULL_W, 0, 1);
    struct sharing_user *old_hand = add(&street, 0, 1, FULL_W, 0, 9);
    newcomer->least_w = old_hand->least_w = 1380;
    street.places[0].room_w[0] = 4000;
    fill(&street);
    cr_expect_eq(newcomer->level_w, 1380, "by weight it would be 400: %d", newcomer->level_w);
    cr_expect_eq(newcomer->bound, SHARING_PLACE);
    cr_expect_eq(old_hand->level_w, 2620);
    street.places[0].room_w[0] = 2500;
    newcomer->turn = 1;
    old_hand->turn = 2;
    fill(&street);
    cr_expect_eq(newcomer->bound, SHARING_PAUSE, "not enough for both");
    cr_expect_eq(old_hand->level_w, 2500);
}

Test(sharing, lets_the_transformer_bind_where_the_feeders_do_not)
{
    struct street street = street_of(2, 4000, 6000);
    add(&street, 0, 1, FULL_W, 0, 1);
    add(&street, 0, 1, FULL_W, 0, 1);
    add(&street, 1, 1, FULL_W, 0, 1);
    fill(&street);
    // Feeder 0 is full at 2000 W each; then the transformer has 2000 W for the third.
    cr_expect_eq(street.users[0].level_w, 2000);
    cr_expect_eq(street.users[2].level_w, 2000);
    street.places[2].room_w[0] = 7000;
    fill(&street);
    cr_expect_eq(street.users[0].level_w, 2000);
    cr_expect_eq(street.users[0].place, 0);
    cr_expect_eq(street.users[2].level_w, 3000);
    cr_expect_eq(street.users[2].place, 2, "the transformer");
}

Test(sharing, takes_what_is_fixed_first)
{
    struct street street = street_of(1, 5000, INT64_MAX);
    struct sharing_user *fixed = add(&street, 0, 1, FULL_W, 0, 1);
    fixed->fixed = true;
    fixed->level_w = 3000;
    add(&street, 0, 1, FULL_W, 0, 1);
    fill(&street);
    cr_expect_eq(fixed->level_w, 3000);
    cr_expect_eq(fixed->bound, SHARING_FIXED);
    cr_expect_eq(street.users[1].level_w, 2000);
    fixed->level_w = 5500;
    fixed->demand_w = 5500;
    fill(&street);
    cr_expect(street.places[0].over[0], "what is fixed alone is too much");
}

Test(sharing, pauses_as_few_as_it_takes)
{
    struct street street = street_of(1, 3000, INT64_MAX);
    for (int i = 0; i < 5; i++)
        add(&street, 0, 1, FULL_W, 0, 1)->least_w = LEAST_W;
    fill(&street);
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(street.users[i].bound, SHARING_PAUSE, "the lowest turns pause");
        cr_expect_eq(street.users[i].level_w, 0);
    }
    for (int i = 3; i < 5; i++)
        cr_expect_eq(street.users[i].level_w, 1500);
}

// A generator of our own, so that a failing case comes back.
static uint64_t state;

static int random_to(int most)
{
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (int)((state >> 33) % (uint64_t)(most + 1));
}

static struct street random_street(uint64_t seed)
{
    state = seed;
    struct street street = {.feeder_count = 1 + random_to(MOST_FEEDERS - 1)};
    for (int place = 0; place <= street.feeder_count; place++)
        for (int phase = 0; phase < SHARING_PHASES; phase++) {
            street.places[place].limited[phase] = random_to(9) > 0;
            street.places[place].room_w[phase] =
                random_to(place < street.feeder_count ? 20000 : 40000);
        }
    int users = random_to(MOST_USERS);
    for (int i = 0; i < users; i++)
        add(&street, random_to(street.feeder_count - 1), 1U + (unsigned)random_to(6),
            500 + random_to(7000), random_to(2) ? 0 : random_to(1500), 1 + random_to(2));
    return street;
}

// The rule at its plainest: raise everybody who still can by a hundredth of a watt's worth of
// common level, over and over. Slow, and right within a step.
static void fill_slowly(const struct street *street, double step, double *level_w)
{
    bool stopped[MOST_USERS] = {0};
    double height = 0;
    for (int i = 0; i < street->user_count; i++)
        level_w[i] = fmin(street->users[i].floor_w, street->users[i].demand_w);
    for (bool rising = true; rising; height += step) {
        for (int place = 0; place <= street->feeder_count; place++)
            for (int phase = 0; phase < SHARING_PHASES; phase++) {
                double sum_w = 0;
                for (int i = 0; i < street->user_count; i++)
                    if ((place == street->feeder_count || street->users[i].feeder == place)
                        && street->users[i].phases >> phase & 1)
                        sum_w += level_w[i];
                if (!street->places[place].limited[phase]
                    || sum_w < (double)street->places[place].room_w[phase])
                    continue;
                for (int i = 0; i < street->user_count; i++)
                    if ((place == street->feeder_count || street->users[i].feeder == place)
                        && street->users[i].phases >> phase & 1)
                        stopped[i] = true;
            }
        rising = false;
        for (int i = 0; i < street->user_count; i++) {
            const struct sharing_user *user = &street->users[i];
            if (stopped[i] || level_w[i] >= user->demand_w)
                continue;
            rising = true;
            level_w[i] = fmin(fmax(level_w[i], user->weight * (height + step)), user->demand_w);
        }
    }
}

Test(sharing, agrees_with_the_plainest_form_of_its_rule)
{
    const double step = 2;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct street street = random_street(seed);
        double slow_w[MOST_USERS] = {0};
        fill_slowly(&street, step, slow_w);
        fill(&street);
        for (int i = 0; i < street.user_count; i++) {
            double drawn_w = drawn(&street.users[i]);
            // Each pipe that closes a step late leaves its users' steps to the others.
            cr_expect(fabs(drawn_w - slow_w[i]) < 80 * step, "seed %d, user %d: %.0f, not %.0f",
                      (int)seed, i, drawn_w, slow_w[i]);
        }
    }
}

// Who is held by a full phase has there as much per weight as anybody who is not at its floor.
static void expect_fair(const struct street *street, int seed)
{
    for (int i = 0; i < street->user_count; i++) {
        const struct sharing_user *held = &street->users[i];
        if (held->bound != SHARING_PLACE)
            continue;
        cr_expect_geq(load_of(street, held->place, held->phase) + street->user_count,
                      street->places[held->place].room_w[held->phase], "seed %d: not full", seed);
        for (int other = 0; other < street->user_count; other++) {
            const struct sharing_user *user = &street->users[other];
            bool there = (held->place == street->feeder_count || user->feeder == held->place)
                         && user->phases >> held->phase & 1;
            if (there && drawn(user) > user->floor_w + 1)
                cr_expect_leq(drawn(user) / user->weight, held->level_w / held->weight + 2,
                              "seed %d: user %d has more than %d", seed, other, i);
        }
    }
}

Test(sharing, is_fair_and_keeps_every_limit)
{
    for (int seed = 1; seed <= 3000; seed++) {
        struct street street = random_street((uint64_t)seed);
        fill(&street);
        for (int place = 0; place <= street.feeder_count; place++)
            for (int phase = 0; phase < SHARING_PHASES; phase++)
                if (street.places[place].limited[phase] && !street.places[place].over[phase])
                    cr_expect_leq(load_of(&street, place, phase),
                                  (double)street.places[place].room_w[phase] + 1, "seed %d", seed);
        for (int i = 0; i < street.user_count; i++) {
            const struct sharing_user *user = &street.users[i];
            int32_t least_w = user->floor_w < user->demand_w ? user->floor_w : user->demand_w;
            cr_expect_geq(user->level_w, least_w, "seed %d: below its floor", seed);
        }
        expect_fair(&street, seed);
    }
}

Test(sharing, never_starves_with_pauses)
{
    for (int seed = 1; seed <= 1000; seed++) {
        struct street street = random_street((uint64_t)seed);
        for (int i = 0; i < street.user_count; i++) {
            struct sharing_user *user = &street.users[i];
            user->least_w = LEAST_W;
            user->turn = (uint32_t)random_to(1000000);
            if (user->demand_w < LEAST_W)
                user->demand_w = LEAST_W;
        }
        fill(&street);
        for (int i = 0; i < street.user_count; i++) {
            const struct sharing_user *user = &street.users[i];
            if (user->bound == SHARING_PLACE && !user->floor_w)
                cr_expect_geq(user->level_w, LEAST_W, "seed %d", seed);
        }
        for (int place = 0; place <= street.feeder_count; place++)
            for (int phase = 0; phase < SHARING_PHASES; phase++)
                if (street.places[place].limited[phase] && !street.places[place].over[phase])
                    cr_expect_leq(load_of(&street, place, phase),
                                  (double)street.places[place].room_w[phase] + 1, "seed %d", seed);
    }
}

// With pauses on every second seed.
static struct street any_street(int seed)
{
    struct street street = random_street((uint64_t)seed);
    for (int i = 0; seed % 2 && i < street.user_count; i++) {
        street.users[i].least_w = LEAST_W;
        street.users[i].turn = (uint32_t)(random_to(100000) * MOST_USERS + i);
    }
    return street;
}

static bool is_there(const struct street *street, const struct sharing_user *user, int place,
                     int phase)
{
    return (place == street->feeder_count || user->feeder == place) && user->phases >> phase & 1;
}

Test(sharing, plans_no_phase_too_full_while_anybody_there_can_give)
{
    for (int seed = 1; seed <= 3000; seed++) {
        struct street street = any_street(seed);
        fill(&street);
        for (int place = 0; place <= street.feeder_count; place++)
            for (int phase = 0; phase < SHARING_PHASES; phase++) {
                if (!street.places[place].limited[phase]
                    || load_of(&street, place, phase)
                           <= (double)street.places[place].room_w[phase] + 1)
                    continue;
                cr_expect(street.places[place].over[phase], "seed %d: said to fit", seed);
                for (int i = 0; i < street.user_count; i++)
                    if (is_there(&street, &street.users[i], place, phase))
                        cr_expect_leq(drawn(&street.users[i]),
                                      fmax(street.users[i].floor_w, street.users[i].least_w),
                                      "seed %d: user %d could give", seed, i);
            }
    }
}

Test(sharing, hands_out_exactly_what_there_is)
{
    for (int seed = 2; seed <= 3000; seed += 2) {
        struct street street = any_street(seed);
        fill(&street);
        for (int place = 0; place <= street.feeder_count; place++)
            for (int phase = 0; phase < SHARING_PHASES; phase++)
                if (street.places[place].full[phase] && !street.places[place].over[phase])
                    cr_expect(fabs(load_of(&street, place, phase)
                                   - (double)street.places[place].room_w[phase])
                                  <= street.user_count,
                              "seed %d: %.0f of %jd W", seed, load_of(&street, place, phase),
                              (intmax_t)street.places[place].room_w[phase]);
    }
}

Test(sharing, treats_equals_alike)
{
    for (int seed = 1; seed <= 3000; seed++) {
        struct street street = any_street(seed);
        if (street.user_count < 2)
            continue;
        struct sharing_user *one = &street.users[0], *other = &street.users[1];
        uint32_t turn = other->turn;
        *other = *one;
        other->turn = turn;
        fill(&street);
        bool pauses = one->bound == SHARING_PAUSE || other->bound == SHARING_PAUSE;
        if (!pauses)
            cr_expect_eq(one->level_w, other->level_w, "seed %d", seed);
        else if (one->bound != other->bound)
            cr_expect_eq(one->bound == SHARING_PAUSE, one->turn < other->turn,
                         "seed %d: not its turn", seed);
    }
}

static int by_level(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

// What everybody has for its weight, the poorest first.
static void levels_of(const struct street *street, double *level)
{
    for (int i = 0; i < street->user_count; i++)
        level[i] = drawn(&street->users[i]) / street->users[i].weight;
    qsort(level, (size_t)street->user_count, sizeof *level, by_level);
}

// Room on one phase may move shares elsewhere, but whoever was first to be poorer is so no more.
Test(sharing, gives_the_poorest_more_when_a_limit_rises)
{
    for (int seed = 2; seed <= 3000; seed += 2) {
        struct street street = any_street(seed);
        int place = random_to(street.feeder_count), phase = random_to(SHARING_PHASES - 1);
        for (int i = 0; i < street.user_count; i++)
            street.users[i].floor_w = 0; // floors go before shares
        double before[MOST_USERS] = {0}, after[MOST_USERS] = {0};
        fill(&street);
        levels_of(&street, before);
        street.places[place].room_w[phase] += random_to(5000);
        fill(&street);
        levels_of(&street, after);
        int first = 0;
        while (first < street.user_count && fabs(after[first] - before[first]) <= 2)
            first++;
        if (first < street.user_count)
            cr_expect_gt(after[first], before[first], "seed %d", seed);
    }
}

// One place alone: nobody gets less.
Test(sharing, is_monotone_in_the_limit_of_a_phase)
{
    for (int seed = 2; seed <= 3000; seed += 2) {
        struct street street = any_street(seed);
        for (int i = 0; i < street.user_count; i++)
            street.users[i].phases = 1;
        int place = random_to(street.feeder_count);
        for (int other = 0; other <= street.feeder_count; other++)
            street.places[other].limited[0] = other == place;
        struct street richer = street;
        richer.places[place].room_w[0] += random_to(5000);
        fill(&street);
        fill(&richer);
        for (int i = 0; i < street.user_count; i++)
            cr_expect_geq(richer.users[i].level_w, street.users[i].level_w, "seed %d, user %d",
                          seed, i);
    }
}

Test(sharing, does_not_depend_on_the_order_of_rows)
{
    for (int seed = 1; seed <= 3000; seed++) {
        struct street street = any_street(seed), shuffled = street;
        int row[MOST_USERS] = {0};
        for (int i = 0; i < street.user_count; i++)
            row[i] = i;
        for (int i = street.user_count - 1; i > 0; i--) {
            int with = random_to(i), kept = row[i];
            row[i] = row[with];
            row[with] = kept;
        }
        for (int i = 0; i < street.user_count; i++)
            shuffled.users[i] = street.users[row[i]];
        fill(&street);
        fill(&shuffled);
        for (int i = 0; i < street.user_count; i++) {
            const struct sharing_user *one = &street.users[row[i]], *same = &shuffled.users[i];
            cr_expect_eq(one->level_w, same->level_w, "seed %d, user %d: %d, not %d", seed, row[i],
                         same->level_w, one->level_w);
            cr_expect_eq(one->bound, same->bound, "seed %d, user %d", seed, row[i]);
        }
    }
}

Test(sharing, holds_nobody_below_its_floor_in_a_pause)
{
    struct street street = street_of(1, 2500, INT64_MAX);
    add(&street, 0, 1, FULL_W, 500, 1)->least_w = LEAST_W;
    add(&street, 0, 1, FULL_W, 0, 1)->least_w = LEAST_W;
    fill(&street);
    cr_expect_eq(street.users[0].bound, SHARING_PAUSE);
    cr_expect_eq(street.users[0].level_w, 500);
    cr_expect_eq(street.users[1].level_w, 2500, "it draws nothing of it");
}

Test(sharing, counts_what_is_fixed_below_6_A_as_nothing)
{
    struct street street = street_of(1, 3000, INT64_MAX);
    struct sharing_user *fixed = add(&street, 0, 1, FULL_W, 0, 1);
    fixed->fixed = true;
    fixed->level_w = LEAST_W - 1;
    fixed->least_w = LEAST_W;
    add(&street, 0, 1, FULL_W, 0, 1);
    fill(&street);
    cr_expect_eq(street.users[1].level_w, 3000, "a pause");
    fixed->level_w = LEAST_W;
    fill(&street);
    cr_expect_eq(street.users[1].level_w, 3000 - LEAST_W);
    fixed->level_w = fixed->demand_w = 1000;
    fill(&street);
    cr_expect_eq(street.users[1].level_w, 2000, "all that it wants, and less than 6 A");
}
