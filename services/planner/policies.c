// SPDX-License-Identifier: Apache-2.0

#include "services/planner/policies.h"

#include <math.h>

static const double LOW_A = 6, RULE_SHARE = 0.90;
static const double CUT_ABOVE = 0.97, CUT = 0.6, RISE_BELOW = 0.90, RISE_A = 2;

static double share_of(const struct case_place *place, const int32_t measured_w[PHASES], int phase)
{
    return place->limited[phase] ? (double)measured_w[phase] / place->limit_w[phase] : 0;
}

static double rule(const struct case_place *place, const int32_t measured_w[PHASES], double level_a,
                   double free_a)
{
    if (measured_w[0] == FACTS_UNKNOWN)
        return level_a;
    return share_of(place, measured_w, 0) > RULE_SHARE ? fmin(LOW_A, free_a) : free_a;
}

static double aimd(const struct case_place *place, const int32_t measured_w[PHASES], double level_a,
                   double free_a)
{
    double highest = 0;
    for (int phase = 0; phase < PHASES; phase++) {
        if (measured_w[phase] == FACTS_UNKNOWN)
            return level_a;
        highest = fmax(highest, share_of(place, measured_w, phase));
    }
    if (highest > CUT_ABOVE)
        return fmin(fmax(level_a * CUT, LOW_A), free_a);
    return highest < RISE_BELOW ? fmin(level_a + RISE_A, free_a) : level_a;
}

double policies_next(enum case_policy policy, const struct case_place *place,
                     const int32_t measured_w[PHASES], double level_a, double free_a)
{
    if (policy == CASE_STATIC)
        return fmin(LOW_A, free_a);
    if (policy == CASE_RULE)
        return rule(place, measured_w, level_a, free_a);
    if (policy == CASE_AIMD)
        return aimd(place, measured_w, level_a, free_a);
    return free_a;
}
