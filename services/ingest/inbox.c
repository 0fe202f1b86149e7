// SPDX-License-Identifier: Apache-2.0

#include "services/ingest/inbox.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metric.h"
#include "services/ingest/gateway_report.h"
#include "services/ingest/receipt_table.h"
#include "services/ingest/refused_table.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 5000 };

struct inbox {
    struct db *db;
    struct quarter_table *quarters;
    struct spool *spool;
    const struct arrival_bounds *bounds;
    struct refused_table *refused;
    struct spool_message messages[BATCH];
    struct quarter_row rows[BATCH];
    size_t row_count;
    json_t *reports[REPORT_KINDS];
    size_t singly; // so many to come are taken one by one, to find which the server refuses
};

enum { MESSAGES, QUARTERS, CHANGED, MARKED, SPOOL, LAST_TAKEN };
static struct metric metrics[] = {
    [MESSAGES] = METRIC_COUNTS("socmod_ingest_messages_total", "Messages taken in."),
    [QUARTERS] = METRIC_COUNTS_BY("socmod_ingest_quarters_total",
                                  "Quarter hours of feeders taken in.", "kind", "fresh"),
    [CHANGED] = METRIC_COUNTS_BY("socmod_ingest_quarters_total", NULL, "kind", "changed"),
    [MARKED] = METRIC_COUNTS("socmod_ingest_quarters_marked_total",
                             "Of these, those that are not good and not planned with."),
    [SPOOL] = METRIC_SHOWS("socmod_ingest_spool_bytes", "What waits for the database."),
    [LAST_TAKEN] =
        METRIC_SHOWS("socmod_ingest_last_message_timestamp_seconds",
                     "When the last ones were taken in, seconds since 1970, by its clock."),
};

struct inbox *inbox_new(struct db *db, struct quarter_table *quarters, struct spool *spool,
                        const struct arrival_bounds *bounds)
{
    struct inbox *inbox = memory_new(1, sizeof *inbox);
    metric_join(metrics, sizeof metrics / sizeof *metrics);
    inbox->db = db;
    inbox->quarters = quarters;
    inbox->spool = spool;
    inbox->bounds = bounds;
    inbox->refused = refused_table_new(db);
    for (int i = 0; i < REPORT_KINDS; i++)
        inbox->reports[i] = json_array();
    return inbox;
}

void inbox_free(struct inbox *inbox)
{
    if (!inbox)
        return;
    for (int i = 0; i < REPORT_KINDS; i++)
        json_decref(inbox->reports[i]);
    refused_table_free(inbox->refused);
    free(inbox);
}

static bool is_of_dali(const struct spool_message *message)
{
    return !strncmp(message->topic, "dali/", 5);
}

static void refuse(struct inbox *inbox, const struct spool_message *message, const char *why)
{
    refused_table_note(inbox->refused, message->arrived,
                       is_of_dali(message) ? "dali.refused" : "field.refused", message->topic,
                       message->topic, why, message->payload, message->len);
}

static void refuse_field(struct inbox *inbox, const struct spool_message *message,
                         const char *field, const char *why)
{
    char text[160];
    snprintf(text, sizeof text, "%s%s%s", field, *field ? " " : "", why);
    refuse(inbox, message, text);
}

// False when the grid has no such feeder.
static bool take_quarter(struct inbox *inbox, const struct spool_message *message)
{
    struct measurement m;
    struct measurement_fault fault;
    if (measurement_from_json(message->topic, message->payload, message->len, &m, &fault)) {
        refuse_field(inbox, message, fault.field, fault.why);
        return true;
    }
    const char *why = arrival_refusal(m.quarter, message->arrived.ns / SECONDS_NS, inbox->bounds);
    if (why) {
        refuse_field(inbox, message, "quarter", why);
        return true;
    }
    const struct feeder *feeder = quarter_table_feeder(inbox->quarters, m.feeder);
    if (!feeder || strcmp(feeder->transformer, m.transformer) != 0) {
        refuse(inbox, message,
               feeder ? "feeder is of another transformer" : "feeder is not in the grid");
        return false;
    }
    struct quarter_row *row = &inbox->rows[inbox->row_count++];
    *row = (struct quarter_row){
        .quarter = m.quarter, .feeder = feeder, .values = m.values, .arrived = message->arrived};
    memcpy(row->said, m.quality, sizeof row->said);
    return true;
}

static void take_report(struct inbox *inbox, const struct spool_message *message, size_t place)
{
    enum report_kind kind;
    char equipment_id[EQUIPMENT_ID_LEN + 1], why[REPORT_WHY_LEN];
    json_t *report;
    if (report_topic(message->topic, &kind, equipment_id)) {
        refuse(inbox, message, "topic is not one of ours");
        return;
    }
    if (report_read(kind, message->payload, message->len, &report, why)) {
        refuse(inbox, message, why);
        return;
    }
    const char *refusal = kind == REPORT_LOAD
                              ? arrival_refusal(report_quarter(report),
                                                message->arrived.ns / SECONDS_NS, inbox->bounds)
                              : NULL;
    if (refusal) {
        refuse_field(inbox, message, "quarter", refusal);
        json_decref(report);
        return;
    }
    char arrived[DB_TIME_LEN + 1];
    db_time(message->arrived, arrived);
    json_object_set_new(report, "equipment_id", json_string(equipment_id));
    json_object_set_new(report, "arrived", json_string(arrived));
    json_object_set_new(report, "retained", json_boolean(message->retained));
    json_object_set_new(report, "place", json_integer((json_int_t)place));
    json_array_append_new(inbox->reports[kind], report);
}

// Read each message of a batch and put it with its like. False: a feeder was not found.
static bool sort_out(struct inbox *inbox, size_t count)
{
    bool found = true;
    inbox->row_count = 0;
    refused_table_forget(inbox->refused);
    for (int i = 0; i < REPORT_KINDS; i++)
        json_array_clear(inbox->reports[i]);
    for (size_t i = 0; i < count; i++) {
        if (is_of_dali(&inbox->messages[i]))
            found &= take_quarter(inbox, &inbox->messages[i]);
        else
            take_report(inbox, &inbox->messages[i], i);
    }
    return found;
}

// Take out the reports of meters that the grid does not have.
static void refuse_unknown_meters(struct inbox *inbox, json_t *reports)
{
    for (size_t i = json_array_size(reports); i-- > 0;) {
        const json_t *report = json_array_get(reports, i);
        if (!json_is_null(json_object_get(report, "meter")))
            continue;
        json_int_t place = json_integer_value(json_object_get(report, "place"));
        refuse(inbox, &inbox->messages[place], "meter is not in the grid");
        json_array_remove(reports, i);
    }
}

// All that must be known and there before the transaction.
static enum err prepare(struct inbox *inbox, size_t count)
{
    enum err err = quarter_table_learn(inbox->quarters, false);
    // A feeder may have been registered since the grid was last read.
    if (!err && !sort_out(inbox, count)) {
        err = quarter_table_learn(inbox->quarters, true);
        if (!err)
            sort_out(inbox, count);
    }
    for (int i = 0; i < REPORT_KINDS && !err; i++) {
        if (json_array_size(inbox->reports[i]))
            err = receipt_table_find_meters(inbox->db, inbox->reports[i]);
        if (!err)
            refuse_unknown_meters(inbox, inbox->reports[i]);
    }
    size_t i;
    json_t *load;
    json_array_foreach(inbox->reports[REPORT_LOAD], i, load)
    {
        if (!err)
            err = quarter_table_prepare_load(inbox->quarters, report_quarter(load));
    }
    return err ? err : quarter_table_prepare(inbox->quarters, inbox->rows, inbox->row_count);
}

static enum err write_all(struct inbox *inbox, struct quarter_counts *counts)
{
    struct utc now = clock_utc();
    enum err err = db_begin(inbox->db);
    if (!err)
        err = quarter_table_write(inbox->quarters, inbox->rows, inbox->row_count, QUARTER_MQTT, now,
                                  counts);
    if (!err)
        err = receipt_table_write_receipts(inbox->db, inbox->reports[REPORT_RECEIPT]);
    if (!err)
        err = receipt_table_write_loads(inbox->db, inbox->reports[REPORT_LOAD]);
    if (!err)
        err = receipt_table_write_statuses(inbox->db, inbox->reports[REPORT_STATUS]);
    if (!err)
        err = refused_table_write(inbox->refused, now);
    return err ? err : db_commit(inbox->db);
}

// The server says that it is the content: data exception, or integrity constraint violation.
static bool is_about_content(const char *sqlstate)
{
    return !strncmp(sqlstate, "22", 2) || !strncmp(sqlstate, "23", 2);
}

// One message that the server will never take, whatever we failed to see in it.
static enum err give_up(struct inbox *inbox, const char *why)
{
    inbox->row_count = 0;
    for (int i = 0; i < REPORT_KINDS; i++)
        json_array_clear(inbox->reports[i]);
    refused_table_forget(inbox->refused);
    refuse(inbox, &inbox->messages[0], why);
    struct quarter_counts counts = {0};
    return write_all(inbox, &counts);
}

enum err inbox_take(struct inbox *inbox)
{
    size_t count = spool_read(inbox->spool, inbox->messages, inbox->singly ? 1 : BATCH);
    if (!count) {
        inbox->singly = 0;
        return ERR_MORE;
    }
    struct quarter_counts counts = {0};
    enum err err = prepare(inbox, count);
    if (!err)
        err = write_all(inbox, &counts);
    if (err) {
        bool content = is_about_content(db_sqlstate(inbox->db));
        char *why = memory_text(db_message(inbox->db));
        db_rollback(inbox->db);
        if (content && count == 1)
            err = give_up(inbox, why);
        else if (content)
            inbox->singly = count;
        free(why);
        if (err) {
            db_rollback(inbox->db);
            return content && count > 1 ? ERR_NONE : err;
        }
    }
    metric_add(&metrics[MESSAGES], (double)count);
    metric_add(&metrics[QUARTERS], (double)counts.fresh);
    metric_add(&metrics[CHANGED], (double)counts.changed);
    metric_add(&metrics[MARKED], (double)counts.marked);
    metric_set(&metrics[LAST_TAKEN], (double)clock_utc().ns / 1e9);
    spool_drop(inbox->spool);
    metric_set(&metrics[SPOOL], (double)spool_size(inbox->spool));
    refused_table_committed(inbox->refused);
    inbox->singly -= inbox->singly > 0;
    log_debug("ingest.batch", F("messages", (int64_t)count), F("fresh", counts.fresh),
              F("changed", counts.changed), F("marked", counts.marked));
    return ERR_NONE;
}
