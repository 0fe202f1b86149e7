// SPDX-License-Identifier: Apache-2.0
// The lists of the API: what each gives, in which order, and by what it can be asked. A list is a
// row of data; one function reads a page of any. A page costs what it holds, not what the table
// holds: rows are found by an index in the order of the list, from the cursor on.

#ifndef AUDIT_LIST_TABLE_H
#define AUDIT_LIST_TABLE_H

#include "io/db.h"
#include "services/audit/page.h"
#include "services/audit/parameter.h"

enum { LIST_FILTERS = 5 };

struct list_filter {
    const char *name; // of the query parameter
    enum parameter_kind kind;
    const char *sql; // condition; each '$' is the value
    bool required;   // always given by the route itself, from the path or as a default
};

struct list {
    const char *name;   // in its cursors
    const char *select; // a column with the item as JSON, then the keys
    const char *after;  // condition for what comes behind a cursor; its '$' are the keys in order
    const char *order;  // ends the statement
    const char *keys;   // their kinds, see page.h
    struct list_filter filters[LIST_FILTERS + 1]; // ends with {0}
};

extern const struct list list_transformers, list_transformer_loads, list_feeder_loads,
    list_transformer_forecasts, list_feeder_forecasts, list_connections, list_connection_loads,
    list_rounds, list_profiles, list_gateways, list_receipts, list_events;

// Read the first items, limit + 1 or more of them where there are as many, so that the caller sees
// whether more follow.
//
//   values  one per filter, checked by parameter_parse(), NULL where not asked
//   keys    of the cursor, or NULL for the beginning
//
// Columns: the item as JSON text, then its keys. Owned: PQclear(); NULL as db_query().
PGresult *list_table_page(struct db *db, const struct list *list, const char *const *values,
                          const struct page_key *keys, int limit);

#endif
