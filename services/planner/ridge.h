// SPDX-License-Identifier: Apache-2.0
// Recursive least squares with forgetting, for RIDGE_LANES targets at once: each lane has its own
// inputs, coefficients and covariance. The lanes stand innermost, so that one vector instruction
// serves several of them; the covariance is symmetric and packed (row i holds columns 0 to i).
// Started at C = 10 I it is a ridge regression whose ridge fades. No heap.
//
// An error beyond half of a lane's usual one counts less, in proportion (Huber's weight): what
// comes out is close to the least absolute error, and one strange day does not spoil a month.
//
// A covariance that went wrong (not finite, a diagonal not positive) starts its lane again at
// zero; seen[] then tells how little it knows.

#ifndef PLANNER_RIDGE_H
#define PLANNER_RIDGE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    RIDGE_LANES = 8,
    RIDGE_INPUTS = 19,
    RIDGE_PACKED = RIDGE_INPUTS * (RIDGE_INPUTS + 1) / 2,
};

struct ridge {
    float theta[RIDGE_INPUTS][RIDGE_LANES];
    float packed[RIDGE_PACKED][RIDGE_LANES];
    float error[RIDGE_LANES];   // usual absolute error
    uint32_t seen[RIDGE_LANES]; // updates since the lane started
};

struct ridge_inputs {
    float of[RIDGE_INPUTS][RIDGE_LANES];
};

// Start every lane at zero, of which nothing is certain.
void ridge_start(struct ridge *ridge);

void ridge_foresee(const struct ridge *ridge, const struct ridge_inputs *x,
                   float out[static RIDGE_LANES]);

// Learn that lane i had the inputs x and came out as y[i]; a lane with known[i] false is left as
// it is. forget[i] is the weight that a quarter hour leaves to all before it. Errors beyond +-3
// count as 3, so inputs and targets shall be in standard deviations.
void ridge_learn(struct ridge *ridge, const struct ridge_inputs *x,
                 const float y[static RIDGE_LANES], const bool known[static RIDGE_LANES],
                 const float forget[static RIDGE_LANES]);

#endif
