// SPDX-License-Identifier: Apache-2.0
// The paths of the API and who may ask for them. openapi.yaml describes each; a test compares.

#ifndef AUDIT_ROUTES_H
#define AUDIT_ROUTES_H

#include "io/http.h"

#include <stdbool.h>

extern const struct http_route audit_routes[]; // ends with {0}

// For http_new(): may this client ask this now? When not, that was answered, logged and, in
// bounds, put into the trail.
bool routes_admit(struct http_request *request, const struct http_route *route);

// openapi.yaml as it was when the program was built.
extern const unsigned char openapi_built_in[];
extern const int openapi_built_in_len;

// Grid and measurements.
void route_transformers(struct http_request *request);
void route_transformer(struct http_request *request);
void route_transformer_loads(struct http_request *request);
void route_transformer_outlook(struct http_request *request);
void route_feeders(struct http_request *request);
void route_feeder(struct http_request *request);
void route_feeder_loads(struct http_request *request);
void route_feeder_outlook(struct http_request *request);
void route_transformer_forecasts(struct http_request *request);
void route_feeder_forecasts(struct http_request *request);
void route_connections(struct http_request *request);
void route_connection(struct http_request *request);
void route_connection_loads(struct http_request *request);
void route_chargers(struct http_request *request);
void route_charger(struct http_request *request);
void route_gateways(struct http_request *request);
void route_gateways_summary(struct http_request *request);
// Decisions.
void route_rounds(struct http_request *request);
void route_round(struct http_request *request);
void route_shares(struct http_request *request);
void route_profiles(struct http_request *request);
void route_profile(struct http_request *request);
void route_life(struct http_request *request);
void route_explain(struct http_request *request);
// Limits set by hand.
void route_limits(struct http_request *request);
void route_limit(struct http_request *request);
void route_limit_set(struct http_request *request);
void route_limit_release(struct http_request *request);
// What happened.
void route_deliveries(struct http_request *request);
void route_receipts(struct http_request *request);
void route_events(struct http_request *request);
void route_trail(struct http_request *request);
void route_stream(struct http_request *request);
void route_statistics(struct http_request *request);
// The program itself.
void route_token(struct http_request *request);
void route_healthz(struct http_request *request);
void route_readyz(struct http_request *request);
void route_metrics(struct http_request *request);
void route_openapi(struct http_request *request);
void route_page(struct http_request *request);
void route_page_file(struct http_request *request);

#endif
