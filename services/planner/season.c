// SPDX-License-Identifier: Apache-2.0

#include "services/planner/season.h"

#include <stdlib.h>

// Tuned on the development series by tests/bench/bench_forecast.
static const float LEVEL_RATE = 0.05F; // towards a new measurement
static const float LEAST_SHAPE = 0.2F; // a division by less says more of noise than of the level
static const float FIRST_RATE = 0.5F;  // of a slot towards its first measurement ...
static const float RATE = 0.07F;       // ... and towards later ones, at least
enum { WIDTH = 6 };                    // slots on each side that smooth one seen once

// By the half hour: a deep night, a plateau of the day, an evening peak. Four harmonics of the mean
// day of a low-voltage feeder (made by tests/bench/standard_day.py, which says of which).
static const float shape[CALENDAR_SLOTS / 2] = {
    0.72F, 0.69F, 0.66F, 0.63F, 0.59F, 0.54F, 0.49F, 0.46F, 0.46F, 0.48F, 0.55F, 0.64F,
    0.75F, 0.87F, 0.97F, 1.06F, 1.12F, 1.16F, 1.18F, 1.19F, 1.20F, 1.21F, 1.22F, 1.23F,
    1.23F, 1.22F, 1.18F, 1.12F, 1.04F, 0.97F, 0.91F, 0.88F, 0.90F, 0.97F, 1.08F, 1.21F,
    1.36F, 1.48F, 1.57F, 1.60F, 1.57F, 1.48F, 1.35F, 1.21F, 1.06F, 0.93F, 0.83F, 0.76F,
};

float season_shape(int slot)
{
    return shape[slot / 2];
}

// Of a slot that was not seen on this kind of day.
static float first_guess(const struct season *season, struct calendar when)
{
    float sum = 0;
    int kinds = 0;
    for (int kind = 0; kind < CALENDAR_KINDS; kind++)
        if (season->count[kind][when.slot]) {
            sum += season->usual[kind][when.slot];
            kinds++;
        }
    return kinds ? sum / (float)kinds : season->level * season_shape(when.slot);
}

// The mean around a slot, nearer ones counting more, over those seen as it is seen itself.
static float smoothed(const struct season *season, struct calendar when, int width)
{
    bool is_seen = season->count[when.kind][when.slot];
    float sum = 0, weights = 0;
    for (int away = -width; away <= width; away++) {
        struct calendar near = when;
        near.slot = (when.slot + away + CALENDAR_SLOTS) % CALENDAR_SLOTS;
        float weight = (float)(width + 1 - abs(away));
        if (is_seen && !season->count[near.kind][near.slot])
            continue;
        sum += weight * (is_seen ? season->usual[near.kind][near.slot] : first_guess(season, near));
        weights += weight;
    }
    return sum / weights;
}

float season_usual(const struct season *season, struct calendar when)
{
    int count = season->count[when.kind][when.slot];
    int width = count ? WIDTH / count : WIDTH / 2;
    return width ? smoothed(season, when, width) : season->usual[when.kind][when.slot];
}

static float greater(float a, float b)
{
    return a > b ? a : b;
}

void season_learn(struct season *season, struct calendar when, float power_w)
{
    float *usual = &season->usual[when.kind][when.slot];
    uint8_t *count = &season->count[when.kind][when.slot];
    if (*count)
        *usual += greater(1.0F / (float)(*count + 1), RATE) * (power_w - *usual);
    else if (season->seen) {
        float guess = first_guess(season, when);
        *usual = guess + FIRST_RATE * (power_w - guess);
    } else
        *usual = power_w;
    *count = (uint8_t)(*count < UINT8_MAX ? *count + 1 : UINT8_MAX);

    float level = power_w / greater(season_shape(when.slot), LEAST_SHAPE);
    float rate = greater(1.0F / (float)(season->seen + 1), LEVEL_RATE);
    season->level += rate * (level - season->level);
    season->seen += season->seen < UINT32_MAX;
}
