// SPDX-License-Identifier: Apache-2.0
// Limits set by hand: the only thing that can be changed here, by an operator, with a reason and an
// end; the trail says who.

#include "base/memory.h"
#include "base/rfc3339.h"
#include "services/audit/answer.h"
#include "services/audit/audit_table.h"
#include "services/audit/limit_order.h"
#include "services/audit/routes.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

// What is set on a single charger is not for a viewer.
static bool may_see_chargers(struct http_request *request)
{
    const struct worker *worker = http_worker(request);
    return worker->reader.scope >= ACCESS_AUDIT;
}

void route_limits(struct http_request *request)
{
    // "all" also tells those that are over.
    const char *all = http_query(request, "all");
    char now[DB_TIME_LEN + 1], truth[PARAMETER_MAX + 1];
    if (all && parameter_parse(PARAMETER_TRUTH, all, truth)) {
        answer_wrong(request, "all", parameter_form(PARAMETER_TRUTH));
        return;
    }
    db_time(clock_utc(), now);
    bool only_now = !all || strcmp(all, "true") != 0;
    answer_list(request, &list_limits,
                (const char *[LIST_FILTERS]){only_now ? now : NULL,
                                             may_see_chargers(request) ? NULL : "true"});
}

// Who asks, for the trail.
static const char *who(struct http_request *request)
{
    const struct worker *worker = http_worker(request);
    return worker->reader.name;
}

static bool is_json(struct http_request *request)
{
    static const char type[] = "application/json";
    const char *given = http_header(request, "Content-Type");
    size_t len = sizeof type - 1;
    if (given && !strncasecmp(given, type, len) && strchr("; ", given[len]))
        return true;
    http_problem(request, 415, "media-type", "send application/json");
    return false;
}

static void answer_limit(struct http_request *request, struct db *db, const char *number)
{
    PGresult *result = audit_table_limit(db, number, true);
    if (!result) {
        answer_trouble(request, db);
        return;
    }
    char *location = memory_format("/v1/limits/%s", number);
    http_add_header(request, "Location", location);
    free(location);
    char *text = memory_text(PQgetvalue(result, 0, 0));
    http_answer(request, 201, "application/json", text, strlen(text));
    PQclear(result);
}

void route_limit_set(struct http_request *request)
{
    size_t len;
    const char *body = http_body(request, &len);
    struct limit_order order;
    char *fault;
    if (!is_json(request))
        return;
    if (limit_order_read(body ? body : "", len, clock_utc_s(), &order, &fault)) {
        http_problem(request, 400, "body", fault);
        free(fault);
        return;
    }
    struct db *db = answer_db(request);
    PGresult *result = audit_table_set_limit(db, &order, who(request));
    if (!result)
        answer_trouble(request, db);
    else if (PQgetisnull(result, 0, 0))
        answer_missing(request, order.place);
    else
        answer_limit(request, db, PQgetvalue(result, 0, 0));
    PQclear(result);
}

void route_limit(struct http_request *request)
{
    char number[PARAMETER_MAX + 1];
    if (!answer_takes_id(request, PARAMETER_NUMBER, "limit", number))
        return;
    struct db *db = answer_db(request);
    answer_row(request, audit_table_limit(db, number, may_see_chargers(request)), db, "limit");
}

void route_limit_release(struct http_request *request)
{
    char number[PARAMETER_MAX + 1], reason[PARAMETER_MAX + 1];
    const char *given = http_query(request, "reason");
    if (!answer_takes_id(request, PARAMETER_NUMBER, "limit", number))
        return;
    if (!given || parameter_parse(PARAMETER_WORDS, given, reason)) {
        answer_wrong(request, "reason", parameter_form(PARAMETER_WORDS));
        return;
    }
    struct db *db = answer_db(request);
    PGresult *result = audit_table_release_limit(db, number, reason, who(request));
    if (!result)
        answer_trouble(request, db);
    else if (*PQgetvalue(result, 0, 0) != 't')
        answer_missing(request, "limit in force");
    else
        http_answer(request, 204, NULL, NULL, 0);
    PQclear(result);
}
