// SPDX-License-Identifier: Apache-2.0
// Rows of a result as JSON objects, by the names and types of their columns. The server's own
// row_to_json() looks up each column's type anew for each row, which costs more than finding the
// row.
//
// Numbers and truths stand bare, json as it is, integer[] as an array, timestamptz as the API tells
// times: whole seconds where the column is timestamptz(0), else milliseconds. NULL is null, all
// else a text.

#ifndef AUDIT_ROW_JSON_H
#define AUDIT_ROW_JSON_H

#include <libpq-fe.h>
#include <stdio.h>

// The columns of one row as an object. A column whose name begins with a slash begins another
// object: with group "/round", what stands behind that column; with NULL, what stands before the
// first such one. There must be such a group.
void row_json_object(FILE *out, const PGresult *result, int row, const char *group);

// All rows as an array of objects, each without groups.
void row_json_array(FILE *out, const PGresult *result);

#endif
