// SPDX-License-Identifier: Apache-2.0

#include "services/planner/series.h"

#include <assert.h>
#include <math.h>
#include <string.h>

const int series_horizons[SERIES_LANES] = {1, 2, 4, 8, 16, 32, 64, 96};

// Where the ring of a horizon begins in issued.
static const int ring_at[SERIES_LANES] = {0, 1, 3, 7, 15, 31, 63, 127};

// Tuned on the development series by tests/bench/bench_forecast: near horizons gain from
// forgetting within ten days, far ones need the weeks.
static const float forget[SERIES_LANES] = {.999F,  .999F,  .999F,  .9993F,
                                           .9995F, .9996F, .9997F, .9997F};
static const float SHARE_FORGET = 0.998F;                           // level 1
static const float BRIEF_RATE = 2.0F / 9, LASTING_RATE = 2.0F / 97; // of 8 and 96 quarter hours
enum {
    DAY = CALENDAR_SLOTS,
    ENOUGH = 6 * DAY,         // updates after which level 2 is better
    SPREAD_WINDOW = 28 * DAY, // over which mean and spread move
};

void series_start(struct series *series)
{
    memset(series, 0, sizeof *series);
    for (int i = 0; i < SERIES_WEEK; i++)
        series->history[i] = NAN;
    for (int i = 0; i < SERIES_RECENT; i++)
        series->residual[i] = NAN;
    for (int i = 0; i < SERIES_ISSUED; i++)
        series->issued[i] = NAN;
    ridge_start(&series->ridge);
}

// Rings are addressed by the number of a quarter hour since 1970.
static int64_t number_of(int64_t quarter)
{
    return quarter / CALENDAR_QUARTER_S;
}

static float *in_week(struct series *series, int64_t number)
{
    return &series->history[number % SERIES_WEEK];
}

static int recent(int64_t number)
{
    return (int)(number & (SERIES_RECENT - 1));
}

static float *issued_for(struct series *series, int lane, int64_t number)
{
    return &series->issued[ring_at[lane] + number % series_horizons[lane]];
}

// sin(2 pi slot / 96)
static float sine(int slot)
{
    static const float rising[DAY / 4 + 1] = {
        0.0F,        0.06540313F, 0.13052619F, 0.19509032F, 0.25881905F, 0.32143947F, 0.38268343F,
        0.44228869F, 0.5F,        0.55557023F, 0.60876143F, 0.65934582F, 0.70710678F, 0.75183981F,
        0.79335334F, 0.83146961F, 0.86602540F, 0.89687274F, 0.92387953F, 0.94693013F, 0.96592583F,
        0.98078528F, 0.99144486F, 0.99785892F, 1.0F,
    };
    slot %= DAY;
    float sign = slot < DAY / 2 ? 1 : -1;
    slot %= DAY / 2;
    return sign * rising[slot <= DAY / 4 ? slot : DAY / 2 - slot];
}

static float cosine(int slot)
{
    return sine(slot + DAY / 4);
}

static float or_zero(float value)
{
    return isnan(value) ? 0 : value;
}

// What a forecast of that horizon goes by, made in quarter hour `from` for quarter hour `to`: x of
// the first input, the others each `stride` further.
static void describe(const struct series *series, int horizon, int64_t from, int64_t to,
                     struct calendar when, float usual_w, float *x, int stride)
{
    static const int days[] = {DAY, 2 * DAY, SERIES_WEEK, DAY - 1};
    float unit = 1 / series->spread_w, weekend = when.kind != CALENDAR_WORKDAY;
    float inputs[RIDGE_INPUTS];
    int count = 0;
    inputs[count++] = 1;
    inputs[count++] = (usual_w - series->mean_w) * unit;
    for (int back = 0; back < 4; back++)
        inputs[count++] = or_zero(series->residual[recent(from - back)] * unit);
    inputs[count++] = series->brief[recent(from)] * unit;
    inputs[count++] = series->lasting[recent(from)] * unit;
    for (int d = 0; d < 4; d++) {
        float then_w = series->history[(to - days[d]) % SERIES_WEEK];
        inputs[count++] = days[d] >= horizon ? or_zero((then_w - usual_w) * unit) : 0;
    }
    inputs[count++] = cosine(when.slot);
    inputs[count++] = sine(when.slot);
    inputs[count++] = cosine(2 * when.slot);
    inputs[count++] = sine(2 * when.slot);
    inputs[count++] = weekend;
    inputs[count++] = weekend * cosine(when.slot);
    inputs[count++] = weekend * sine(when.slot);
    assert(count == RIDGE_INPUTS);
    for (int i = 0; i < RIDGE_INPUTS; i++)
        x[i * stride] = inputs[i];
}

static void pass_over(struct series *series, int64_t number)
{
    *in_week(series, number) = NAN;
    series->residual[recent(number)] = NAN;
    series->brief[recent(number)] = series->brief[recent(number - 1)];
    series->lasting[recent(number)] = series->lasting[recent(number - 1)];
    for (int lane = 0; lane < SERIES_LANES; lane++)
        *issued_for(series, lane, number) = NAN;
}

// Quarter hours between the newest and this one were not measured.
static void pass_over_until(struct series *series, int64_t number)
{
    int64_t next = number_of(series->newest) + 1;
    if (!series->newest)
        return;
    if (number - next > SERIES_WEEK)
        next = number - SERIES_WEEK;
    for (; next < number; next++)
        pass_over(series, next);
}

static void learn_band(struct series *series, int64_t number, struct calendar when, float power_w)
{
    for (int lane = 0; lane < SERIES_LANES; lane++) {
        float foreseen_w = *issued_for(series, lane, number);
        if (!isnan(foreseen_w))
            band_learn(&series->band, lane, when.slot, power_w - foreseen_w);
    }
}

static void learn_spread(struct series *series, float power_w)
{
    float weight = fmaxf(1.0F / (float)series->measured, 1.0F / SPREAD_WINDOW);
    float away_w = power_w - series->mean_w;
    series->mean_w += weight * away_w;
    float variance = series->spread_w * series->spread_w;
    variance = (1 - weight) * (variance + weight * away_w * away_w);
    series->spread_w = fmaxf(sqrtf(variance), 1);
}

static void learn_ridge(struct series *series, int64_t number, struct calendar when, float usual_w,
                        float residual_w)
{
    struct ridge_inputs x;
    float out[SERIES_LANES];
    bool known[SERIES_LANES];
    for (int lane = 0; lane < SERIES_LANES; lane++) {
        int64_t from = number - series_horizons[lane];
        describe(series, series_horizons[lane], from, number, when, usual_w, &x.of[0][lane],
                 RIDGE_LANES);
        known[lane] = !isnan(series->residual[recent(from)]);
        out[lane] = residual_w / series->spread_w;
    }
    ridge_learn(&series->ridge, &x, out, known, forget);
}

static void learn_shares(struct series *series, int64_t number, float residual_w)
{
    for (int lane = 0; lane < SERIES_LANES; lane++) {
        float then_w = series->residual[recent(number - series_horizons[lane])];
        if (isnan(then_w))
            continue;
        series->product[lane] = SHARE_FORGET * series->product[lane] + residual_w * then_w;
        series->square[lane] = SHARE_FORGET * series->square[lane] + then_w * then_w;
    }
}

// Between which two horizons, and how far, a horizon of 1 to 96 lies.
struct between {
    int near, far;
    float part;
};

static struct between between(int horizon)
{
    int near = 0;
    while (near < SERIES_LANES - 1 && series_horizons[near + 1] <= horizon)
        near++;
    int far = near < SERIES_LANES - 1 ? near + 1 : near;
    int width = series_horizons[far] - series_horizons[near];
    float part = width ? (float)(horizon - series_horizons[near]) / (float)width : 0;
    return (struct between){near, far, part};
}

static float mix(const struct between *at, float near, float far)
{
    return near + at->part * (far - near);
}

// Level 1: how much of a residual is left after a horizon.
static float share_left(const struct series *series, int lane)
{
    if (series->square[lane] < 1)
        return powf(0.8F, (float)series_horizons[lane]);
    return fminf(fmaxf(series->product[lane] / series->square[lane], 0), 1);
}

static bool is_learnt(const struct series *series, const struct between *at)
{
    return series->ridge.seen[at->near] >= ENOUGH && series->ridge.seen[at->far] >= ENOUGH;
}

static float ridge_ahead(const struct series *series, const struct between *at,
                         const float x[static RIDGE_INPUTS])
{
    float sum = 0;
    for (int i = 0; i < RIDGE_INPUTS; i++)
        sum += x[i] * mix(at, series->ridge.theta[i][at->near], series->ridge.theta[i][at->far]);
    return sum * series->spread_w;
}

// What to add to the usual of a quarter hour 1 to 96 after origin.
static float ahead(const struct series *series, int horizon, struct calendar when, float usual_w)
{
    struct between at = between(horizon);
    int64_t from = number_of(series->origin);
    if (is_learnt(series, &at)) {
        float x[RIDGE_INPUTS];
        describe(series, horizon, from, from + horizon, when, usual_w, x, 1);
        float learnt_w = ridge_ahead(series, &at, x);
        if (isfinite(learnt_w))
            return learnt_w;
    }
    return mix(&at, share_left(series, at.near), share_left(series, at.far))
           * series->residual[recent(from)];
}

// Make the forecasts by which the band is learnt.
static void issue(struct series *series, const struct calendar_sheet *sheet)
{
    int64_t number = number_of(sheet->quarter);
    for (int lane = 0; lane < SERIES_LANES; lane++) {
        int horizon = series_horizons[lane];
        struct calendar when = sheet->at[horizon];
        float usual_w = season_usual(&series->season, when);
        *issued_for(series, lane, number) = usual_w + ahead(series, horizon, when, usual_w);
    }
}

static void measure(struct series *series, const struct calendar_sheet *sheet, float power_w)
{
    int64_t number = number_of(sheet->quarter);
    struct calendar now = sheet->at[0];
    bool is_first = !series->measured++;
    if (is_first)
        band_start(&series->band, power_w);
    float usual_w = is_first ? power_w : season_usual(&series->season, now);
    float residual_w = power_w - usual_w;
    learn_band(series, number, now, power_w);
    learn_spread(series, power_w);
    if (series->measured > DAY)
        learn_ridge(series, number, now, usual_w, residual_w);
    learn_shares(series, number, residual_w);
    float brief_w = series->brief[recent(number - 1)];
    float lasting_w = series->lasting[recent(number - 1)];
    *in_week(series, number) = power_w;
    series->residual[recent(number)] = residual_w;
    series->brief[recent(number)] = brief_w + BRIEF_RATE * (residual_w - brief_w);
    series->lasting[recent(number)] = lasting_w + LASTING_RATE * (residual_w - lasting_w);
    season_learn(&series->season, now, power_w);
    series->origin = sheet->quarter;
    issue(series, sheet);
}

static enum series_taken take_late(struct series *series, const struct calendar_sheet *sheet,
                                   float power_w)
{
    int64_t number = number_of(sheet->quarter);
    bool is_kept = number > number_of(series->newest) - SERIES_WEEK;
    if (is_kept && isnan(*in_week(series, number))) {
        *in_week(series, number) = power_w;
        season_learn(&series->season, sheet->at[0], power_w);
    }
    return SERIES_LATE;
}

static enum series_taken judge(struct series *series, float power_w, float most_w)
{
    if (!isfinite(power_w))
        return SERIES_MISSING;
    if (fabsf(power_w) > most_w)
        return SERIES_IMPLAUSIBLE;
    bool is_same = series->measured && power_w == series->last_w;
    series->same = is_same ? series->same + (series->same <= SERIES_STUCK) : 0;
    series->last_w = power_w;
    return series->same > SERIES_STUCK ? SERIES_STUCK_VALUE : SERIES_MEASURED;
}

enum series_taken series_update(struct series *series, const struct calendar_sheet *sheet,
                                float power_w, float most_w)
{
    if (series->newest && sheet->quarter <= series->newest)
        return isfinite(power_w) && fabsf(power_w) <= most_w ? take_late(series, sheet, power_w)
                                                             : SERIES_MISSING;
    enum series_taken taken = judge(series, power_w, most_w);
    if (!series->measured && taken != SERIES_MEASURED)
        return taken;
    pass_over_until(series, number_of(sheet->quarter));
    series->newest = sheet->quarter;
    if (taken == SERIES_MEASURED)
        measure(series, sheet, power_w);
    else
        pass_over(series, number_of(sheet->quarter));
    return taken;
}

static float above(const struct series *series, enum band_level level, const struct between *at,
                   int slot)
{
    return mix(at, band_above(&series->band, level, at->near, slot),
               band_above(&series->band, level, at->far, slot));
}

struct series_forecast series_forecast(const struct series *series, int64_t quarter,
                                       struct calendar when)
{
    if (!series->measured)
        return (struct series_forecast){.method = SERIES_NOTHING};
    int64_t horizon = number_of(quarter) - number_of(series->origin);
    int within = (int)(horizon < 1 ? 1 : horizon > DAY ? DAY : horizon);
    struct between at = between(within);
    float usual_w = season_usual(&series->season, when);
    float mean_w = usual_w + (horizon > DAY ? 0 : ahead(series, within, when, usual_w));
    float p90_w = mean_w + above(series, BAND_P90, &at, when.slot);
    float p95_w = mean_w + above(series, BAND_P95, &at, when.slot);
    return (struct series_forecast){
        .method = horizon <= DAY && is_learnt(series, &at) ? SERIES_RIDGE : SERIES_PROFILE,
        .horizon = (int)(horizon < INT32_MAX ? horizon : INT32_MAX),
        .mean_w = mean_w,
        .p90_w = p90_w,
        .p95_w = fmaxf(p90_w, p95_w),
    };
}

float series_growth(const struct series *series, int horizon)
{
    struct between at = between(horizon < 1 ? 1 : horizon > DAY ? DAY : horizon);
    const float *error = series->band.error;
    return error[0] > 0 ? fmaxf(mix(&at, error[at.near], error[at.far]) / error[0], 1) : 1;
}

const char *series_method_name(enum series_method method)
{
    static const char *const names[] = {
        [SERIES_NOTHING] = "nothing", [SERIES_PROFILE] = "profile", [SERIES_RIDGE] = "ridge"};
    return names[method];
}
