// SPDX-License-Identifier: Apache-2.0
// What gateways report, into field.receipt, field.load and field.gateway, set by set. All SQL
// about them is here.
//
// The reports are JSON arrays of what report_read() gave, each object with two keys more:
// "meter" (grid.meter.number) and "arrived" (as db_time() writes it); in the order of arrival.

#ifndef INGEST_RECEIPT_TABLE_H
#define INGEST_RECEIPT_TABLE_H

#include "io/db.h"

#include <jansson.h>

// Give each object of reports, by its "equipment_id", its "meter"; null where the grid has no
// such meter.
MUST_CHECK enum err receipt_table_find_meters(struct db *db, json_t *reports);

// Within the caller's transaction; a repeat changes nothing. A receipt rings its meter's doorbell
// and becomes an event "receipt.<state>", with the gateway's own time and that of its arrival.
// Of two loads for the same quarter the later counts. A status that is older than what is known
// is left out; a last will has no time of its own and goes by its arrival.
MUST_CHECK enum err receipt_table_write_receipts(struct db *db, const json_t *reports);
MUST_CHECK enum err receipt_table_write_loads(struct db *db, const json_t *reports);
MUST_CHECK enum err receipt_table_write_statuses(struct db *db, const json_t *reports);

#endif
