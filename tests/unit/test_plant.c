// SPDX-License-Identifier: Apache-2.0

#include "services/planner/plant.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define NONE FACTS_UNKNOWN

enum { QUARTER = 900 };

// One car at a three-phase charger on grid phases 2, 3, 1, from second 0 to 1800, for one quarter
// hour under limit_w and then, from `changes` on, under then_w.
struct drive {
    double energy_wh, car_a, charger_a;
    unsigned grid_phases;
    int64_t arrival, departure;
    int32_t limit_w, then_w;
    int64_t changes;
    double drawn_wh[PHASES]; // by phase of the connection
    int64_t full_at;
    char why[48];
};

ParameterizedTestParameters(plant, draws)
{
    static struct drive cases[] = {
        {5000, 16, 16, 7, 0, 900, NONE, NONE, 900, {920, 920, 920}, 0, "16 A on three phases"},
        {5000, 32, 16, 7, 0, 900, NONE, NONE, 900, {920, 920, 920}, 0, "the charger's maximum"},
        {5000, 10, 16, 7, 0, 900, NONE, NONE, 900, {575, 575, 575}, 0, "the car's maximum"},
        {5000, 16, 16, 2, 0, 900, NONE, NONE, 900, {920, 0, 0}, 0, "grid phase 2 is its L1"},
        {5000, 16, 16, 1, 0, 900, NONE, NONE, 900, {0, 0, 920}, 0, "grid phase 1 is its L3"},
        {5000, 16, 16, 7, 0, 900, 6900, NONE, 900, {575, 575, 575}, 0, "6900 W are 10 A each"},
        {5000, 16, 16, 2, 0, 900, 6900, NONE, 900, {575, 0, 0}, 0, "also with one phase used"},
        {5000, 16, 16, 7, 0, 900, 4140, NONE, 900, {345, 345, 345}, 0, "6 A"},
        {5000, 16, 16, 7, 0, 900, 4137, NONE, 900, {0, 0, 0}, 0, "below 6 A it pauses"},
        {5000,
         16,
         16,
         7,
         0,
         900,
         NONE,
         6900,
         450,
         {747.5, 747.5, 747.5},
         0,
         "limited from the middle"},
        {5000, 16, 16, 7, 450, 900, NONE, NONE, 900, {460, 460, 460}, 0, "comes in the middle"},
        {5000, 16, 16, 7, 0, 300, NONE, NONE, 900, {306.667, 306.667, 306.667}, 0, "leaves"},
        {1380, 16, 16, 7, 0, 900, NONE, NONE, 900, {460, 460, 460}, 450, "full after half of it"},
        {1380, 16, 16, 7, 0, 900, NONE, 4140, 225, {460, 460, 460}, 825, "230 and 230 at 6 A"},
        {0, 16, 16, 7, 0, 900, NONE, NONE, 900, {0, 0, 0}, 0, "wants nothing"},
    };
    return cr_make_param_array(struct drive, cases, COUNT(cases));
}

static struct horizon_plan plan_of(int32_t limit_w, int64_t from)
{
    return (struct horizon_plan){from, INT64_MAX, 1, {{from, limit_w}}};
}

ParameterizedTest(struct drive *c, plant, draws)
{
    const struct case_charger charger = {
        .phase_count = 3, .grid_phase = {1, 2, 0}, .max_a = c->charger_a, .first = 1, .count = 1};
    const struct case_session session = {.arrival = c->arrival,
                                         .departure = c->departure,
                                         .energy_wh = c->energy_wh,
                                         .max_a = c->car_a,
                                         .grid_phases = c->grid_phases};
    struct plant_socket socket = {.charger = &charger, .sessions = &session};
    struct plant_result results[2] = {{0}};
    double energy_wh[PHASES] = {0};
    socket.holds = c->limit_w != NONE;
    socket.plan = plan_of(c->limit_w, -9);
    plant_live(&socket, 0, c->changes, energy_wh, results);
    socket.holds = c->then_w != NONE;
    socket.plan = plan_of(c->then_w, -9);
    plant_live(&socket, c->changes, QUARTER, energy_wh, results);
    for (int own = 0; own < PHASES; own++)
        cr_expect_float_eq(energy_wh[own], c->drawn_wh[own], 0.01, "%s: L%d %f", c->why, own + 1,
                           energy_wh[own]);
    cr_expect_eq(results[1].full_at, c->full_at, "%s: full at %jd", c->why,
                 (intmax_t)results[1].full_at);
    cr_expect_float_eq(results[1].delivered_wh, energy_wh[0] + energy_wh[1] + energy_wh[2], 1e-6,
                       "%s", c->why);
}

Test(plant, counts_how_long_a_car_gets_nothing)
{
    const struct case_charger charger = {
        .phase_count = 1, .grid_phase = {0}, .max_a = 16, .count = 1};
    const struct case_session session = {
        .arrival = 300, .departure = 7200, .energy_wh = 99999, .max_a = 16, .grid_phases = 1};
    struct plant_socket socket = {.charger = &charger, .sessions = &session, .holds = true};
    socket.plan = (struct horizon_plan){0, 3600, 3, {{0, 0}, {1800, 1380}, {2700, 0}}};
    struct plant_result result = {0};
    for (int q = 0; q < 8; q++)
        plant_live(&socket, q * QUARTER, (q + 1) * QUARTER, (double[PHASES]){0}, &result);
    cr_expect_eq(result.waited_s, 1500, "from its arrival, not the later 900: %jd",
                 (intmax_t)result.waited_s);
}

// What a car draws until the message arrives that lets it pause for another hour.
Test(plant, counts_a_wait_on_over_some_seconds_of_charging)
{
    const struct case_charger charger = {
        .phase_count = 1, .grid_phase = {0}, .max_a = 16, .count = 1};
    const struct case_session session = {
        .departure = 9000, .energy_wh = 99999, .max_a = 16, .grid_phases = 1};
    struct plant_socket socket = {.charger = &charger, .sessions = &session, .holds = true};
    socket.plan = (struct horizon_plan){
        0, 9000, 5, {{0, 0}, {1800, 1380}, {1815, 0}, {3600, 1380}, {4500, 0}}};
    struct plant_result result = {0};
    for (int q = 0; q < 8; q++)
        plant_live(&socket, q * QUARTER, (q + 1) * QUARTER, (double[PHASES]){0}, &result);
    cr_expect_eq(result.waited_s, 1800 + 1785, "not once more after a quarter hour: %jd",
                 (intmax_t)result.waited_s);
}

Test(plant, follows_the_steps_of_a_plan_to_its_end)
{
    const struct case_charger charger = {
        .phase_count = 1, .grid_phase = {0}, .max_a = 16, .count = 1};
    const struct case_session session = {
        .departure = 7200, .energy_wh = 99999, .max_a = 16, .grid_phases = 1};
    struct plant_socket socket = {.charger = &charger, .sessions = &session, .holds = true};
    socket.plan = (struct horizon_plan){900, 2700, 2, {{900, 1380}, {1800, 2300}}};
    const int32_t limits_w[] = {NONE, 1380, 2300, NONE};
    const double drawn_wh[] = {920, 345, 575, 920};
    struct plant_result result = {0};
    for (int q = 0; q < 4; q++) {
        double energy_wh[PHASES] = {0};
        cr_expect_eq(plant_limit(&socket, q * QUARTER), limits_w[q], "quarter %d", q);
        plant_live(&socket, q * QUARTER, (q + 1) * QUARTER, energy_wh, &result);
        cr_expect_float_eq(energy_wh[0], drawn_wh[q], 0.01, "quarter %d: %f", q, energy_wh[0]);
    }
    cr_expect_eq(result.waited_s, 0);
    // And once more in one go: the plan changes on the way.
    socket.next = 0;
    double energy_wh[PHASES] = {0};
    plant_live(&socket, 0, 3600, energy_wh, &result);
    cr_expect_float_eq(energy_wh[0], 2760, 0.01, "%f", energy_wh[0]);
}

Test(plant, lets_one_car_wait_for_the_place_of_another)
{
    const struct case_charger charger = {
        .phase_count = 1, .grid_phase = {0}, .max_a = 16, .count = 2};
    const struct case_session sessions[] = {
        {.arrival = 0, .departure = 600, .energy_wh = 10, .max_a = 16, .grid_phases = 1},
        {.arrival = 300, .departure = 900, .energy_wh = 9999, .max_a = 10, .grid_phases = 1},
    };
    struct plant_socket socket = {.charger = &charger, .sessions = sessions};
    struct plant_result results[2] = {{0}};
    double energy_wh[PHASES] = {0};
    plant_live(&socket, 0, 7200, energy_wh, results);
    cr_expect_float_eq(results[0].delivered_wh, 10, 1e-6);
    cr_expect_float_eq(results[1].delivered_wh, 2300 / 12.0, 1e-6, "five minutes of it");
}

Test(plant, draws_a_straight_line_through_gaps)
{
    struct case_place feeder = {.id = "F1"};
    int32_t load_w[] = {NONE, 1,    2, 100, 3,    4, NONE, NONE, 5,
                        NONE, NONE, 6, 400, NONE, 8, NONE, 8,    NONE};
    const int32_t filled_w[] = {100, 1, 2, 100, 3, 4, 200, 4, 5, 300, 6, 6, 400, 7, 8, 400, 8, 8};
    const struct replay_case given = {
        .feeders = &feeder, .feeder_count = 1, .quarters = 6, .load_w = load_w};
    int32_t out_w[COUNT(load_w)];
    plant_fill_gaps(&given, out_w);
    for (size_t i = 0; i < COUNT(load_w); i++)
        cr_expect_eq(out_w[i], filled_w[i], "quarter %zu L%zu: %d", i / 3, i % 3 + 1, out_w[i]);
}

Test(plant, draws_lots_evenly_and_repeatably)
{
    double sum = 0;
    for (uint64_t i = 0; i < 10000; i++) {
        double lot = plant_lot(7, 1, i, 2);
        cr_assert(lot >= 0 && lot < 1);
        cr_assert_eq(lot, plant_lot(7, 1, i, 2));
        sum += lot;
    }
    cr_expect_float_eq(sum / 10000, 0.5, 0.02);
    cr_expect_neq(plant_lot(7, 1, 1, 2), plant_lot(8, 1, 1, 2), "the seed counts");
    cr_expect_neq(plant_lot(7, 1, 1, 2), plant_lot(7, 2, 1, 2), "and what it is for");
}
