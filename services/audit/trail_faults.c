// SPDX-License-Identifier: Apache-2.0

#include "services/audit/trail_faults.h"

#include <stdlib.h>

void trail_faults_add(struct trail_faults *faults, char *text)
{
    if (faults->count < TRAIL_FAULTS)
        faults->list[faults->count] = text;
    else
        free(text);
    faults->count++;
}

void trail_faults_clear(struct trail_faults *faults)
{
    for (size_t i = 0; i < faults->count && i < TRAIL_FAULTS; i++)
        free(faults->list[i]);
    faults->count = 0;
}
