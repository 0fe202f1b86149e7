// SPDX-License-Identifier: Apache-2.0

#include "services/audit/routes.h"
#include "base/log.h"
#include "base/memory.h"
#include "services/audit/access_table.h"
#include "services/audit/answer.h"
#include "services/audit/bearer.h"
#include "services/audit/reads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What a route is about, as its tag says: who may ask, and, where that is a single connection, what
// the trail calls it. A thing that the path names is "profile <id>", a list of them "profiles".
enum about {
    OPEN,
    METRICS,
    GRID,
    TRAIL,
    CONNECTION,
    CHARGER,
    PROFILE,
    DELIVERY,
    GATEWAY,
    RECEIPT,
    SHARE,
    LIMIT,
    OPERATION
};

static const struct {
    enum access_scope scope;
    const char *person; // NULL: no single connection
} rights[] = {
    [OPEN] = {ACCESS_OPEN, NULL},
    [METRICS] = {ACCESS_METRICS, NULL},
    [GRID] = {ACCESS_VIEW, NULL},
    [TRAIL] = {ACCESS_AUDIT, NULL},
    [CONNECTION] = {ACCESS_AUDIT, "connection"},
    [CHARGER] = {ACCESS_AUDIT, "charger"},
    [PROFILE] = {ACCESS_AUDIT, "profile"},
    [DELIVERY] = {ACCESS_AUDIT, "delivery"},
    [GATEWAY] = {ACCESS_AUDIT, "gateway"},
    [RECEIPT] = {ACCESS_AUDIT, "receipt"},
    [SHARE] = {ACCESS_AUDIT, "round"},
    [LIMIT] = {ACCESS_VIEW, "limit"}, // a viewer sees none of a single charger
    [OPERATION] = {ACCESS_OPERATE, NULL},
};

#define JSON "application/json"
#define LIST JSON " text/csv application/x-ndjson"
#define PAGE "limit cursor format "

// A line for each.
// clang-format off
const struct http_route audit_routes[] = {
    {"GET", "/v1/transformers", route_transformers, LIST, PAGE, GRID},
    {"GET", "/v1/transformers/{id}", route_transformer, JSON, "", GRID},
    {"GET", "/v1/transformers/{id}/loads", route_transformer_loads, LIST, PAGE "from to", GRID},
    {"GET", "/v1/transformers/{id}/forecasts", route_transformer_forecasts, LIST, PAGE "from to", GRID},
    {"GET", "/v1/transformers/{id}/outlook", route_transformer_outlook, JSON, "at", GRID},
    {"GET", "/v1/feeders", route_feeders, LIST, PAGE "transformer", GRID},
    {"GET", "/v1/feeders/{id}", route_feeder, JSON, "", GRID},
    {"GET", "/v1/feeders/{id}/loads", route_feeder_loads, LIST, PAGE "from to", GRID},
    {"GET", "/v1/feeders/{id}/forecasts", route_feeder_forecasts, LIST, PAGE "from to", GRID},
    {"GET", "/v1/feeders/{id}/outlook", route_feeder_outlook, JSON, "at", GRID},
    {"GET", "/v1/connections", route_connections, LIST, PAGE "feeder meter charger", CONNECTION},
    {"GET", "/v1/connections/{ean}", route_connection, JSON, "", CONNECTION},
    {"GET", "/v1/connections/{ean}/loads", route_connection_loads, LIST, PAGE "from to", CONNECTION},
    {"GET", "/v1/chargers", route_chargers, LIST, PAGE "feeder connection", CHARGER},
    {"GET", "/v1/chargers/{id}", route_charger, JSON, "", CHARGER},
    {"GET", "/v1/chargers/{id}/explain", route_explain, JSON, "at", CHARGER},
    {"GET", "/v1/gateways", route_gateways, LIST, PAGE "online mode", GATEWAY},
    {"GET", "/v1/gateways/summary", route_gateways_summary, JSON, "", GRID},
    {"GET", "/v1/rounds", route_rounds, LIST, PAGE "transformer congested from to", GRID},
    {"GET", "/v1/rounds/{id}", route_round, JSON, "", GRID},
    {"GET", "/v1/rounds/{id}/shares", route_shares, LIST, PAGE, SHARE},
    {"GET", "/v1/profiles", route_profiles, LIST, PAGE "meter connection state from to", PROFILE},
    {"GET", "/v1/profiles/{id}", route_profile, JSON, "", PROFILE},
    {"GET", "/v1/profiles/{id}/life", route_life, JSON, "", PROFILE},
    {"GET", "/v1/deliveries", route_deliveries, LIST, PAGE "meter connection state cause from to", DELIVERY},
    {"GET", "/v1/limits", route_limits, LIST, PAGE "all", LIMIT},
    {"POST", "/v1/limits", route_limit_set, JSON, "", OPERATION},
    {"GET", "/v1/limits/{id}", route_limit, JSON, "", LIMIT},
    {"DELETE", "/v1/limits/{id}", route_limit_release, JSON, "reason", OPERATION},
    {"GET", "/v1/receipts", route_receipts, LIST, PAGE "meter state from to", RECEIPT},
    {"GET", "/v1/events", route_events, LIST, PAGE "kind subject program from to", TRAIL},
    {"GET", "/v1/trail", route_trail, JSON, "", GRID},
    {"GET", "/v1/statistics", route_statistics, JSON, "from to", GRID},
    {"GET", "/v1/stream", route_stream, "text/event-stream", "", GRID},
    {"GET", "/v1/token", route_token, JSON, "", METRICS},
    {"GET", "/healthz", route_healthz, JSON, NULL, OPEN},
    {"GET", "/readyz", route_readyz, JSON, NULL, OPEN},
    {"GET", "/metrics", route_metrics, NULL, NULL, METRICS},
    {"GET", "/openapi.yaml", route_openapi, NULL, NULL, OPEN},
    {"GET", "/", route_page, NULL, NULL, OPEN},
    {"GET", "/page/{file}", route_page_file, NULL, NULL, OPEN},
    {0},
};
// clang-format on

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

// What the trail calls that which is asked for.
static char *subject_of(const struct http_request *request, const char *person)
{
    static const struct {
        const char *query, *name;
    } filters[] = {{"connection", "connection"}, {"meter", "meter"}, {"charger", "charger"}};
    const char *part = http_part(request, 0);
    if (part)
        return memory_format("%s %s", person, part);
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        if (http_query(request, filters[i].query))
            return memory_format("%s %s", filters[i].name, http_query(request, filters[i].query));
    size_t stem = strlen(person);
    bool is_ies = person[stem - 1] == 'y' && !strchr("aeiou", person[stem - 2]); // but gateways
    return is_ies ? memory_format("%.*sies", (int)stem - 1, person) : memory_format("%ss", person);
}

// Tell the trail, where a single connection is asked about by one who may know. False: that cannot
// be, and was answered.
static bool is_noted(struct http_request *request, const struct http_route *route,
                     const struct reader *reader)
{
    const char *person = rights[route->tag].person;
    if (!person || reader->scope < ACCESS_AUDIT)
        return true;
    char path[PARAMETER_MAX + 1], subject[PARAMETER_MAX + 1];
    char *text = subject_of(request, person);
    parameter_tame(http_path(request), path);
    parameter_tame(text, subject);
    free(text);
    bool noted =
        reads_note(answer_audit(request)->reads, reader->name, http_client(request), subject, path);
    if (!noted) {
        http_add_header(request, "Retry-After", "2");
        http_problem(request, 503, "untold", "the trail does not take what was read");
    }
    return noted;
}

// What every answer brings.
static void guard(struct http_request *request)
{
    static const struct {
        const char *name, *value;
    } guards[] = {
        {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
        {"Referrer-Policy", "no-referrer"},
        {"X-Frame-Options", "DENY"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
    };
    for (size_t i = 0; i < sizeof guards / sizeof *guards; i++)
        http_add_header(request, guards[i].name, guards[i].value);
    if (answer_audit(request)->tls)
        http_add_header(request, "Strict-Transport-Security", "max-age=31536000");
}

bool routes_admit(struct http_request *request, const struct http_route *route)
{
    struct worker *worker = http_worker(request);
    struct audit *audit = worker->audit;
    atomic_fetch_add(&audit->requests, 1);
    guard(request);
    int64_t wait_ns = wait_of(audit, http_client(request));
    if (wait_ns) {
        refuse_rate(request, wait_ns);
        return false;
    }
    size_t len = 0;
    const char *token = bearer_token(http_header(request, "Authorization"), &len);
    enum access_answer answer = access_check(audit->access, worker->db, token, len,
                                             rights[route->tag].scope, &worker->reader);
    if (answer == ACCESS_GRANTED)
        return is_noted(request, route, &worker->reader);
    refuse(request, answer, worker->reader.name);
    return false;
}
