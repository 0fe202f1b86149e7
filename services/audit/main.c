// SPDX-License-Identifier: Apache-2.0
// socmod-audit: tells over HTTP who was limited, when, by how much, why, and what became of it;
// signs and verifies the trail.

#include "base/log.h"
#include "base/program.h"
#include "base/rfc3339.h"
#include "io/http.h"
#include "io/notify.h"
#include "services/audit/gauges.h"
#include "services/audit/incident.h"
#include "services/audit/reads.h"
#include "services/audit/routes.h"
#include "services/audit/sign_heads.h"
#include "services/audit/stream.h"
#include "services/audit/upkeep.h"
#include "services/audit/verify.h"
#include "services/audit/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

// Events that refusals may make: a handful at once, then one a second.
enum { TRAIL_BURST = 20 };
// Descriptors besides those of clients: databases, epoll, log.
enum { DESCRIPTORS_OWN = 256 };

static char *address, *certificate_file, *key_file, *connection;
static int64_t port, threads, connections_max;
static char *trail_key_file, *trail_heads_file, *trail_public_key;
static struct head_keys trail_keys;
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
    {"trail", "public_key", .text = &trail_public_key, .otherwise = "",
     .help = "whose signed heads are trusted, base64url; two, with a blank, while keys change"},
    {"trail", "key_file", .text = &trail_key_file, .otherwise = "",
     .help = "PEM file of the private key, for --sign-heads only"},
    {"trail", "heads_file", .text = &trail_heads_file, .otherwise = "",
     .help =
         "signed heads also go to this file, which belongs on another machine; --verify reads it"},
    CLOCK_SETTINGS,
    {0},
};

static bool is_verifying, is_signing;
static const char *verify_after, *threads_text;
static const char *export_path, *export_from, *export_to, *export_subjects;
static const struct program_option options[] = {
    {"verify", .flag = &is_verifying, .help = "check the seal of the trail, and stop"},
    {"after", "HEAD", .text = &verify_after,
     .help = "verify: only what came after that signed head, a number or \"last\""},
    {"threads", "N", .text = &threads_text, .help = "verify: 1 to 64; otherwise one per processor"},
    {"sign-heads", .flag = &is_signing, .help = "sign how far the trail has come, and stop"},
    {"export", "PATH", .text = &export_path,
     .help = "export events with all to check them, to a new folder or a new file .tar, and stop"},
    {"from", "TIME", .text = &export_from, .help = "export: from then on, RFC 3339"},
    {"to", "TIME", .text = &export_to, .help = "export: and before then"},
    {"subject", "SUBJECTS", .text = &export_subjects,
     .help = "export: only events of these, with commas between them"},
    {0},
};

static bool check(void)
{
    if (head_keys_parse(trail_public_key, &trail_keys)) {
        fputs("[trail] public_key: one or two keys of 43 characters\n", stderr);
        return false;
    }
    if (!*certificate_file == !*key_file)
        return true;
    fputs("[http] certificate_file and key_file: one without the other\n", stderr);
    return false;
}

static _Noreturn void refuse_usage(const char *why)
{
    fprintf(stderr, "socmod-audit: %s\n", why);
    exit(EXIT_USAGE);
}

static const char *or_none(const char *text)
{
    return *text ? text : NULL;
}

static int verify(void)
{
    char *end;
    long count = threads_text ? strtol(threads_text, &end, 10) : sysconf(_SC_NPROCESSORS_ONLN);
    if (count < 1 || count > 64 || (threads_text && *end))
        refuse_usage("--threads takes 1 to 64");
    if (verify_after && strcmp(verify_after, "last") != 0
        && (strtoll(verify_after, &end, 10) < 1 || *end))
        refuse_usage("--after takes the number of a signed head, or \"last\"");
    return verify_run(&(struct verify_job){.connection = connection,
                                           .threads = count,
                                           .keys = trail_keys,
                                           .heads_file = or_none(trail_heads_file),
                                           .after = verify_after});
}

static int64_t time_of(const char *text)
{
    int64_t utc;
    if (!text || rfc3339_parse(text, strlen(text), &utc) || utc < PARAMETER_TIME_FIRST
        || strchr(text, '.'))
        refuse_usage("--export takes --from TIME --to TIME in whole seconds, such as"
                     " 2026-01-14T16:00:00Z");
    return utc;
}

static int export(void)
{
    struct incident_job job = {.connection = connection,
                               .path = export_path,
                               .asked = {.from = time_of(export_from),
                                         .to = time_of(export_to),
                                         .subjects = export_subjects},
                               .keys = trail_keys};
    if (job.asked.from >= job.asked.to)
        refuse_usage("--from is not before --to");
    return incident_run(&job);
}

static int sign(void)
{
    if (!*trail_key_file) {
        fputs("--sign-heads needs [trail] key_file\n", stderr);
        return EXIT_SETTINGS;
    }
    return sign_heads(&(struct sign_job){.connection = connection,
                                         .key_file = trail_key_file,
                                         .heads_file = or_none(trail_heads_file)});
}

static const struct program program = {
    .name = "socmod-audit",
    .purpose = "tell over HTTP who was limited, when, by how much, why, and what became of it",
    .version = VERSION,
    .settings = settings,
    .options = options,
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

static int serve(void)
{
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
        struct upkeep *upkeep = upkeep_new(loop, connection);
        struct notify *notify = notify_new(loop);
        loop_run(loop);
        notify_free(notify);
        upkeep_free(upkeep);
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

int main(int argc, char **argv)
{
    program_start(&program, argc, argv);
    if (is_verifying + is_signing + (export_path != NULL) > 1)
        refuse_usage("one job at a time");
    if (!is_verifying && (verify_after || threads_text))
        refuse_usage("--after and --threads belong to --verify");
    if (!export_path && (export_from || export_to || export_subjects))
        refuse_usage("--from, --to and --subject belong to --export");
    if (export_path)
        return export();
    return is_verifying ? verify() : is_signing ? sign() : serve();
}
