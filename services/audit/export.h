// SPDX-License-Identifier: Apache-2.0
// Lists as CSV or as JSON, an object a line (NDJSON), whole and in bounded memory however long: the
// database copies out, in a connection of its own, as fast as the client reads.

#ifndef AUDIT_EXPORT_H
#define AUDIT_EXPORT_H

#include "io/http.h"
#include "services/audit/list_table.h"

enum form { FORM_JSON, FORM_CSV, FORM_NDJSON };

// What the query's "format" says, else what the Accept header would rather have. False: there is no
// such form, and that was answered.
bool form_asked(struct http_request *request, enum form *form);

// Answer list, not as FORM_JSON. What list_table_copy() takes; name is that of the file.
void export_list(struct http_request *request, const struct list *list, enum form form,
                 const char *const *values, const struct page_key *keys, int limit);

#endif
