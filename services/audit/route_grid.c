// SPDX-License-Identifier: Apache-2.0

#include "services/audit/answer.h"
#include "services/audit/audit_table.h"
#include "services/audit/routes.h"
#include "services/audit/span.h"

#include <string.h>

void route_transformers(struct http_request *request)
{
    answer_list(request, &list_transformers, NULL);
}

void route_transformer(struct http_request *request)
{
    char id[PARAMETER_MAX + 1];
    if (answer_takes_id(request, PARAMETER_IDENTIFIER, "transformer", id))
        answer_item(request, &list_transformers, (const char *[LIST_FILTERS]){id}, "transformer");
}

// Quarter hours of the thing that the path names, within the span that was asked.
static void answer_span(struct http_request *request, const struct list *list, const char *thing)
{
    char id[PARAMETER_MAX + 1];
    struct span_text span;
    enum parameter_kind kind = strcmp(thing, "connection") ? PARAMETER_IDENTIFIER : PARAMETER_EAN;
    if (!answer_takes_id(request, kind, thing, id) || !span_asked(request, &span, NULL))
        return;
    struct db *db = answer_db(request);
    PGresult *found = audit_table_find(db, thing, id);
    if (!found)
        answer_trouble(request, db);
    else if (!PQntuples(found))
        answer_missing(request, thing);
    else
        answer_list(request, list, (const char *[LIST_FILTERS]){id, span.from, span.to});
    PQclear(found);
}

void route_feeders(struct http_request *request)
{
    answer_list(request, &list_feeders, NULL);
}

void route_feeder(struct http_request *request)
{
    char id[PARAMETER_MAX + 1];
    if (answer_takes_id(request, PARAMETER_IDENTIFIER, "feeder", id))
        answer_item(request, &list_feeders, (const char *[LIST_FILTERS]){id}, "feeder");
}

void route_transformer_loads(struct http_request *request)
{
    answer_span(request, &list_transformer_loads, "transformer");
}

void route_feeder_loads(struct http_request *request)
{
    answer_span(request, &list_feeder_loads, "feeder");
}

void route_transformer_forecasts(struct http_request *request)
{
    answer_span(request, &list_transformer_forecasts, "transformer");
}

void route_feeder_forecasts(struct http_request *request)
{
    answer_span(request, &list_feeder_forecasts, "feeder");
}

// The time asked, or now. False: it is none, and that was answered.
static bool take_moment(struct http_request *request, const char *asked,
                        char at[static PARAMETER_MAX + 1])
{
    if (!asked)
        db_time(clock_utc(), at);
    else if (parameter_parse(PARAMETER_TIME, asked, at)) {
        answer_wrong(request, "at", parameter_form(PARAMETER_TIME));
        return false;
    }
    return true;
}

static void answer_outlook(struct http_request *request, const char *thing)
{
    char id[PARAMETER_MAX + 1], at[PARAMETER_MAX + 1];
    const char *asked = http_query(request, "at");
    if (!answer_takes_id(request, PARAMETER_IDENTIFIER, thing, id)
        || !take_moment(request, asked, at))
        return;
    struct db *db = answer_db(request);
    answer_row(request, audit_table_outlook(db, thing, id, at), db, thing);
}

void route_transformer_outlook(struct http_request *request)
{
    answer_outlook(request, "transformer");
}

void route_feeder_outlook(struct http_request *request)
{
    answer_outlook(request, "feeder");
}

void route_connections(struct http_request *request)
{
    answer_list(request, &list_connections, NULL);
}

void route_connection(struct http_request *request)
{
    char ean[PARAMETER_MAX + 1];
    if (answer_takes_id(request, PARAMETER_EAN, "connection", ean))
        answer_item(request, &list_connections, (const char *[LIST_FILTERS]){NULL, ean},
                    "connection");
}

void route_connection_loads(struct http_request *request)
{
    answer_span(request, &list_connection_loads, "connection");
}

void route_chargers(struct http_request *request)
{
    answer_list(request, &list_chargers, NULL);
}

void route_charger(struct http_request *request)
{
    char id[PARAMETER_MAX + 1];
    if (answer_takes_id(request, PARAMETER_IDENTIFIER, "charger", id))
        answer_item(request, &list_chargers, (const char *[LIST_FILTERS]){id}, "charger");
}

void route_explain(struct http_request *request)
{
    char id[PARAMETER_MAX + 1], at[PARAMETER_MAX + 1];
    const char *asked = http_query(request, "at");
    if (!answer_takes_id(request, PARAMETER_IDENTIFIER, "charger", id)
        || !take_moment(request, asked, at))
        return;
    struct db *db = answer_db(request);
    answer_row(request, audit_table_explain(db, id, at), db, "charger");
}

void route_gateways(struct http_request *request)
{
    answer_list(request, &list_gateways, NULL);
}

void route_gateways_summary(struct http_request *request)
{
    struct db *db = answer_db(request);
    answer_row(request, audit_table_gateways(db), db, "gateway");
}
