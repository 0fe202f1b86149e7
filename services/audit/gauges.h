// SPDX-License-Identifier: Apache-2.0
// The metrics as Prometheus reads them, made of what the database says and kept for some seconds,
// so that scraping more often costs nothing more. Safe from any thread.

#ifndef AUDIT_GAUGES_H
#define AUDIT_GAUGES_H

#include "services/audit/worker.h"

// Owned: gauges_free().
struct gauges *gauges_new(void);
void gauges_free(struct gauges *gauges);

// The text, owned: free(). While the database does not answer it says socmod_database_up 0 and
// holds only what the program knows itself.
char *gauges_text(struct gauges *gauges, struct worker *worker);

#endif
