// SPDX-License-Identifier: Apache-2.0

#include "services/audit/routes.h"
#include "base/log.h"
#include "services/audit/access_table.h"
#include "services/audit/answer.h"
#include "services/audit/bearer.h"

#include <stdio.h>
#include <string.h>

const struct http_route audit_routes[] = {
    {"GET", "/v1/transformers", route_transformers},
    {"GET", "/v1/transformers/{id}", route_transformer},
    {"GET", "/v1/transformers/{id}/loads", route_transformer_loads},
    {"GET", "/v1/feeders/{id}/loads", route_feeder_loads},
    {"GET", "/v1/transformers/{id}/forecasts", route_transformer_forecasts},
    {"GET", "/v1/feeders/{id}/forecasts", route_feeder_forecasts},
    {"GET", "/v1/connections", route_connections},
    {"GET", "/v1/connections/{ean}", route_connection},
    {"GET", "/v1/connections/{ean}/loads", route_connection_loads},
    {"GET", "/v1/gateways", route_gateways},
    {"GET", "/v1/rounds", route_rounds},
    {"GET", "/v1/rounds/{id}", route_round},
    {"GET", "/v1/profiles", route_profiles},
    {"GET", "/v1/profiles/{id}", route_profile},
    {"GET", "/v1/profiles/{id}/life", route_life},
    {"GET", "/v1/receipts", route_receipts},
    {"GET", "/v1/events", route_events},
    {"GET", "/v1/trail", route_trail},
    {"GET", "/v1/statistics", route_statistics},
    {"GET", "/v1/stream", route_stream},
    {"GET", "/healthz", route_healthz},
    {"GET", "/readyz", route_readyz},
    {"GET", "/metrics", route_metrics},
    {"GET", "/openapi.yaml", route_openapi},
    {"GET", "/", route_page},
    {"GET", "/page/{file}", route_page_file},
    {0},
};

static enum access_scope scope_of(const struct http_route *route)
{
    if (!strncmp(route->pattern, "/v1/", 4))
        return ACCESS_READ;
    return strcmp(route->pattern, "/metrics") ? ACCESS_OPEN : ACCESS_METRICS;
}

static int64_t machine_ns(void)
{
    return clock_real_ns(clock_mono().ns);
}

// How long the client has to wait, 0 for not at all.
static int64_t wait_of(struct audit *audit, const char *client)
{
    pthread_mutex_lock(&audit->lock);
    int64_t wait_ns = rate_limit_take(audit->clients, client, machine_ns());
    pthread_mutex_unlock(&audit->lock);
    return wait_ns;
}

// May this refusal make an event? Then *untold says how many before it could not.
static bool may_tell(struct audit *audit, int64_t *untold)
{
    pthread_mutex_lock(&audit->lock);
    bool may = !rate_limit_take(audit->trail, "", machine_ns());
    *untold = audit->untold;
    audit->untold = may ? 0 : audit->untold + 1;
    pthread_mutex_unlock(&audit->lock);
    return may;
}

// A flood must fill neither the log nor the trail, so of those over the rate only a few are told.
static void tell(struct http_request *request, const char *reason, const char *name,
                 bool always_log)
{
    struct audit *audit = answer_audit(request);
    atomic_fetch_add(&audit->refused, 1);
    char path[PARAMETER_MAX + 1];
    parameter_tame(http_path(request), path);
    int64_t untold;
    bool told = may_tell(audit, &untold);
    if (told || always_log)
        log_warn("access.refused", F("client", http_client(request)), F("path", path),
                 F("name", name), F("reason", reason));
    if (told
        && access_table_refused(answer_db(request), clock_utc(), http_client(request), path, name,
                                reason, untold)) {
        pthread_mutex_lock(&audit->lock);
        audit->untold += untold + 1;
        pthread_mutex_unlock(&audit->lock);
    }
}

static void refuse_rate(struct http_request *request, int64_t wait_ns)
{
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%jd", (intmax_t)((wait_ns - 1) / SECONDS_NS + 1));
    tell(request, "rate", "", false);
    http_add_header(request, "Retry-After", seconds);
    http_problem(request, 429, "rate", "this address asks too often");
}

static void refuse(struct http_request *request, enum access_answer answer, const char *name)
{
    if (answer == ACCESS_UNAVAILABLE) {
        http_add_header(request, "Retry-After", "2");
        http_problem(request, 503, "database", "the database does not answer");
        return;
    }
    tell(request, access_answer_name(answer), name, true);
    if (answer == ACCESS_WRONG_ROLE) {
        http_problem(request, 403, "role", "the role of this token may not read this");
        return;
    }
    http_add_header(request, "WWW-Authenticate",
                    answer == ACCESS_NO_TOKEN ? "Bearer realm=\"socmod\""
                                              : "Bearer realm=\"socmod\", error=\"invalid_token\"");
    http_problem(request, 401, "token",
                 answer == ACCESS_NO_TOKEN  ? "a bearer token is wanted"
                 : answer == ACCESS_EXPIRED ? "this token has expired"
                                            : "this token is not known");
}

bool routes_admit(struct http_request *request, const struct http_route *route)
{
    struct worker *worker = http_worker(request);
    struct audit *audit = worker->audit;
    atomic_fetch_add(&audit->requests, 1);
    int64_t wait_ns = wait_of(audit, http_client(request));
    if (wait_ns) {
        refuse_rate(request, wait_ns);
        return false;
    }
    size_t len = 0;
    const char *token = bearer_token(http_header(request, "Authorization"), &len);
    char name[ACCESS_NAME_MAX + 1];
    enum access_answer answer =
        access_check(audit->access, worker->db, token, len, scope_of(route), name);
    if (answer == ACCESS_GRANTED)
        return true;
    refuse(request, answer, name);
    return false;
}
