// SPDX-License-Identifier: Apache-2.0
// socmod-audit --export: what happened in a span of time, for whoever has to judge an incident,
// with all that he needs to check it without us. recipe/README.txt tells what is in it.

#ifndef AUDIT_INCIDENT_H
#define AUDIT_INCIDENT_H

#include "services/audit/asset.h"
#include "services/audit/head_check.h"
#include "services/audit/trail_table.h"

// README.txt and verify.py as they were when the program was built; ends with {0}.
extern const struct asset recipe_built_in[];

struct incident_job {
    const char *connection;
    const char *path; // a new folder, or a new file that ends in ".tar"
    struct trail_asked asked;
    struct head_keys keys;
};

// In constant memory. The trail gets an event of it, or nothing is exported. Returns the exit
// status: 0, 1 where it could not be done; EXIT_BROKEN where the chain is, which was exported all
// the same.
int incident_run(const struct incident_job *job);

#endif
