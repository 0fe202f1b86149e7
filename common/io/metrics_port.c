// SPDX-License-Identifier: Apache-2.0

#include "io/metrics_port.h"
#include "base/metric.h"
#include "io/http.h"

#include <string.h>

enum { CONNECTIONS = 16 };

static void answer_metrics(struct http_request *request)
{
    char *text = metric_text();
    http_answer(request, 200, "text/plain; version=0.0.4; charset=utf-8", text, strlen(text));
}

static const struct http_route routes[] = {
    {.method = "GET", .pattern = "/metrics", .fn = answer_metrics},
    {0},
};

struct http *metrics_port_new(struct loop *loop, const char *address, int64_t port)
{
    if (!port)
        return NULL;
    const struct http_settings settings = {
        .address = address, .port = (int)port, .connections_max = CONNECTIONS};
    return http_new(loop, &settings, routes, NULL, NULL, NULL, NULL);
}
