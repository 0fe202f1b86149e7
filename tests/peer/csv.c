// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/csv.h"
#include "base/memory.h"
#include "base/rfc3339.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FIELDS = 32 };

struct csv {
    FILE *file;
    char *path, *columns, *line;
    size_t size, wanted, line_number;
    char *fields[MOST_FIELDS];
    bool bad;
};

static bool complain(struct csv *csv, const char *why)
{
    fprintf(stderr, "%s:%zu: %s\n", csv->path, csv->line_number, why);
    csv->bad = true;
    return false;
}

static bool next_line(struct csv *csv)
{
    errno = 0;
    ssize_t len = getline(&csv->line, &csv->size, csv->file);
    if (len < 0 && ferror(csv->file))
        return complain(csv, strerror(errno));
    if (len < 0)
        return false;
    csv->line_number++;
    csv->line[strcspn(csv->line, "\r\n")] = '\0';
    return true;
}

struct csv *csv_open(const char *path, const char *columns)
{
    struct csv *csv = memory_new(1, sizeof *csv);
    csv->path = memory_text(path);
    csv->columns = memory_text(columns);
    csv->wanted = 1;
    for (const char *at = columns; *at; at++)
        csv->wanted += *at == ',';
    csv->file = fopen(path, "re");
    size_t len = strlen(columns);
    if (!csv->file)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    else if (!next_line(csv) || strncmp(csv->line, columns, len)
             || (csv->line[len] && csv->line[len] != ','))
        fprintf(stderr, "%s:1: must begin with %s\n", path, columns);
    else
        return csv;
    csv_close(csv);
    return NULL;
}

bool csv_close(struct csv *csv)
{
    bool good = !csv->bad;
    if (csv->file)
        fclose(csv->file);
    free(csv->path);
    free(csv->columns);
    free(csv->line);
    free(csv);
    return good;
}

bool csv_next(struct csv *csv)
{
    do {
        if (csv->bad || !next_line(csv))
            return false;
    } while (!*csv->line);
    size_t count = 0;
    char *rest = csv->line;
    while (rest && count < MOST_FIELDS)
        csv->fields[count++] = strsep(&rest, ",");
    return count >= csv->wanted || complain(csv, "has too few fields");
}

const char *csv_text(const struct csv *csv, size_t column)
{
    return csv->fields[column];
}

bool csv_refuse(struct csv *csv, size_t column, const char *why)
{
    const char *name = csv->columns;
    for (size_t i = 0; i < column; i++)
        name = strchr(name, ',') + 1;
    char *text =
        memory_format("%.*s \"%s\" %s", (int)strcspn(name, ","), name, csv->fields[column], why);
    complain(csv, text);
    free(text);
    return false;
}

bool csv_number(struct csv *csv, size_t column, double least, double most, double *value)
{
    char *end;
    double number = strtod(csv->fields[column], &end);
    if (end == csv->fields[column] || *end)
        return csv_refuse(csv, column, "is not a number");
    if (!(number >= least && number <= most))
        return csv_refuse(csv, column, "is out of range");
    *value = number;
    return true;
}

bool csv_time(struct csv *csv, size_t column, int64_t *utc_s)
{
    const char *text = csv->fields[column];
    return !rfc3339_parse(text, strlen(text), utc_s)
           || csv_refuse(csv, column, "is not a time such as 2026-01-14T16:15:00Z");
}
