// SPDX-License-Identifier: Apache-2.0
// The lists of the API: what each gives, in which order, and by what it can be asked. A list is a
// row of data (lists.c); the functions here read any. A page costs what it holds, not what the
// table holds: rows are found by an index in the order of the list, from the cursor on.

#ifndef AUDIT_LIST_TABLE_H
#define AUDIT_LIST_TABLE_H

#include "base/buffer.h"
#include "io/db.h"
#include "services/audit/page.h"
#include "services/audit/parameter.h"

enum { LIST_FILTERS = 7 };

struct list_filter {
    const char *name; // of the query parameter
    enum parameter_kind kind;
    const char *sql; // condition; each '$' is the value
    bool required;   // always given by the route itself, from the path or as a default
};

struct list {
    const char *name;       // in its cursors
    const char *from;       // tables, up to a row "item" with what is told
    const char *row;        // the same as columns of their own types, which costs the server less;
                            // NULL: item as JSON
    const char *key_values; // the columns that place a row
    const char *keys;       // their kinds, see page.h
    const char *csv;        // the columns of item as CSV has them: no arrays, no objects
    const char *after; // condition for what comes behind a cursor; its '$' are the keys in order
    const char *order; // ends the statement
    struct list_filter filters[LIST_FILTERS + 1]; // ends with {0}
};

extern const struct list list_transformers, list_feeders, list_transformer_loads, list_feeder_loads,
    list_transformer_forecasts, list_feeder_forecasts, list_connections, list_connection_loads,
    list_chargers, list_rounds, list_shares, list_limits, list_profiles, list_deliveries,
    list_gateways, list_receipts, list_events;

// Read the first items, limit + 1 or more of them where there are as many, so that the caller sees
// whether more follow.
//
//   values  one per filter, checked by parameter_parse(), NULL where not asked
//   keys    of the cursor, or NULL for the beginning
//
// Owned: PQclear(); NULL as db_query().
PGresult *list_table_page(struct db *db, const struct list *list, const char *const *values,
                          const struct page_key *keys, int limit);

// One item of it as JSON; and its keys, for a cursor.
void list_table_put(struct buffer *out, const struct list *list, const PGresult *result, int row);
void list_table_keys(const struct list *list, const PGresult *result, int row,
                     struct page_key keys[static PAGE_KEYS]);

// The statement that copies the list out, all of it behind the cursor or, above 0, limit items: a
// JSON object a line, or CSV with a line of names (RFC 4180, but that lines end in LF). A COPY
// takes no parameters, so the values stand in it, quoted by the server's rules: conn is needed for
// those. Owned: free().
char *list_table_copy(PGconn *conn, const struct list *list, const char *const *values,
                      const struct page_key *keys, int limit, bool csv);

#endif
