// SPDX-License-Identifier: Apache-2.0

#include "services/ingest/arrival.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NOMINAL_MV = 230000,
    HIGHEST_MV = 253000, // 230 V + 10 %, EN 50160
    ARRIVES_WITHIN_S = 300,
};

const char *arrival_refusal(int64_t quarter, int64_t now, const struct arrival_bounds *bounds)
{
    if (quarter % QUARTER_S)
        return "is not the start of a quarter hour";
    if (quarter + QUARTER_S > now + bounds->future_s)
        return "has not ended yet";
    if (quarter < now - bounds->oldest_s)
        return "is too long ago";
    return NULL;
}

const char *quality_name(enum quality quality)
{
    static const char *const names[] = {
        [QUALITY_GOOD] = "good",
        [QUALITY_IMPLAUSIBLE] = "implausible",
        [QUALITY_STUCK] = "stuck",
        [QUALITY_SUSPECT] = "suspect",
    };
    return names[quality];
}

bool arrival_is_equal(const struct measured *a, const struct measured *b)
{
    return !memcmp(a, b, sizeof *a); // integers only, no padding
}

static bool is_known(int32_t value)
{
    return value != MEASURED_NOT;
}

static bool is_beyond_rating(const struct measured *values, const struct rating *rating,
                             char *reason, size_t size)
{
    for (int i = 0; rating->known && i < PHASES; i++) {
        int64_t power = values->p_w[i];
        if (!is_known(values->p_w[i]) || 2 * llabs(power) <= 5 * (int64_t)rating->limit_w[i])
            continue;
        snprintf(reason, size, "L%d: %d W is beyond 2.5 times the rating of %d W", i + 1,
                 values->p_w[i], rating->limit_w[i]);
        return true;
    }
    return false;
}

// A mean of power may exceed the product of the means a little, and small loads measure badly.
static bool is_contradicting(const struct measured *values, char *reason, size_t size)
{
    for (int i = 0; i < PHASES; i++) {
        int32_t u_mv = values->u_mv[i];
        if (is_known(u_mv) && (u_mv < NOMINAL_MV / 2 || u_mv > NOMINAL_MV / 2 * 3)) {
            snprintf(reason, size, "L%d: %d mV is no low voltage", i + 1, u_mv);
            return true;
        }
        if (!is_known(values->p_w[i]) || !is_known(values->i_ma[i]))
            continue;
        int64_t volt_amperes = (int64_t)(is_known(u_mv) ? u_mv : HIGHEST_MV)
                               * llabs((int64_t)values->i_ma[i]) / 1000000;
        if (llabs((int64_t)values->p_w[i]) > volt_amperes * 6 / 5 + 100) {
            snprintf(reason, size, "L%d: %d W is more than voltage times current, %jd VA", i + 1,
                     values->p_w[i], (intmax_t)volt_amperes);
            return true;
        }
    }
    return false;
}

static bool is_empty(const struct measured *values)
{
    return !is_known(values->p_w[0]) && !is_known(values->p_w[1]) && !is_known(values->p_w[2]);
}

static int count_same(const struct measured *values, const struct before *before)
{
    if (!before->known || !arrival_is_equal(values, &before->values) || is_empty(values))
        return 0;
    return before->same < STUCK_AFTER ? before->same + 1 : STUCK_AFTER;
}

struct verdict arrival_judge(const struct measured *values, const char *said,
                             const struct rating *rating, const struct before *before)
{
    struct verdict verdict = {.same = count_same(values, before), .worth_telling = true};
    char *reason = verdict.reason;
    size_t size = sizeof verdict.reason;
    if (is_beyond_rating(values, rating, reason, size)) {
        verdict.quality = QUALITY_IMPLAUSIBLE;
    } else if (strcmp(said, "good") != 0) {
        verdict.quality = QUALITY_SUSPECT;
        snprintf(reason, size, "its sender says \"%s\"", said);
    } else if (verdict.same == STUCK_AFTER) {
        verdict.quality = QUALITY_STUCK;
        verdict.worth_telling = before->same < STUCK_AFTER;
        snprintf(reason, size, "the same values for more than %d quarters", STUCK_AFTER);
    } else if (is_empty(values)) {
        verdict.quality = QUALITY_SUSPECT;
        snprintf(reason, size, "no phase is known");
    } else if (is_contradicting(values, reason, size)) {
        verdict.quality = QUALITY_SUSPECT;
    } else {
        verdict.worth_telling = false;
    }
    return verdict;
}

int64_t arrival_silent_since(int64_t now, int64_t quarters)
{
    int64_t settled = now - ARRIVES_WITHIN_S;
    return settled - settled % QUARTER_S - (quarters + 1) * QUARTER_S;
}
