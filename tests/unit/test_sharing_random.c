// SPDX-License-Identifier: Apache-2.0
// What must hold of any street: thousands by lot, of one to three feeders under a transformer, most
// of their phases limited, with cars of all kinds.

#include "services/planner/sharing.h"
#include "tests/unit/sharing_street.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

enum { STREETS = 20000, LEAST_W = 1380 };

// What a street may have besides cars that ask for something; so an even seed is one without
// pauses.
enum {
    PAUSES = 1, // cars that draw nothing below 6 A
    FIXED = 2,  // some that nobody can tell anything
    FLOORS = 4,
    COARSE = 8, // all in steps of 460 W: much is full at once
};

// A generator of our own, so that a failing case comes back.
static uint64_t state;

static int random_to(int most)
{
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (int)((state >> 33) % (uint64_t)(most + 1));
}

static int32_t watts(unsigned kind, int least, int most)
{
    int32_t some_w = least + random_to(most - least);
    return kind & COARSE ? some_w - some_w % 460 : some_w;
}

// 1, or what a car that came by day weighs.
static double random_weight(void)
{
    return random_to(1) ? 1 : 2.5 * (1 + random_to(8) / 8.0);
}

static void add_by_lot(struct street *street, unsigned kind)
{
    struct sharing_user *user =
        street_add(street, random_to(street->feeder_count - 1), 1U + (unsigned)random_to(6),
                   watts(kind, 500, 7500), 0, random_weight());
    user->turn = (uint64_t)random_to(100000) * MOST_USERS + (uint64_t)street->user_count;
    if (kind & FLOORS && !random_to(2))
        user->floor_w = watts(kind, 0, 2500);
    if (kind & PAUSES && random_to(9))
        user->least_w = LEAST_W;
    if (kind & FIXED && !random_to(5)) {
        user->fixed = true;
        user->level_w = watts(kind, 0, 8000);
    }
}

// The lowest bits of the seed say what it may have.
static struct street random_street(int seed)
{
    unsigned kind = (unsigned)seed;
    state = kind;
    struct street street = {.feeder_count = 1 + random_to(MOST_FEEDERS - 1)};
    for (int place = 0; place <= street.feeder_count; place++)
        for (int phase = 0; phase < SHARING_PHASES; phase++) {
            street.places[place].limited[phase] = random_to(9) > 0;
            street.places[place].room_w[phase] =
                watts(kind, -920, place < street.feeder_count ? 20000 : 40000);
        }
    for (int users = random_to(MOST_USERS); users; users--)
        add_by_lot(&street, kind);
    return street;
}

static int32_t lower(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t higher(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

// What it draws at least while it does not pause.
static int32_t least_of(const struct sharing_user *user)
{
    return user->fixed ? street_drawn(user)
                       : lower(higher(user->floor_w, user->least_w), user->demand_w);
}

static bool can_pause(const struct sharing_user *user)
{
    return !user->fixed && user->floor_w < lower(user->least_w, user->demand_w);
}

static int64_t spare(const struct street *street, int place, int phase)
{
    return street->places[place].room_w[phase] - street_load(street, place, phase);
}

Test(sharing_random, plans_no_phase_too_full_while_anybody_there_could_give)
{
    for (int seed = 0; seed < STREETS; seed++) {
        struct street street = random_street(seed);
        street_fill(&street);
        for (int place = 0; place <= street.feeder_count; place++)
            for (int phase = 0; phase < SHARING_PHASES; phase++) {
                bool over = street.places[place].limited[phase] && spare(&street, place, phase) < 0;
                cr_expect_eq(street.places[place].over[phase], over, "seed %d: %jd W spare", seed,
                             (intmax_t)spare(&street, place, phase));
                for (int i = 0; over && i < street.user_count; i++) {
                    const struct sharing_user *user = &street.users[i];
                    if (street_is_on(&street, user, place, phase))
                        cr_expect_leq(street_drawn(user), can_pause(user) ? 0 : least_of(user),
                                      "seed %d: user %d could give", seed, i);
                }
            }
    }
}

Test(sharing_random, holds_nobody_below_its_floor)
{
    for (int seed = 0; seed < STREETS; seed++) {
        struct street street = random_street(seed), given = street;
        street_fill(&street);
        for (int i = 0; i < street.user_count; i++) {
            const struct sharing_user *user = &street.users[i];
            if (user->fixed)
                cr_expect_eq(user->level_w, given.users[i].level_w, "seed %d, user %d", seed, i);
            else if (user->bound == SHARING_PAUSE)
                cr_expect_eq(user->level_w, user->floor_w, "seed %d, user %d", seed, i);
            else
                cr_expect_geq(user->level_w, least_of(user), "seed %d, user %d", seed, i);
        }
    }
}

// The mark of a max-min share: who has less than it asks for is held by a phase that is full, and
// has as much there for its weight as anybody who is above what it draws at least. Each loses less
// than a watt when it is rounded down.
static void expect_held_fairly(const struct street *street, int seed, int held)
{
    const struct sharing_user *user = &street->users[held];
    cr_assert(user->place >= 0 && street_is_on(street, user, user->place, user->phase)
                  && street->places[user->place].limited[user->phase],
              "seed %d, user %d: nothing holds it", seed, held);
    cr_expect(street->places[user->place].full[user->phase], "seed %d, user %d", seed, held);
    int there = 0;
    for (int i = 0; i < street->user_count; i++) {
        const struct sharing_user *other = &street->users[i];
        if (!street_is_on(street, other, user->place, user->phase))
            continue;
        there++;
        if (street_drawn(other) > least_of(other))
            cr_expect_lt(street_drawn(other) / other->weight,
                         (street_drawn(user) + 1.01) / user->weight,
                         "seed %d: user %d has more than %d", seed, i, held);
    }
    cr_expect_lt(spare(street, user->place, user->phase), there, "seed %d, user %d: not full", seed,
                 held);
}

Test(sharing_random, hands_out_all_there_is_and_to_equals_alike)
{
    for (int seed = 0; seed < STREETS; seed++) {
        struct street street = random_street(seed);
        street_fill(&street);
        for (int i = 0; i < street.user_count; i++) {
            const struct sharing_user *user = &street.users[i];
            if (user->bound == SHARING_PAUSE || user->bound == SHARING_FIXED)
                continue;
            bool has_all = user->level_w >= user->demand_w;
            cr_expect_eq(user->bound == SHARING_FREE, has_all, "seed %d, user %d", seed, i);
            if (!has_all)
                expect_held_fairly(&street, seed, i);
        }
    }
}

// Beside all who cannot pause, or go before it and do not.
static bool fits(const struct street *street, const struct sharing_user *user)
{
    for (int place = 0; place <= street->feeder_count; place++)
        for (int phase = 0; phase < SHARING_PHASES; phase++) {
            if (!street->places[place].limited[phase] || !street_is_on(street, user, place, phase))
                continue;
            int64_t left_w = street->places[place].room_w[phase] - least_of(user);
            for (int i = 0; i < street->user_count; i++) {
                const struct sharing_user *other = &street->users[i];
                bool goes = !can_pause(other)
                            || (other->turn > user->turn && other->bound != SHARING_PAUSE);
                if (other != user && goes && street_is_on(street, other, place, phase))
                    left_w -= least_of(other);
            }
            if (left_w < 0)
                return false;
        }
    return true;
}

Test(sharing_random, pauses_nobody_who_fits_beside_those_before_it)
{
    int paused = 0, went_on = 0;
    for (int seed = 0; seed < STREETS; seed++) {
        struct street street = random_street(seed);
        street_fill(&street);
        for (int i = 0; i < street.user_count; i++) {
            const struct sharing_user *user = &street.users[i];
            bool pauses = user->bound == SHARING_PAUSE;
            cr_expect_eq(pauses, can_pause(user) && !fits(&street, user), "seed %d, user %d", seed,
                         i);
            paused += pauses;
            went_on += can_pause(user) && !pauses;
        }
    }
    cr_expect(paused > STREETS && went_on > STREETS, "%d paused, %d not", paused, went_on);
}

Test(sharing_random, starves_nobody_while_an_equal_one_has_more)
{
    for (int seed = 0; seed < STREETS; seed++) {
        struct street street = random_street(seed);
        if (street.user_count < 2)
            continue;
        struct sharing_user *one = &street.users[random_to(street.user_count - 1)];
        struct sharing_user *other = &street.users[random_to(street.user_count - 1)];
        uint64_t turn = other->turn;
        *other = *one;
        other->turn = turn;
        street_fill(&street);
        if (one->bound == SHARING_PAUSE || other->bound == SHARING_PAUSE)
            cr_expect(one->bound == other->bound
                          || (one->bound == SHARING_PAUSE) == (one->turn < other->turn),
                      "seed %d: not its turn", seed);
        else
            cr_expect_eq(one->level_w, other->level_w, "seed %d", seed);
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
        level[i] = street_drawn(&street->users[i]) / street->users[i].weight;
    qsort(level, (size_t)street->user_count, sizeof *level, by_level);
}

// The same street in milliwatts, that rounding may not hide anything.
static void magnify(struct street *street)
{
    for (int place = 0; place <= street->feeder_count; place++)
        for (int phase = 0; phase < SHARING_PHASES; phase++)
            street->places[place].room_w[phase] *= 1000;
    for (int i = 0; i < street->user_count; i++) {
        struct sharing_user *user = &street->users[i];
        user->demand_w *= 1000;
        user->floor_w *= 1000;
        user->least_w *= 1000;
        user->level_w *= 1000;
    }
}

struct rise {
    struct street poor, rich; // but for the limit of a phase the same
    int place, phase;
    int64_t w;
};

static struct rise random_rise(int seed)
{
    struct rise rise = {.poor = random_street(seed)};
    rise.place = random_to(rise.poor.feeder_count);
    rise.phase = random_to(SHARING_PHASES - 1);
    rise.poor.places[rise.place].limited[rise.phase] = true;
    rise.w = 100 + random_to(5000);
    rise.rich = rise.poor;
    rise.rich.places[rise.place].room_w[rise.phase] += rise.w;
    return rise;
}

static void fill_both(struct rise *rise)
{
    street_fill(&rise->poor);
    street_fill(&rise->rich);
}

// With more than one phase limited somebody may lose by it: sharing.h tells why, and how often.
Test(sharing_random, gives_the_poorest_more_when_a_limit_rises)
{
    int changed = 0, lost = 0;
    for (int seed = 0; seed < STREETS; seed++) {
        struct rise rise = random_rise(2 * seed);
        magnify(&rise.poor);
        magnify(&rise.rich);
        fill_both(&rise);
        double before[MOST_USERS] = {0}, after[MOST_USERS] = {0};
        levels_of(&rise.poor, before);
        levels_of(&rise.rich, after);
        int first = 0;
        while (first < rise.poor.user_count && fabs(after[first] - before[first]) < 2)
            first++;
        if (first < rise.poor.user_count)
            cr_expect_gt(after[first], before[first], "seed %d", seed);
        changed += first < rise.poor.user_count;
        for (int i = 0; i < rise.poor.user_count; i++) {
            int32_t loss = street_drawn(&rise.poor.users[i]) - street_drawn(&rise.rich.users[i]);
            cr_expect_leq(loss, 2 * 1000 * rise.w, "seed %d, user %d", seed, i);
            lost += loss > 1000;
        }
    }
    cr_expect(changed > STREETS / 10 && lost > STREETS / 100, "%d, %d", changed, lost);
}

// Hence on the phase itself no less is drawn, and where it held nobody all stays as it was.
Test(sharing_random, uses_a_limit_that_rises)
{
    for (int seed = 0; seed < STREETS; seed++) {
        struct rise rise = random_rise(2 * seed);
        fill_both(&rise);
        int64_t gained_w = street_load(&rise.rich, rise.place, rise.phase)
                           - street_load(&rise.poor, rise.place, rise.phase);
        cr_expect_geq(gained_w, -rise.poor.user_count, "seed %d", seed); // rounded down anew
        if (rise.poor.places[rise.place].full[rise.phase])
            continue;
        for (int i = 0; i < rise.poor.user_count; i++)
            cr_expect_eq(rise.poor.users[i].level_w, rise.rich.users[i].level_w, "seed %d", seed);
    }
}

static struct rise rise_of_the_only_limit(int seed)
{
    struct rise rise = random_rise(seed);
    for (int place = 0; place <= rise.poor.feeder_count; place++)
        for (int phase = 0; phase < SHARING_PHASES; phase++)
            rise.poor.places[place].limited[phase] = rise.rich.places[place].limited[phase] =
                place == rise.place && phase == rise.phase;
    return rise;
}

Test(sharing_random, takes_from_nobody_when_the_only_limit_rises)
{
    for (int seed = 0; seed < STREETS; seed++) {
        struct rise rise = rise_of_the_only_limit(2 * seed);
        fill_both(&rise);
        for (int i = 0; i < rise.poor.user_count; i++)
            cr_expect_geq(rise.rich.users[i].level_w, rise.poor.users[i].level_w,
                          "seed %d, user %d", seed, i);
    }
}

// Who comes back from a pause takes 6 A at once, from others who had more, or who then pause
// instead because they come after it. What holds: the first of them whose pause begins or ends
// comes back.
Test(sharing_random, ends_a_pause_when_a_limit_rises)
{
    int changed = 0;
    for (int seed = 0; seed < STREETS; seed++) {
        struct rise rise = random_rise(2 * seed + PAUSES);
        fill_both(&rise);
        int first = -1;
        for (int i = 0; i < rise.poor.user_count; i++)
            if (rise.poor.users[i].bound != rise.rich.users[i].bound
                && (rise.poor.users[i].bound == SHARING_PAUSE
                    || rise.rich.users[i].bound == SHARING_PAUSE)
                && (first < 0 || rise.poor.users[i].turn > rise.poor.users[first].turn))
                first = i;
        changed += first >= 0;
        if (first >= 0)
            cr_expect_eq(rise.poor.users[first].bound, SHARING_PAUSE, "seed %d, user %d", seed,
                         first);
    }
    cr_expect_gt(changed, STREETS / 50);
}

// With one limit, nobody has to pause for that, nobody falls below 6 A, and all together draw more.
Test(sharing_random, pauses_nobody_when_the_only_limit_rises)
{
    for (int seed = 0; seed < STREETS; seed++) {
        struct rise rise = rise_of_the_only_limit(2 * seed + PAUSES);
        for (int i = 0; i < rise.poor.user_count; i++) { // equal in what they draw at least
            struct sharing_user *user = &rise.poor.users[i];
            user->least_w = LEAST_W;
            user->demand_w = higher(user->demand_w, LEAST_W);
            rise.rich.users[i] = *user;
        }
        fill_both(&rise);
        int64_t gained_w = street_load(&rise.rich, rise.place, rise.phase)
                           - street_load(&rise.poor, rise.place, rise.phase);
        cr_expect_geq(gained_w, -rise.poor.user_count, "seed %d", seed);
        for (int i = 0; i < rise.poor.user_count; i++)
            if (rise.poor.users[i].bound != SHARING_PAUSE)
                cr_expect_geq(street_drawn(&rise.rich.users[i]), least_of(&rise.poor.users[i]),
                              "seed %d, user %d", seed, i);
    }
}

static void shuffle(int *row, int count)
{
    for (int i = 0; i < count; i++)
        row[i] = i;
    for (int i = count - 1; i > 0; i--) {
        int with = random_to(i), kept = row[i];
        row[i] = row[with];
        row[with] = kept;
    }
}

// Users, feeders and phases in another order.
Test(sharing_random, does_not_depend_on_the_order_of_rows)
{
    for (int seed = 0; seed < STREETS; seed++) {
        struct street street = random_street(seed), shuffled = street;
        int row[MOST_USERS] = {0}, feeder[MOST_FEEDERS + 1] = {0}, phase[SHARING_PHASES] = {0};
        shuffle(row, street.user_count);
        shuffle(feeder, street.feeder_count);
        shuffle(phase, SHARING_PHASES);
        feeder[street.feeder_count] = street.feeder_count;
        for (int place = 0; place <= street.feeder_count; place++)
            for (int p = 0; p < SHARING_PHASES; p++) {
                struct sharing_place *to = &shuffled.places[feeder[place]];
                to->limited[phase[p]] = street.places[place].limited[p];
                to->room_w[phase[p]] = street.places[place].room_w[p];
            }
        for (int i = 0; i < street.user_count; i++) {
            const struct sharing_user *user = &street.users[row[i]];
            shuffled.users[i] = *user;
            shuffled.users[i].feeder = feeder[user->feeder];
            shuffled.users[i].phases = 0;
            for (int p = 0; p < SHARING_PHASES; p++)
                shuffled.users[i].phases |= (user->phases >> p & 1) << phase[p];
        }
        street_fill(&street);
        street_fill(&shuffled);
        for (int i = 0; i < street.user_count; i++) {
            const struct sharing_user *one = &street.users[row[i]], *same = &shuffled.users[i];
            cr_expect_eq(one->level_w, same->level_w, "seed %d, user %d: %d, not %d", seed, row[i],
                         same->level_w, one->level_w);
            cr_expect_eq(one->bound, same->bound, "seed %d, user %d", seed, row[i]);
        }
        for (int place = 0; place <= street.feeder_count; place++)
            for (int p = 0; p < SHARING_PHASES; p++)
                cr_expect_eq(street.places[place].full[p],
                             shuffled.places[feeder[place]].full[phase[p]], "seed %d", seed);
    }
}

// The rule at its plainest: raise everybody who still can by a step of common level, over and over.
// Slow, and right within a step.
static void fill_slowly(const struct street *street, double step, double *level_w)
{
    bool stopped[MOST_USERS] = {0};
    double height = 0;
    for (int i = 0; i < street->user_count; i++) {
        level_w[i] = least_of(&street->users[i]);
        stopped[i] = street->users[i].fixed;
    }
    for (bool rising = true; rising; height += step) {
        for (int place = 0; place <= street->feeder_count; place++)
            for (int phase = 0; phase < SHARING_PHASES; phase++) {
                double sum_w = 0;
                for (int i = 0; i < street->user_count; i++)
                    if (street_is_on(street, &street->users[i], place, phase))
                        sum_w += level_w[i];
                if (!street->places[place].limited[phase]
                    || sum_w < (double)street->places[place].room_w[phase])
                    continue;
                for (int i = 0; i < street->user_count; i++)
                    if (street_is_on(street, &street->users[i], place, phase))
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

Test(sharing_random, agrees_with_the_plainest_form_of_its_rule)
{
    const double step = 1;
    for (int seed = 0; seed < 600; seed++) {
        struct street street = random_street(2 * seed);
        double slow_w[MOST_USERS] = {0};
        fill_slowly(&street, step, slow_w);
        street_fill(&street);
        for (int i = 0; i < street.user_count; i++)
            // Each phase that is full a step late leaves its users' steps to the others.
            cr_expect(fabs(street_drawn(&street.users[i]) - slow_w[i]) < 200 * step,
                      "seed %d, user %d: %d, not %.0f", seed, i, street_drawn(&street.users[i]),
                      slow_w[i]);
    }
}
