// SPDX-License-Identifier: Apache-2.0

#include "services/planner/ridge.h"

#include <math.h>
#include <string.h>

static const float START = 10, MOST_TRACE = 1e4F;
static const float MOST_ERROR = 3;     // standard deviations
static const float PLAIN_ERROR = 0.5F; // of the usual error: up to here it counts in full
static const float ERROR_RATE = 0.005F;
enum { WARM = 96 }; // updates before the usual error is believed

static int diagonal(int row)
{
    return row * (row + 1) / 2 + row;
}

static void start_lane(struct ridge *ridge, int lane)
{
    for (int i = 0; i < RIDGE_PACKED; i++)
        ridge->packed[i][lane] = 0;
    for (int row = 0; row < RIDGE_INPUTS; row++) {
        ridge->packed[diagonal(row)][lane] = START;
        ridge->theta[row][lane] = 0;
    }
    ridge->error[lane] = 0;
    ridge->seen[lane] = 0;
}

void ridge_start(struct ridge *ridge)
{
    for (int lane = 0; lane < RIDGE_LANES; lane++)
        start_lane(ridge, lane);
}

void ridge_foresee(const struct ridge *ridge, const struct ridge_inputs *x,
                   float out[static RIDGE_LANES])
{
    float sum[RIDGE_LANES] = {0};
    for (int i = 0; i < RIDGE_INPUTS; i++)
        for (int lane = 0; lane < RIDGE_LANES; lane++)
            sum[lane] += ridge->theta[i][lane] * x->of[i][lane];
    memcpy(out, sum, sizeof sum);
}

// gain = C x
static void multiply(const struct ridge *ridge, const struct ridge_inputs *x,
                     float gain[RIDGE_INPUTS][RIDGE_LANES])
{
    const float(*c)[RIDGE_LANES] = ridge->packed;
    for (int row = 0; row < RIDGE_INPUTS; row++) {
        float own[RIDGE_LANES] = {0};
        for (int column = 0; column < row; column++, c++)
            for (int lane = 0; lane < RIDGE_LANES; lane++) {
                own[lane] += (*c)[lane] * x->of[column][lane];
                gain[column][lane] += (*c)[lane] * x->of[row][lane];
            }
        for (int lane = 0; lane < RIDGE_LANES; lane++)
            gain[row][lane] += own[lane] + (*c)[lane] * x->of[row][lane];
        c++;
    }
}

// C = scale (C - weight gain gain')
static void shrink(struct ridge *ridge, float gain[RIDGE_INPUTS][RIDGE_LANES],
                   const float weight[static RIDGE_LANES], const float scale[static RIDGE_LANES])
{
    float(*c)[RIDGE_LANES] = ridge->packed;
    for (int row = 0; row < RIDGE_INPUTS; row++) {
        float weighted[RIDGE_LANES];
        for (int lane = 0; lane < RIDGE_LANES; lane++)
            weighted[lane] = gain[row][lane] * weight[lane];
        for (int column = 0; column <= row; column++, c++)
            for (int lane = 0; lane < RIDGE_LANES; lane++)
                (*c)[lane] = scale[lane] * ((*c)[lane] - weighted[lane] * gain[column][lane]);
    }
}

static void check_lane(struct ridge *ridge, int lane)
{
    float trace = 0;
    bool sound = true;
    for (int row = 0; row < RIDGE_INPUTS; row++) {
        float own = ridge->packed[diagonal(row)][lane];
        sound = sound && own > 0 && isfinite(ridge->theta[row][lane]);
        trace += own;
    }
    if (!sound || !isfinite(trace))
        start_lane(ridge, lane);
    else if (trace > MOST_TRACE)
        for (int i = 0; i < RIDGE_PACKED; i++)
            ridge->packed[i][lane] *= MOST_TRACE / trace;
}

static float clamp(float value, float most)
{
    return fminf(fmaxf(value, -most), most);
}

// How much an error counts: 1, or less where it is unusual.
static float trust(struct ridge *ridge, int lane, float error)
{
    float plain = ridge->seen[lane] < WARM ? MOST_ERROR : PLAIN_ERROR * ridge->error[lane];
    float size = fabsf(error);
    float rate = fmaxf(ERROR_RATE, 1.0F / (float)(ridge->seen[lane] + 1));
    ridge->error[lane] += rate * (size - ridge->error[lane]);
    return size > plain ? plain / size : 1;
}

void ridge_learn(struct ridge *ridge, const struct ridge_inputs *x,
                 const float y[static RIDGE_LANES], const bool known[static RIDGE_LANES],
                 const float forget[static RIDGE_LANES])
{
    float gain[RIDGE_INPUTS][RIDGE_LANES] = {0}, spread[RIDGE_LANES] = {0};
    multiply(ridge, x, gain);
    for (int i = 0; i < RIDGE_INPUTS; i++)
        for (int lane = 0; lane < RIDGE_LANES; lane++)
            spread[lane] += x->of[i][lane] * gain[i][lane];
    float foreseen[RIDGE_LANES], weight[RIDGE_LANES], scale[RIDGE_LANES], step[RIDGE_LANES];
    ridge_foresee(ridge, x, foreseen);
    for (int lane = 0; lane < RIDGE_LANES; lane++) {
        weight[lane] = step[lane] = 0;
        scale[lane] = 1;
        if (!known[lane])
            continue;
        float error = clamp(y[lane] - foreseen[lane], MOST_ERROR);
        float trusted = trust(ridge, lane, error);
        weight[lane] = trusted / (forget[lane] + trusted * spread[lane]);
        step[lane] = error * weight[lane];
        scale[lane] = 1 / forget[lane];
        ridge->seen[lane]++;
    }
    for (int i = 0; i < RIDGE_INPUTS; i++)
        for (int lane = 0; lane < RIDGE_LANES; lane++)
            ridge->theta[i][lane] += gain[i][lane] * step[lane];
    shrink(ridge, gain, weight, scale);
    for (int lane = 0; lane < RIDGE_LANES; lane++)
        check_lane(ridge, lane);
}
