// SPDX-License-Identifier: Apache-2.0

#include "services/ingest/refused_table.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metric.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CONTENT = 1000 };

struct refused_table {
    struct db *db;
    json_t *noted; // the rows to come
};

static struct metric refusals =
    METRIC_COUNTS("socmod_ingest_refused_total", "Messages and lines that could not be taken in.");

struct refused_table *refused_table_new(struct db *db)
{
    struct refused_table *refused = memory_new(1, sizeof *refused);
    metric_join(&refusals, 1);
    refused->db = db;
    refused->noted = json_array();
    return refused;
}

void refused_table_free(struct refused_table *refused)
{
    if (!refused)
        return;
    json_decref(refused->noted);
    free(refused);
}

// Printable ASCII of at most MOST_CONTENT characters, whatever the octets are.
static void put_printable(char text[static MOST_CONTENT + 1], const void *content, size_t len)
{
    const unsigned char *octets = content;
    size_t at = 0;
    for (size_t i = 0; i < len && at + 4 <= MOST_CONTENT; i++) {
        if (octets[i] >= ' ' && octets[i] < 127)
            text[at++] = (char)octets[i];
        else
            at += (size_t)snprintf(text + at, 5, "\\x%02x", octets[i]);
    }
    text[at] = '\0';
}

static json_t *printable(const char *text)
{
    char safe[MOST_CONTENT + 1];
    put_printable(safe, text, strnlen(text, MOST_CONTENT));
    return json_string(safe);
}

void refused_table_note(struct refused_table *refused, struct utc at, const char *kind,
                        const char *subject, const char *source, const char *reason,
                        const void *content, size_t len)
{
    char time[DB_TIME_LEN + 1], safe[MOST_CONTENT + 1];
    db_time(at, time);
    put_printable(safe, content, len);
    json_t *row = json_object();
    json_object_set_new(row, "at", json_string(time));
    json_object_set_new(row, "kind", json_string(kind));
    json_object_set_new(row, "subject", printable(subject));
    json_object_set_new(row, "source", printable(source));
    json_object_set_new(row, "reason", printable(reason));
    json_object_set_new(row, "content", json_string(safe));
    json_array_append_new(refused->noted, row);
}

enum err refused_table_write(struct refused_table *refused, struct utc now)
{
    if (!json_array_size(refused->noted))
        return ERR_NONE;
    char time[DB_TIME_LEN + 1];
    db_time(now, time);
    char *rows = json_dumps(refused->noted, JSON_COMPACT);
    const char *params[] = {rows, time};
    enum err err = db_do(
        refused->db,
        "with given as ("
        " select * from rows from (jsonb_to_recordset($1::jsonb) as (at timestamptz, kind text,"
        " subject text, source text, reason text, content text)) with ordinality"
        " as g (at, kind, subject, source, reason, content, n)),"
        " kept as ("
        " insert into dali.refused (at, source, reason, content)"
        " select at, source, reason, content from given on conflict do nothing"
        " returning at, source)"
        " insert into audit.event (at, program, kind, subject, data)"
        " select $2::timestamptz, 'socmod-ingest', kind, subject, jsonb_build_object("
        " 'count', count(*), 'source', (array_agg(source order by n))[1],"
        " 'reason', (array_agg(reason order by n))[1])"
        " from given join kept using (at, source) group by kind, subject",
        2, params);
    free(rows);
    return err;
}

void refused_table_committed(struct refused_table *refused)
{
    size_t count = json_array_size(refused->noted);
    metric_add(&refusals, (double)count);
    if (count) {
        const json_t *first = json_array_get(refused->noted, 0);
        log_warn("ingest.refused", F("count", (int64_t)count),
                 F("source", json_string_value(json_object_get(first, "source"))),
                 F("reason", json_string_value(json_object_get(first, "reason"))));
    }
    json_array_clear(refused->noted);
}

void refused_table_forget(struct refused_table *refused)
{
    json_array_clear(refused->noted);
}
