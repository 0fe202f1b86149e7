// SPDX-License-Identifier: Apache-2.0
// Rows of a result as JSON objects, by the names and types of their columns. The server's own
// row_to_json() looks up each column's type anew for each row, which costs more than finding the
// row; and in binary format it need not write numbers and times as text either.
//
// Numbers and truths stand bare, json as it is, integer[] as an array, timestamptz as the API tells
// times: whole seconds where the column is timestamptz(0), else milliseconds, cut off and not
// rounded. NULL is null, texts and uuids are texts. There are no other types.

#ifndef AUDIT_ROW_JSON_H
#define AUDIT_ROW_JSON_H

#include "base/buffer.h"

#include <libpq-fe.h>

// The columns of one row of a result in binary format as an object. A column whose name begins with
// a slash begins another object: with group "/round", what stands behind that column; with NULL,
// what stands before the first such one. There must be such a group.
void row_json_object(struct buffer *out, const PGresult *result, int row, const char *group);

// All rows as an array of objects, each without groups.
void row_json_array(struct buffer *out, const PGresult *result);

#endif
