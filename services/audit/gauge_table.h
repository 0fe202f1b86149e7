// SPDX-License-Identifier: Apache-2.0
// The figures behind /readyz and /metrics. None counts over history: an hour's rows by an index of
// time, the newest row of an index, or one row per transformer, feeder or meter.

#ifndef AUDIT_GAUGE_TABLE_H
#define AUDIT_GAUGE_TABLE_H

#include "io/db.h"

// One row: when the newest round ended, as microseconds and as RFC 3339; NULL for none. Owned.
PGresult *gauge_table_round(struct db *db);

// Rows of metric, label, value; see route_service.c for their meaning. Owned.
PGresult *gauge_table_metrics(struct db *db, struct utc now);

#endif
