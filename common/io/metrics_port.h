// SPDX-License-Identifier: Apache-2.0
// GET /metrics of a program that serves nothing else over HTTP: all that base/metric.h knows.
// Nothing in it is about a single connection, so it asks for no token; the address is this
// machine's unless set otherwise.

#ifndef IO_METRICS_PORT_H
#define IO_METRICS_PORT_H

#include "io/loop.h"

#include <stdint.h>

struct http;

// Answer in the loop's thread. NULL where port is 0, and where it cannot listen, which was logged
// and stops nobody. Owned: http_free(), which takes NULL.
struct http *metrics_port_new(struct loop *loop, const char *address, int64_t port);

// The settings each such program has. There is no port that several copies could share, so none is
// the default.
#define METRICS_SETTINGS(place_address, place_port)                                                \
    {"metrics", "address", .text = &(place_address), .otherwise = "127.0.0.1",                     \
     .help = "IP address on which Prometheus may ask"},                                            \
    {                                                                                              \
        "metrics", "port", .integer = &(place_port), .otherwise = "0", .least = 0, .most = 65535,  \
                           .help = "TCP port of GET /metrics; 0 for none"                          \
    }

#endif
