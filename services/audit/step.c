// SPDX-License-Identifier: Apache-2.0

#include "services/audit/step.h"

#include <stddef.h>
#include <string.h>

const char *step_name(enum step step)
{
    static const char *const names[STEP_COUNT] = {"measured", "arrived", "planned",
                                                  "queued",   "written", "verified",
                                                  "seen",     "applied", "ended"};
    return names[step];
}

double step_seconds(const struct step_times *times, enum step step)
{
    int before = (int)step - 1;
    while (before >= 0 && times->us[before] == STEP_NOT)
        before--;
    if (before < 0 || times->us[step] < times->us[before])
        return 0;
    return (double)(times->us[step] - times->us[before]) / 1e6;
}

const char *step_end(const char *state)
{
    static const char *const ends[] = {"applied", "superseded", "expired", "refused", "failed"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (!strcmp(state, ends[i]))
            return ends[i];
    return "open";
}
