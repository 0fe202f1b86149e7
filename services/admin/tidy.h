// SPDX-License-Identifier: Apache-2.0
// Roll up what was measured long ago, and drop what was kept long enough (sql/003_measured.sql).

#ifndef ADMIN_TIDY_H
#define ADMIN_TIDY_H

#include "io/db.h"

struct tidy_job {
    int64_t quarters_days; // by the quarter hour; more than the planner learns from
    int64_t days_years;    // rolled up; 0: for ever
    int64_t loads_months;  // loads of connections
};

// Months one by one, each in a transaction, so that what is done stays done. Prints what was done
// and puts it into the trail.
MUST_CHECK enum err tidy_run(struct db *db, const struct tidy_job *job);

#endif
