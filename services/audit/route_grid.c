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
        answer_item(request, &list_transformers, (const char *[]){id}, "transformer");
}

static void answer_loads(struct http_request *request, const struct list *list, const char *thing)
{
    char id[PARAMETER_MAX + 1];
    struct span_text span;
    if (!answer_takes_id(request, PARAMETER_IDENTIFIER, thing, id)
        || !span_asked(request, &span, NULL))
        return;
    struct db *db = answer_db(request);
    PGresult *found = audit_table_find(db, thing, id);
    if (!found)
        answer_trouble(request, db);
    else if (!PQntuples(found))
        answer_missing(request, thing);
    else
        answer_list(request, list, (const char *[]){id, span.from, span.to});
    PQclear(found);
}

void route_transformer_loads(struct http_request *request)
{
    answer_loads(request, &list_transformer_loads, "transformer");
}

void route_feeder_loads(struct http_request *request)
{
    answer_loads(request, &list_feeder_loads, "feeder");
}

void route_connections(struct http_request *request)
{
    answer_list(request, &list_connections, NULL);
}

void route_connection(struct http_request *request)
{
    char ean[PARAMETER_MAX + 1];
    if (answer_takes_id(request, PARAMETER_EAN, "connection", ean))
        answer_item(request, &list_connections, (const char *[]){NULL, ean}, "connection");
}

void route_gateways(struct http_request *request)
{
    answer_list(request, &list_gateways, NULL);
}
