// SPDX-License-Identifier: Apache-2.0

#include "services/planner/band.h"

#include <math.h>

static const float quantile[BAND_LEVELS] = {0.90F, 0.95F};
// Of a normal distribution, in units of its mean absolute error.
static const float first_factor[BAND_LEVELS] = {1.6F, 2.06F};
// Mean absolute error per mean load of a feeder phase of which only a day is known, 15 min to 24 h.
static const float first_error[RIDGE_LANES] = {0.12F, 0.14F, 0.17F, 0.2F,
                                               0.22F, 0.23F, 0.24F, 0.24F};

// Tuned on the development series by tests/bench/bench_forecast.
static const float STEP = 0.03F, OTHERS = 0.2F;
static const float ERROR_RATE = 0.02F, BLOCK_RATE = 0.01F, RECENT_RATE = 0.1F;
// How much the size follows what errors were of late, 15 min to 24 h: nothing where that is old.
static const float recent_share[RIDGE_LANES] = {0.3F, 0.15F, 0.05F};
static const float LEAST_BLOCK = 0.1F; // of the horizon's usual error
static const float LEAST_FACTOR = 0.3F;
enum { FIRST_WEIGHT = 24, DAY = CALENDAR_SLOTS };

void band_start(struct band *band, float load_w)
{
    *band = (struct band){0};
    for (int lane = 0; lane < RIDGE_LANES; lane++) {
        float error = first_error[lane] * fabsf(load_w);
        band->error[lane] = band->recent[lane] = error;
        for (int block = 0; block < BAND_BLOCKS; block++) {
            band->block[lane][block] = error;
            for (int level = 0; level < BAND_LEVELS; level++)
                band->factor[level][lane][block] = first_factor[level];
        }
    }
}

// The usual size of an error.
static float size_of(const struct band *band, int lane, int block)
{
    float error = band->error[lane];
    float local = sqrtf(error * fmaxf(band->block[lane][block], LEAST_BLOCK * error));
    float excited = error > 0 ? band->recent[lane] / error : 1;
    return local * (1 + recent_share[lane] * (excited - 1));
}

static void step(float *value, float rate, float to)
{
    *value += rate * (to - *value);
}

void band_learn(struct band *band, int lane, int slot, float error_w)
{
    int own = slot / BAND_BLOCK;
    float size = size_of(band, lane, own), error = fabsf(error_w);
    for (int level = 0; level < BAND_LEVELS; level++) {
        float *factor = band->factor[level][lane];
        float is_below = error_w < factor[own] * size ? 1 : 0;
        float move = STEP * (quantile[level] - is_below);
        for (int block = 0; block < BAND_BLOCKS; block++) {
            factor[block] += block == own ? (1 + OTHERS) * move : OTHERS * move;
            factor[block] = fmaxf(factor[block], LEAST_FACTOR);
        }
    }
    float first = 1 / (float)(band->seen[lane] + FIRST_WEIGHT);
    step(&band->error[lane], fmaxf(ERROR_RATE, first), error);
    step(&band->recent[lane], RECENT_RATE, error);
    for (int block = 0; block < BAND_BLOCKS; block++)
        if (block == own)
            step(&band->block[lane][block], fmaxf(BLOCK_RATE, first), error);
        else if (band->seen[lane] < DAY)
            step(&band->block[lane][block], first, error);
    band->seen[lane]++;
}

float band_above(const struct band *band, enum band_level level, int lane, int slot)
{
    int block = slot / BAND_BLOCK;
    return band->factor[level][lane][block] * size_of(band, lane, block);
}
