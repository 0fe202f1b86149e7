// SPDX-License-Identifier: Apache-2.0

#include "services/p3/figures.h"
#include "base/memory.h"
#include "base/metric.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct figures {
    struct http *http;
    const struct courier *courier;
    const struct dlms_route *dlms;
    const struct db *db;
};

static void put(FILE *out, const char *name, const char *type, const char *help, double value)
{
    fprintf(out, "# HELP socmod_p3_%s %s\n# TYPE socmod_p3_%s %s\nsocmod_p3_%s %.15g\n", name, help,
            name, type, name, value);
}

static void put_courier(FILE *out, const struct courier_figures *f)
{
    put(out, "under_way", "gauge", "Messages submitted and not yet answered.",
        (double)f->under_way);
    put(out, "claimed_total", "counter", "Attempts begun.", (double)f->claimed);
    put(out, "overtaken_total", "counter", "Attempts that a newer message was to end.",
        (double)f->overtaken);
    put(out, "attempt_seconds_total", "counter", "Machine time from claim to end, all attempts.",
        f->seconds);
    fprintf(out, "# HELP socmod_p3_attempts_total Attempts that ended, by the state they led to.\n"
                 "# TYPE socmod_p3_attempts_total counter\n");
    for (int state = 0; state < OUTBOX_STATES; state++)
        if (f->ended[state])
            fprintf(out, "socmod_p3_attempts_total{state=\"%s\"} %" PRIu64 "\n",
                    outbox_state_name((enum outbox_state)state), f->ended[state]);
    fprintf(out, "# HELP socmod_p3_causes_total Attempts that ended with a cause.\n"
                 "# TYPE socmod_p3_causes_total counter\n");
    for (size_t i = 0; i < f->cause_count; i++) // of [a-z0-9-]: nothing to escape
        fprintf(out, "socmod_p3_causes_total{route=\"%s\",cause=\"%s\"} %" PRIu64 "\n",
                f->causes[i].route, f->causes[i].cause, f->causes[i].count);
}

static void put_dlms(FILE *out, const struct dlms_figures *f)
{
    put(out, "dlms_sessions", "gauge", "Sessions with meters under way.", (double)f->sessions);
    put(out, "dlms_sessions_ended_total", "counter", "Sessions that ended.", (double)f->ended);
    put(out, "dlms_resynchronised_total", "counter",
        "Sessions that read the meter's counter through the public client.",
        (double)f->resynchronised);
    put(out, "dlms_round_trips_total", "counter", "Requests to meters, connections included.",
        (double)f->round_trips);
    put(out, "dlms_blocks_written_total", "counter", "Blocks of texts written.",
        (double)f->blocks_written);
    put(out, "dlms_octets_sent_total", "counter", "Octets sent to meters.", (double)f->octets_sent);
    put(out, "dlms_octets_received_total", "counter", "Octets received from meters.",
        (double)f->octets_received);
    put(out, "dlms_counters_reserved_total", "counter", "Invocation counters reserved.",
        (double)f->counters);
    put(out, "dlms_counters_given", "gauge", "1 while the database gives invocation counters.",
        f->is_given);
}

static void on_metrics(struct http_request *request)
{
    const struct figures *figures = http_worker(request);
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out) {
        http_problem(request, 500, "no-memory", "");
        return;
    }
    put_courier(out, courier_figures(figures->courier));
    if (figures->dlms)
        put_dlms(out, dlms_route_figures(figures->dlms));
    char *kept = metric_text();
    fputs(kept, out);
    free(kept);
    fclose(out);
    http_answer(request, 200, "text/plain; version=0.0.4; charset=utf-8", text, len);
}

static void on_health(struct http_request *request)
{
    http_answer(request, 200, "text/plain", memory_text("ok\n"), 3);
}

static void on_ready(struct http_request *request)
{
    const struct figures *figures = http_worker(request);
    if (db_retry_ns(figures->db))
        http_problem(request, 503, "no-database", "The database is away.");
    else if (!courier_is_ready(figures->courier))
        http_problem(request, 503, "no-route", "No route would take a message now.");
    else
        on_health(request);
}

struct figures *figures_new(struct loop *loop, const struct http_settings *http,
                            const struct courier *courier, const struct dlms_route *dlms,
                            const struct db *db)
{
    static const struct http_route routes[] = {
        {.method = "GET", .pattern = "/metrics", .fn = on_metrics},
        {.method = "GET", .pattern = "/healthz", .fn = on_health},
        {.method = "GET", .pattern = "/readyz", .fn = on_ready},
        {0},
    };
    struct figures *figures = memory_new(1, sizeof *figures);
    *figures = (struct figures){.courier = courier, .dlms = dlms, .db = db};
    figures->http = http_new(loop, http, routes, NULL, NULL, NULL, figures);
    if (!figures->http) {
        free(figures);
        return NULL;
    }
    return figures;
}

void figures_free(struct figures *figures)
{
    if (!figures)
        return;
    http_free(figures->http);
    free(figures);
}
