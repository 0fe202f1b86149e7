// SPDX-License-Identifier: Apache-2.0

#include "services/audit/answer.h"
#include "services/audit/routes.h"

void route_receipts(struct http_request *request)
{
    answer_list(request, &list_receipts, NULL);
}

void route_events(struct http_request *request)
{
    answer_list(request, &list_events, NULL);
}
