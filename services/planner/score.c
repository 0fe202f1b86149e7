// SPDX-License-Identifier: Apache-2.0

#include "services/planner/score.h"
#include "base/clock.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

static const double HOUR = 3600, DAY = 86400, MUCH = 1.05;
static const double ROUNDING_W = 1; // what a float may be off

const struct case_place *score_place(const struct replay_case *given, int place)
{
    return place < given->feeder_count ? &given->feeders[place]
                                       : &given->transformers[place - given->feeder_count];
}

double score_base(const struct replay_case *given, const int32_t *base_w, int quarter, int place,
                  int phase)
{
    const int32_t *row = base_w + (int64_t)quarter * given->feeder_count * PHASES;
    if (place < given->feeder_count)
        return row[place * PHASES + phase];
    double sum_w = 0;
    for (int f = 0; f < given->feeder_count; f++)
        if (given->feeders[f].above == place - given->feeder_count)
            sum_w += row[f * PHASES + phase];
    return sum_w;
}

static void score_loads(const struct replay_case *given, const int32_t *base_w,
                        const struct score_run *run, int quarter, struct score *score)
{
    int places = given->feeder_count + given->transformer_count;
    for (int place = 0; place < places; place++) {
        const struct case_place *limits = score_place(given, place);
        double highest = 0;
        bool over = false;
        for (int phase = 0; phase < PHASES; phase++) {
            double limit_w = limits->limit_w[phase];
            if (!limits->limited[phase]
                || score_base(given, base_w, quarter, place, phase) > limit_w)
                continue;
            double load_w = run->load_w[score_at(given, quarter, place) + phase];
            highest = fmax(highest, load_w / limit_w);
            over = over || load_w > limit_w + ROUNDING_W;
            if (load_w > limit_w + ROUNDING_W)
                score->overload_kwh += (load_w - limit_w) * QUARTER_S / HOUR / 1000;
        }
        score->worst_ratio = fmax(score->worst_ratio, highest);
        score->overload_quarters += over;
        score->overload_quarters_5pct += highest > MUCH;
    }
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

// The session is over: full, or gone.
static int64_t done_at(const struct case_session *session, const struct plant_result *result)
{
    return result->full_at ? result->full_at : session->departure;
}

static void score_sessions(const struct replay_case *given, const struct score_run *uncontrolled,
                           const struct score_run *run, struct score *score)
{
    double *shares = memory_new((size_t)given->session_count + 1, sizeof *shares);
    int count = 0;
    double wanted_wh = 0, short_wh = 0, late_s = 0, sum = 0, squares = 0;
    for (int i = 0; i < given->session_count; i++) {
        const struct plant_result *without = &uncontrolled->results[i], *with = &run->results[i];
        if (given->sessions[i].arrival < given->score_from || without->delivered_wh <= 0)
            continue;
        double share = with->delivered_wh / without->delivered_wh;
        score->wait_h = fmax(score->wait_h, (double)with->waited_s / HOUR);
        wanted_wh += without->delivered_wh;
        short_wh += without->delivered_wh - with->delivered_wh;
        late_s +=
            (double)(done_at(&given->sessions[i], with) - done_at(&given->sessions[i], without));
        sum += share;
        squares += share * share;
        shares[count++] = share;
    }
    qsort(shares, (size_t)count, sizeof *shares, by_size);
    score->unserved_pct = wanted_wh > 0 ? 100 * short_wh / wanted_wh : 0;
    score->delay_h = count ? late_s / count / HOUR : 0;
    score->jain = squares > 0 ? sum * sum / (count * squares) : 1;
    score->p5 = count ? shares[count / 20] : 1;
    free(shares);
}

struct score score_of(const struct replay_case *given, const int32_t *base_w,
                      const struct score_run *uncontrolled, const struct score_run *run)
{
    struct score score = {0};
    int first = (int)((given->score_from - given->start) / QUARTER_S);
    double wanted_wh = 0, missed_wh = 0;
    for (int q = first; q < given->quarters; q++) {
        score_loads(given, base_w, run, q, &score);
        for (int c = 0; c < given->charger_count; c++) {
            int64_t at = (int64_t)q * given->charger_count + c;
            score.messages += run->messaged[at];
            wanted_wh += uncontrolled->drawn_w[at];
            missed_wh += fmax(0, uncontrolled->drawn_w[at] - run->drawn_w[at]);
        }
    }
    score.days = (given->quarters - first) * QUARTER_S / DAY;
    score.charger_days = score.days * given->charger_count;
    score.overload_quarters /= score.days;
    score.overload_quarters_5pct /= score.days;
    score.overload_kwh /= score.days;
    score.messages = given->charger_count ? score.messages / score.charger_days : 0;
    score.curtailed_pct = wanted_wh > 0 ? 100 * missed_wh / wanted_wh : 0;
    score_sessions(given, uncontrolled, run, &score);
    return score;
}
