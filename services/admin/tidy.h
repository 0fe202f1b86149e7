// SPDX-License-Identifier: Apache-2.0
// Roll up what was measured long ago, and remove what was kept long enough (sql/003_measured.sql,
// sql/013_retention.sql).

#ifndef ADMIN_TIDY_H
#define ADMIN_TIDY_H

#include "io/db.h"

struct tidy_job {
    int64_t quarters_days;  // by the quarter hour; more than the planner learns from
    int64_t days_years;     // rolled up; 0: for ever
    int64_t loads_months;   // loads of connections
    int64_t explain_months; // what rounds saw and foresaw
    int64_t keep_months;    // profiles and what became of them; no less than the trail
    bool dry;               // only say what would be done
};

// Why these times cannot be, or NULL.
const char *tidy_fault(const struct tidy_job *job);

// Months and days one by one, each in a transaction, so that what is done stays done. Prints what
// was done and puts it into the trail. Where another process is at it nothing is done. ERR_IO too
// where somebody holds for long what is to go.
MUST_CHECK enum err tidy_run(struct db *db, const struct tidy_job *job);

#endif
