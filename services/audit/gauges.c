// SPDX-License-Identifier: Apache-2.0

#include "services/audit/gauges.h"
#include "base/memory.h"
#include "base/metric.h"
#include "services/audit/gauge_table.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_NS (10 * SECONDS_NS) // of machine time

struct gauges {
    pthread_mutex_t lock;
    char *text; // of the database, NULL: never asked
    bool up;
    int64_t asked_ns;
};

// What each row of gauge_table_metrics() becomes.
static const struct gauge {
    const char *row, *name, *label, *type, *help;
} metrics[] = {
    {"counters", "socmod_counters_ending", "state", "gauge",
     "Keys of meters in use whose invocation counters come to their end, or are used up."},
    {"deliveries", "socmod_deliveries_last_hour", "state", "gauge",
     "Profiles made within the last hour, by the state of their delivery."},
    {"events", "socmod_events_last_hour", "kind", "gauge",
     "Events of the trail within the last hour."},
    {"gateways", "socmod_gateways", "mode", "gauge", "Gateways by what they last said they do."},
    {"quarter_age", "socmod_newest_quarter_age_seconds", NULL, "gauge",
     "Time since the newest measured quarter hour ended."},
    {"quarters", "socmod_quarters_last_hour", "quality", "gauge",
     "Measured quarter hours of feeders that began within the last 75 minutes."},
    {"round_age", "socmod_newest_round_age_seconds", NULL, "gauge",
     "Time since the last planning round of the newest quarter hour ended."},
    {"rounds", "socmod_rounds_total", NULL, "counter", "Planning rounds of all transformers."},
};

struct gauges *gauges_new(void)
{
    struct gauges *gauges = memory_new(1, sizeof *gauges);
    pthread_mutex_init(&gauges->lock, NULL);
    return gauges;
}

void gauges_free(struct gauges *gauges)
{
    if (!gauges)
        return;
    pthread_mutex_destroy(&gauges->lock);
    free(gauges->text);
    free(gauges);
}

static void put_head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

// Values that we keep as words in tables need no escaping: their checks allow no quote.
static void put_metric(FILE *out, const struct gauge *metric, const PGresult *result)
{
    put_head(out, metric->name, metric->type, metric->help);
    for (int i = 0; i < PQntuples(result); i++) {
        const char *value = PQgetvalue(result, i, 2);
        if (strcmp(PQgetvalue(result, i, 0), metric->row) != 0 || !*value)
            continue;
        if (metric->label)
            fprintf(out, "%s{%s=\"%s\"} %s\n", metric->name, metric->label,
                    PQgetvalue(result, i, 1), value);
        else
            fprintf(out, "%s %s\n", metric->name, value);
    }
}

static void ask(struct gauges *gauges, struct db *db)
{
    PGresult *result = gauge_table_metrics(db, clock_utc());
    gauges->up = result;
    free(gauges->text);
    gauges->text = NULL;
    size_t len;
    FILE *out = open_memstream(&gauges->text, &len);
    for (size_t i = 0; result && i < sizeof metrics / sizeof *metrics; i++)
        put_metric(out, &metrics[i], result);
    fclose(out);
    PQclear(result);
}

static void put_own(FILE *out, struct audit *audit, bool up)
{
    put_head(out, "socmod_database_up", "gauge", "Whether the database answered.");
    fprintf(out, "socmod_database_up %d\n", up);
    put_head(out, "socmod_audit_requests_total", "counter", "Requests that have a route.");
    fprintf(out, "socmod_audit_requests_total %lld\n", atomic_load(&audit->requests));
    put_head(out, "socmod_audit_refused_total", "counter",
             "Of these, refused for want of a token, a right or a slower pace.");
    fprintf(out, "socmod_audit_refused_total %lld\n", atomic_load(&audit->refused));
}

char *gauges_text(struct gauges *gauges, struct worker *worker)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    pthread_mutex_lock(&gauges->lock);
    int64_t now_ns = clock_real_ns(clock_mono().ns);
    if (!gauges->up || now_ns - gauges->asked_ns >= KEPT_NS) {
        ask(gauges, worker_db(worker));
        gauges->asked_ns = now_ns;
    }
    char *kept = metric_text();
    fputs(kept, out);
    free(kept);
    put_own(out, worker->audit, gauges->up);
    fputs(gauges->text, out);
    pthread_mutex_unlock(&gauges->lock);
    fclose(out);
    return text;
}
