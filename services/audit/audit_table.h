// SPDX-License-Identifier: Apache-2.0
// One thing from the tables, as JSON that the database wrote. All results are owned (PQclear());
// NULL as db_query(); no row where there is no such thing. id was checked by parameter_parse().

#ifndef AUDIT_AUDIT_TABLE_H
#define AUDIT_AUDIT_TABLE_H

#include "io/db.h"
#include "services/audit/limit_order.h"

// One row where there is such a transformer, feeder, connection or round.
PGresult *audit_table_find(struct db *db, const char *thing, const char *id);

// The newest outlook of a transformer or feeder ("feeder") of a round about at or before: one
// column.
PGresult *audit_table_outlook(struct db *db, const char *thing, const char *id, const char *at);

// How many gateways are in which mode: one column.
PGresult *audit_table_gateways(struct db *db);

// plan.explain(): one column, null where there is no such charger.
PGresult *audit_table_explain(struct db *db, const char *charger, const char *at);

// A limit set by hand: one column. of_chargers: also where it is of a single one.
PGresult *audit_table_limit(struct db *db, const char *number, bool of_chargers);

// Set one: its number, null where there is no such place; and release one: "t", or "f" where it is
// not in force. who: the operator, for the trail.
PGresult *audit_table_set_limit(struct db *db, const struct limit_order *order, const char *who);
PGresult *audit_table_release_limit(struct db *db, const char *number, const char *reason,
                                    const char *who);

// A round with its forecast rows: one column.
PGresult *audit_table_round(struct db *db, const char *id);

// Two columns: a profile and its text.
PGresult *audit_table_profile(struct db *db, const char *id);

#endif
