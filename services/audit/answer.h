// SPDX-License-Identifier: Apache-2.0
// Answers of the API: JSON with an ETag, pages of lists, and the problem where the database gave
// nothing.

#ifndef AUDIT_ANSWER_H
#define AUDIT_ANSWER_H

#include "io/http.h"
#include "services/audit/list_table.h"
#include "services/audit/worker.h"

// The database of the request's thread.
struct db *answer_db(struct http_request *request);
struct audit *answer_audit(struct http_request *request);

// 200 with text, which is taken over. Its strong ETag is made of the text itself.
void answer_text(struct http_request *request, const char *type, char *text, size_t len);
void answer_json(struct http_request *request, char *text);

// 503 while the database does not answer, or took too long; 500 where it refused.
void answer_trouble(struct http_request *request, struct db *db);
void answer_too_slow(struct http_request *request);

// 404 that names what there is not.
void answer_missing(struct http_request *request, const char *thing);

// 400 that names the parameter and what it should be.
void answer_wrong(struct http_request *request, const char *parameter, const char *form);

// What the first column of the first row says, 404 without a row, trouble without a result; which
// is cleared.
void answer_row(struct http_request *request, PGresult *result, struct db *db, const char *thing);

// The {id} of the path as a value of that kind. False: there is no such thing, and that was
// answered.
bool answer_takes_id(struct http_request *request, enum parameter_kind kind, const char *thing,
                     char value[static PARAMETER_MAX + 1]);

// A page of list: limit, cursor and filters come from the query.
//
//   preset  LIST_FILTERS values: those of the list's required filters, by filter; NULL for the
//           rest, and NULL for none at all
void answer_list(struct http_request *request, const struct list *list, const char *const *preset);

// The one item of list that preset asks for.
void answer_item(struct http_request *request, const struct list *list, const char *const *preset,
                 const char *thing);

#endif
