// SPDX-License-Identifier: Apache-2.0

#include "services/planner/foresight.h"
#include "base/clock.h"
#include "base/memory.h"
#include "services/planner/demand.h"
#include "services/planner/forecast.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// A quarter hour in which more flowed than so many times the limit was not measured right.
static const float PLAUSIBLE = 2.5F;

void foresight_clock_set(struct foresight_clock *clock, int64_t quarter)
{
    if (clock->quarter == quarter)
        return;
    clock->quarter = quarter;
    for (int at = 0; at < FACTS_QUARTERS; at++)
        calendar_look_ahead(quarter - (int64_t)QUARTER_S * (at + 1), &clock->past[at]);
}

// Of the quarter hour `ahead` after the one decided about.
static struct calendar when(const struct foresight_clock *clock, int ahead)
{
    return clock->past[0].at[1 + ahead];
}

struct foresight *foresight_new(int transformer)
{
    struct foresight *foresight = memory_new(1, sizeof *foresight);
    foresight->transformer = transformer;
    return foresight;
}

void foresight_free(struct foresight *foresight)
{
    if (!foresight)
        return;
    for (int i = 0; i < foresight->count; i++)
        free(foresight->places[i]);
    free(foresight->places);
    free(foresight);
}

static struct foresight_place *find(const struct foresight *foresight, int feeder)
{
    for (int i = 0; i < foresight->count; i++)
        if (foresight->places[i]->number == feeder)
            return foresight->places[i];
    return NULL;
}

struct foresight_place *foresight_place(struct foresight *foresight, int feeder,
                                        const struct round_rules *rules)
{
    struct foresight_place *place = find(foresight, feeder);
    if (place)
        return place;
    place = memory_new(1, sizeof *place);
    place->number = feeder;
    for (int phase = 0; phase < PHASES; phase++) {
        series_start(&place->series[phase]);
        margin_start(&place->margin[phase], (float)rules->margin);
    }
    size_t count = (size_t)foresight->count + 1;
    foresight->places = memory_grow(foresight->places, count, sizeof(struct foresight_place *));
    foresight->places[foresight->count++] = place;
    return place;
}

static bool is_there(const struct facts *facts, int feeder)
{
    for (int f = 0; f < facts->feeder_count; f++)
        if (facts->feeders[f].number == feeder)
            return true;
    return feeder == 0;
}

static void drop_the_gone(struct foresight *foresight, const struct facts *facts)
{
    int kept = 0;
    for (int i = 0; i < foresight->count; i++)
        if (is_there(facts, foresight->places[i]->number))
            foresight->places[kept++] = foresight->places[i];
        else
            free(foresight->places[i]);
    foresight->count = kept;
}

// Base loads of one quarter hour by feeder; NAN where not measured.
struct loads {
    float base_w[PHASES], measured_w[PHASES];
};

static void find_loads(const struct facts *facts, int at, struct loads *loads)
{
    for (int f = 0; f < facts->feeder_count; f++)
        for (int phase = 0; phase < PHASES; phase++) {
            int32_t measured_w = facts->feeders[f].measured_w[at][phase];
            loads[f].measured_w[phase] = measured_w == FACTS_UNKNOWN ? NAN : (float)measured_w;
            loads[f].base_w[phase] = loads[f].measured_w[phase];
        }
    for (int i = 0; i < facts->connection_count; i++) {
        const struct facts_connection *connection = &facts->connections[i];
        for (int own = 0; own < connection->phase_count; own++) {
            int32_t heard_w = forecast_heard(connection, own, at);
            if (heard_w != FACTS_UNKNOWN)
                loads[connection->feeder].base_w[connection->grid_phase[own]] -= (float)heard_w;
        }
    }
    struct loads *sum = &loads[facts->feeder_count];
    *sum = (struct loads){0};
    for (int f = 0; f < facts->feeder_count; f++)
        for (int phase = 0; phase < PHASES; phase++) {
            sum->base_w[phase] += loads[f].base_w[phase];
            sum->measured_w[phase] += loads[f].measured_w[phase];
        }
}

static float limit_of(const struct facts *facts, int f, int phase)
{
    bool is_feeder = f < facts->feeder_count;
    if (!(is_feeder ? facts->feeders[f].limited : facts->limited))
        return 0;
    return (float)(is_feeder ? facts->feeders[f].limit_w[phase] : facts->limit_w[phase]);
}

// A plan for this quarter hour, and what it came to.
static void settle(struct foresight_place *place, int phase, const struct calendar_sheet *sheet,
                   float measured_w, float limit_w, double excess)
{
    struct foresight_promise *promise = &place->promises[foresight_slot(sheet->quarter)];
    if (promise->quarter != sheet->quarter || promise->power_w[phase] == FACTS_UNKNOWN
        || isnan(measured_w) || limit_w <= 0)
        return;
    float missed_w = measured_w - (float)promise->power_w[phase];
    margin_learn(&place->margin[phase], sheet->at[0].slot,
                 missed_w / limit_w / promise->growth[phase], (float)excess);
    promise->power_w[phase] = FACTS_UNKNOWN; // once
}

static void take(struct foresight_place *place, const struct loads *loads,
                 const struct calendar_sheet *sheet, const struct facts *facts, int f,
                 double excess)
{
    for (int phase = 0; phase < PHASES; phase++) {
        float limit_w = limit_of(facts, f, phase);
        if (isnan(loads->base_w[phase]))
            continue; // perhaps it comes late; what came after it tells the series that it lacks
        settle(place, phase, sheet, loads->measured_w[phase], limit_w, excess);
        series_update(&place->series[phase], sheet, loads->base_w[phase],
                      limit_w > 0 ? PLAUSIBLE * limit_w : INFINITY);
    }
}

void foresight_learn(struct foresight *foresight, const struct facts *facts,
                     const struct foresight_clock *clock, const struct round_rules *rules)
{
    struct loads *loads = memory_new((size_t)facts->feeder_count + 1, sizeof *loads);
    drop_the_gone(foresight, facts);
    foresight->looked = clock->quarter;
    for (int at = FACTS_QUARTERS - 1; at >= 0; at--) {
        find_loads(facts, at, loads);
        for (int f = 0; f <= facts->feeder_count; f++) {
            int number = f < facts->feeder_count ? facts->feeders[f].number : 0;
            take(foresight_place(foresight, number, rules), &loads[f], &clock->past[at], facts, f,
                 rules->excess);
        }
    }
    free(loads);
}

// What to take off a forecast of a phase of a feeder, or, at feeder_count, of all, because the
// round counts it as demand: what chargers that are not heard may draw; where most are not, what
// they are expected to have drawn when the phase was last measured, `age` quarters ago.
static float unheard(const struct facts *facts, const struct foresight_clock *clock,
                     double arrivals, const bool *deaf, int f, int phase, int age)
{
    float sum_w = 0;
    int measured_at = (age < FACTS_QUARTERS ? age : FACTS_QUARTERS) - 1;
    float expected = (float)demand_expected(arrivals, when(clock, 0).slot);
    for (int i = 0; i < facts->connection_count; i++) {
        const struct facts_connection *connection = &facts->connections[i];
        if (f < facts->feeder_count && connection->feeder != f)
            continue;
        if (demand_report(connection, forecast_late(&facts->feeders[connection->feeder])) >= 0)
            continue;
        bool is_deaf = deaf[connection->feeder];
        float held_w = (float)forecast_held(connection, clock->quarter, is_deaf ? measured_at : 0);
        for (int own = 0; own < connection->phase_count; own++)
            if (connection->grid_phase[own] == phase)
                sum_w += is_deaf ? expected * held_w : held_w;
    }
    return sum_w;
}

static int32_t watts(float power_w)
{
    return (int32_t)lroundf(fminf(fmaxf(power_w, -2e9F), 2e9F));
}

static int32_t load(float power_w)
{
    return watts(fmaxf(power_w, 0));
}

// Quarter hours ahead that are foreseen; those between lie on a line.
static const int points[] = {0, 1, 2, 3, 4, 8, 12, 16, 20, 24, 28, FACTS_AHEAD - 1};
enum { POINTS = sizeof points / sizeof *points };

static void look_ahead(const struct foresight_place *place, int phase, int ahead, float limit_w,
                       float unheard_w, const struct foresight_clock *clock,
                       struct facts_outlook *outlook)
{
    const struct series *series = &place->series[phase];
    struct calendar at = when(clock, ahead);
    struct series_forecast forecast =
        series_forecast(series, clock->quarter + (int64_t)ahead * QUARTER_S, at);
    float growth = series_growth(series, forecast.horizon);
    if (!ahead)
        outlook->method = series_method_name(forecast.method);
    outlook->base_w[ahead] = load(forecast.mean_w - unheard_w);
    outlook->p90_w[ahead] = load(forecast.p90_w - unheard_w);
    outlook->p95_w[ahead] = load(forecast.p95_w - unheard_w);
    outlook->margin_w[ahead] =
        watts(limit_w * margin_share(&place->margin[phase], at.slot, growth));
}

static void fill_in(struct facts_outlook *outlook, int from, int ahead, int to)
{
    int32_t *const values[] = {outlook->base_w, outlook->p90_w, outlook->p95_w, outlook->margin_w};
    for (int i = 0; i < 4; i++) {
        int64_t rise_w = (int64_t)values[i][to] - values[i][from];
        values[i][ahead] = values[i][from] + (int32_t)(rise_w * (ahead - from) / (to - from));
    }
}

static bool can_look(const struct foresight_place *place, int phase,
                     const struct foresight_clock *clock, struct facts_outlook *outlook)
{
    const struct series *series = &place->series[phase];
    int64_t age = (clock->quarter - series->origin) / QUARTER_S;
    outlook->age = series->origin && age < INT_MAX ? (int)age : INT_MAX;
    return series->measured >= FORESIGHT_ENOUGH && age <= FORESIGHT_OLDEST && age >= 1;
}

static void look_at(const struct foresight_place *place, int phase, float limit_w, float unheard_w,
                    const struct foresight_clock *clock, struct facts_outlook *outlook)
{
    outlook->known = true;
    for (int i = 0; i < POINTS; i++)
        look_ahead(place, phase, points[i], limit_w, unheard_w, clock, outlook);
    for (int i = 1; i < POINTS; i++)
        for (int ahead = points[i - 1] + 1; ahead < points[i]; ahead++)
            fill_in(outlook, points[i - 1], ahead, points[i]);
}

void foresight_look(const struct foresight *foresight, struct facts *facts,
                    const struct foresight_clock *clock, const struct round_rules *rules)
{
    bool *deaf = memory_new((size_t)facts->feeder_count + 1, sizeof *deaf);
    for (int f = 0; f < facts->feeder_count; f++)
        deaf[f] = forecast_is_guessed(facts, f);
    for (int f = 0; f <= facts->feeder_count; f++) {
        bool is_feeder = f < facts->feeder_count;
        const struct foresight_place *place =
            find(foresight, is_feeder ? facts->feeders[f].number : 0);
        struct facts_outlook *outlooks = is_feeder ? facts->feeders[f].outlook : facts->outlook;
        for (int phase = 0; phase < PHASES; phase++) {
            outlooks[phase].known = false;
            outlooks[phase].age = 0;
            if (place && can_look(place, phase, clock, &outlooks[phase]))
                look_at(place, phase, limit_of(facts, f, phase),
                        unheard(facts, clock, rules->arrivals, deaf, f, phase, outlooks[phase].age),
                        clock, &outlooks[phase]);
        }
    }
    free(deaf);
}

void foresight_promise(struct foresight *foresight, const struct facts *facts,
                       const struct round *round, int64_t quarter)
{
    for (int f = 0; f <= facts->feeder_count; f++) {
        struct foresight_place *place =
            find(foresight, f < facts->feeder_count ? facts->feeders[f].number : 0);
        if (!place)
            continue;
        struct foresight_promise *promise = &place->promises[foresight_slot(quarter)];
        promise->quarter = quarter;
        for (int phase = 0; phase < PHASES; phase++) {
            const struct round_line *line = &round->lines[f * PHASES + phase];
            const struct series *series = &place->series[phase];
            int64_t age = series->origin ? (quarter - series->origin) / QUARTER_S : 1;
            promise->power_w[phase] =
                line->known
                    ? watts((float)line->base_w + (float)line->given_w + (float)line->reserved_w)
                    : FACTS_UNKNOWN;
            promise->growth[phase] =
                series_growth(series, (int)(age < FORESIGHT_OLDEST ? age : FORESIGHT_OLDEST));
        }
    }
}
