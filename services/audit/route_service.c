// SPDX-License-Identifier: Apache-2.0

#include "base/memory.h"
#include "base/rfc3339.h"
#include "services/audit/answer.h"
#include "services/audit/gauge_table.h"
#include "services/audit/gauges.h"
#include "services/audit/routes.h"
#include "services/audit/stream.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

void route_healthz(struct http_request *request)
{
    char *clock = stream_clock();
    char *text = memory_format("{\"status\":\"up\",\"version\":\"%s\",\"clock\":%s}",
                               answer_audit(request)->version, clock);
    free(clock);
    http_answer(request, 200, "application/json", text, strlen(text));
}

static void answer_readiness(struct http_request *request, const PGresult *result)
{
    int64_t bound_s = answer_audit(request)->ready_s;
    int64_t now_us = clock_utc().ns / 1000;
    double age_s = (double)(now_us - db_get_integer(result, 0, 0)) / 1e6;
    char *text;
    if (PQgetisnull(result, 0, 0)) {
        text = memory_text("{\"status\":\"ready\",\"last_round\":null,\"last_round_age_s\":null}");
    } else if (bound_s && age_s > (double)bound_s) {
        text = memory_format("the newest round ended %.0f s ago, at %s", age_s,
                             PQgetvalue(result, 0, 1));
        http_problem(request, 503, "stale", text);
        free(text);
        return;
    } else {
        text =
            memory_format("{\"status\":\"ready\",\"last_round\":\"%s\",\"last_round_age_s\":%.1f}",
                          PQgetvalue(result, 0, 1), age_s);
    }
    http_answer(request, 200, "application/json", text, strlen(text));
}

void route_readyz(struct http_request *request)
{
    struct db *db = answer_db(request);
    PGresult *result = gauge_table_round(db);
    if (result)
        answer_readiness(request, result);
    else
        answer_trouble(request, db);
    PQclear(result);
}

void route_token(struct http_request *request)
{
    const struct worker *worker = http_worker(request);
    char expires[RFC3339_LEN + 1];
    rfc3339_format(worker->reader.expires_us / 1000000, expires);
    json_t *document = json_pack("{s:s, s:s, s:s}", "name", worker->reader.name, "role",
                                 access_role(worker->reader.scope), "expires", expires);
    answer_json(request, json_dumps(document, JSON_COMPACT));
    json_decref(document);
}

void route_metrics(struct http_request *request)
{
    char *text = gauges_text(answer_audit(request)->gauges, http_worker(request));
    http_answer(request, 200, "text/plain; version=0.0.4; charset=utf-8", text, strlen(text));
}

void route_openapi(struct http_request *request)
{
    answer_text(request, "application/yaml",
                memory_text_n((const char *)openapi_built_in, (size_t)openapi_built_in_len),
                (size_t)openapi_built_in_len);
}
