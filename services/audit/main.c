// SPDX-License-Identifier: Apache-2.0
// socmod-audit: tells over HTTP who was limited, when, by how much, why, and what became of it.

#include "base/log.h"
#include "base/program.h"
#include "io/http.h"
#include "io/notify.h"
#include "services/audit/gauges.h"
#include "services/audit/reads.h"
#include "services/audit/routes.h"
#include "services/audit/stream.h"
#include "services/audit/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

// Events that refusals may make: a handful at once, then one a second.
enum { TRAIL_BURST = 20 };
// Descriptors besides those of clients: databases, epoll, log.
enum { DESCRIPTORS_OWN = 256 };

static char *address, *certificate_file, *key_file, *connection;
static int64_t port, threads, connections_max;
static int64_t requests_per_s, request_burst, statement_ms, span_days, ready_s;
static int64_t exports, export_s;

static const struct setting settings[] = {
    {"http", "address", .text = &address, .otherwise = "127.0.0.1",
     .help = "IP address to listen on; more than this machine only with TLS or behind a proxy"},
    {"http", "port", .integer = &port, .otherwise = "8080", .least = 0, .most = 65535,
     .help = "TCP port; 0 for any free one, which is logged"},
    {"http", "threads", .integer = &threads, .otherwise = "4", .least = 1, .most = 64,
     .help = "threads that answer, each with a connection to the database"},
    {"http", "connections", .integer = &connections_max, .otherwise = "4000", .least = 1,
     .most = 100000, .help = "connections open at once"},
    {"http", "certificate_file", .text = &certificate_file, .otherwise = "",
     .help = "PEM file of the certificate chain, for TLS; empty for plain HTTP"},
    {"http", "key_file", .text = &key_file, .otherwise = "",
     .help = "PEM file of the certificate's key"},
    DB_SETTINGS(connection, "socmod_audit"),
    {"limits", "requests_per_second", .integer = &requests_per_s, .otherwise = "1000", .least = 0,
     .most = 1000000,
     .help = "of one client address, in the long run; 0 for any number (behind a proxy)"},
    {"limits", "burst", .integer = &request_burst, .otherwise = "2000", .least = 1, .most = 1000000,
     .help = "requests of one client address at once"},
    {"limits", "statement_ms", .integer = &statement_ms, .otherwise = "5000", .least = 100,
     .most = 600000, .help = "that the database may work on one answer; then it is too slow, ms"},
    {"limits", "exports", .integer = &exports, .otherwise = "4", .least = 0, .most = 100,
     .help = "lists given out whole at once, as CSV or NDJSON, each with a connection to the "
             "database"},
    {"limits", "export_s", .integer = &export_s, .otherwise = "3600", .least = 1, .most = 86400,
     .help = "that the database may work on one of them, s"},
    {"limits", "span_days", .integer = &span_days, .otherwise = "31", .least = 1, .most = 3660,
     .help = "of loads and statistics in one answer, days"},
    {"limits", "ready_s", .integer = &ready_s, .otherwise = "3600", .least = 0, .most = 31536000,
     .help = "age of the newest planning round above which /readyz says no, s; 0 for any age"},
    CLOCK_SETTINGS,
    {0},
};

static bool check(void)
{
    if (!*certificate_file == !*key_file)
        return true;
    fputs("[http] certificate_file and key_file: one without the other\n", stderr);
    return false;
}

static const struct program program = {
    .name = "socmod-audit",
    .purpose = "tell over HTTP who was limited, when, by how much, why, and what became of it",
    .version = VERSION,
    .settings = settings,
    .check = check,
};

// As many as connections want and the system gives; with fewer the last ones are not accepted.
static void allow_descriptors(void)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)connections_max + DESCRIPTORS_OWN;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur < wanted)
        log_warn("http.descriptors", F("wanted", (int64_t)wanted),
                 F("given", (int64_t)limit.rlim_cur));
}

int main(int argc, char **argv)
{
    program_start(&program, argc, argv);
    struct audit audit = {
        .connection = connection,
        .version = VERSION,
        .tls = *certificate_file,
        .statement_ms = statement_ms,
        .export_s = export_s,
        .span_days = span_days,
        .ready_s = ready_s,
        .access = access_new(),
        .gauges = gauges_new(),
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .clients = rate_limit_new((double)requests_per_s, (double)request_burst),
        .trail = rate_limit_new(1, TRAIL_BURST),
    };
    const struct http_settings http_settings = {
        .address = address,
        .port = (int)port,
        .threads = (int)threads,
        .certificate_file = certificate_file,
        .key_file = key_file,
        .connections_max = (int)connections_max,
        .pours_max = (int)exports,
    };
    allow_descriptors();
    struct loop *loop = loop_new();
    audit.reads = reads_new(loop, connection);
    struct http *http =
        http_new(loop, &http_settings, audit_routes, routes_admit, worker_new, worker_free, &audit);
    if (http) {
        struct stream *stream = stream_new(loop, connection, http);
        struct notify *notify = notify_new(loop);
        loop_run(loop);
        notify_free(notify);
        stream_free(stream);
    }
    http_free(http);
    reads_free(audit.reads);
    loop_free(loop);
    rate_limit_free(audit.trail);
    rate_limit_free(audit.clients);
    gauges_free(audit.gauges);
    access_free(audit.access);
    return http ? EXIT_SUCCESS : EXIT_FAILURE;
}
