// SPDX-License-Identifier: Apache-2.0
// What is wrong with the trail, as lines for a person; the first one is told to everybody else.

#ifndef AUDIT_TRAIL_FAULTS_H
#define AUDIT_TRAIL_FAULTS_H

#include <stddef.h>

enum { TRAIL_FAULTS = 100 }; // kept; the rest is counted

struct trail_faults {
    char *list[TRAIL_FAULTS];
    size_t count;
};

// Takes over text.
void trail_faults_add(struct trail_faults *faults, char *text);
void trail_faults_clear(struct trail_faults *faults);

#endif
