// SPDX-License-Identifier: Apache-2.0

#include "services/planner/season.h"

#include <criterion/criterion.h>
#include <math.h>

static struct calendar at(enum calendar_kind kind, int slot)
{
    return (struct calendar){.day = 20467, .slot = slot, .kind = kind};
}

static void learn_day(struct season *season, enum calendar_kind kind, float power_w)
{
    for (int slot = 0; slot < CALENDAR_SLOTS; slot++)
        season_learn(season, at(kind, slot), power_w);
}

Test(season, has_a_standard_day_of_mean_one)
{
    double sum = 0;
    for (int slot = 0; slot < CALENDAR_SLOTS; slot++)
        sum += season_shape(slot);
    cr_expect_float_eq(sum / CALENDAR_SLOTS, 1, 0.005, "%g", sum / CALENDAR_SLOTS);
    cr_expect_gt(season_shape(78), season_shape(48), "the evening is above noon");
    cr_expect_gt(season_shape(48), season_shape(16), "and noon above the night");
}

Test(season, knows_nothing_at_first)
{
    struct season season = {0};
    cr_expect_eq(season_usual(&season, at(CALENDAR_WORKDAY, 40)), 0);
}

Test(season, guesses_the_day_from_one_value)
{
    struct season season = {0};
    season_learn(&season, at(CALENDAR_WORKDAY, 40), 1200 * season_shape(40));
    double evening_w = season_usual(&season, at(CALENDAR_WORKDAY, 78));
    double night_w = season_usual(&season, at(CALENDAR_WORKDAY, 16));
    cr_expect_float_eq(evening_w, 1200 * 1.57, 60, "%g", evening_w);
    cr_expect_float_eq(night_w, 1200 * 0.47, 60, "%g", night_w);
}

Test(season, guesses_a_kind_of_day_from_the_others)
{
    struct season season = {0};
    learn_day(&season, CALENDAR_WORKDAY, 5000);
    cr_expect_float_eq(season_usual(&season, at(CALENDAR_SUNDAY, 30)),
                       season_usual(&season, at(CALENDAR_WORKDAY, 30)), 1500);
    for (int day = 0; day < 30; day++) {
        learn_day(&season, CALENDAR_WORKDAY, 5000);
        learn_day(&season, CALENDAR_SATURDAY, 7000);
    }
    cr_expect_float_eq(season_usual(&season, at(CALENDAR_SUNDAY, 30)), 6000, 60);
    cr_expect_float_eq(season_usual(&season, at(CALENDAR_WORKDAY, 30)), 5000, 60);
}

Test(season, smooths_what_it_saw_once)
{
    struct season season = {0};
    for (int slot = 0; slot < CALENDAR_SLOTS; slot++)
        season_learn(&season, at(CALENDAR_WORKDAY, slot), slot % 2 ? 2000 : 4000);
    double odd_w = season_usual(&season, at(CALENDAR_WORKDAY, 51));
    double even_w = season_usual(&season, at(CALENDAR_WORKDAY, 52));
    cr_expect_lt(fabs(odd_w - even_w), 500, "%g and %g", odd_w, even_w);
    for (int day = 0; day < 60; day++)
        for (int slot = 0; slot < CALENDAR_SLOTS; slot++)
            season_learn(&season, at(CALENDAR_WORKDAY, slot), slot % 2 ? 2000 : 4000);
    cr_expect_float_eq(season_usual(&season, at(CALENDAR_WORKDAY, 51)), 2000, 20, "seen often");
    cr_expect_float_eq(season_usual(&season, at(CALENDAR_WORKDAY, 52)), 4000, 20, "it stands");
}

Test(season, follows_a_new_level)
{
    struct season season = {0};
    for (int day = 0; day < 250; day++)
        learn_day(&season, CALENDAR_WORKDAY, 3000);
    for (int day = 0; day < 40; day++)
        learn_day(&season, CALENDAR_WORKDAY, 6000);
    double usual_w = season_usual(&season, at(CALENDAR_WORKDAY, 12));
    cr_expect_gt(usual_w, 5700, "%g after forty days, however old it is", usual_w);
}

Test(season, knows_what_is_fed_in)
{
    struct season season = {0};
    for (int day = 0; day < 20; day++)
        learn_day(&season, CALENDAR_WORKDAY, -4000);
    cr_expect_float_eq(season_usual(&season, at(CALENDAR_WORKDAY, 48)), -4000, 100);
}
