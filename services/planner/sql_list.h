// SPDX-License-Identifier: Apache-2.0
// Results of statements, and their parameters as the server reads them: numbers, and whole columns
// as one array, so that a statement serves a batch.

#ifndef PLANNER_SQL_LIST_H
#define PLANNER_SQL_LIST_H

#include "io/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// "{1,2,NULL,3}", written as it grows. Stays where it was opened.
struct sql_list {
    FILE *out;
    char *text;
    size_t len;
    int count;
};

void sql_list_open(struct sql_list *list);

// An item, NULL for SQL NULL: digits, letters and what else needs no quotes in an array.
void sql_list_add(struct sql_list *list, const char *item);
void sql_list_add_number(struct sql_list *list, int64_t number);
void sql_list_add_time(struct sql_list *list, int64_t utc); // below 0: SQL NULL

// The whole, once, borrowed until sql_list_close().
const char *sql_list_text(struct sql_list *list);
void sql_list_close(struct sql_list *list);

// A number as text, which lives in place.
struct sql_number {
    char text[24];
};
const char *sql_number(struct sql_number *place, int64_t number);

// A cell of a result.
int sql_integer(const PGresult *rows, int row, int column); // 0 where NULL
bool sql_is_true(const PGresult *rows, int row, int column);
int64_t sql_time(const PGresult *rows, int row, int column); // epoch seconds; -1 where NULL

#endif
