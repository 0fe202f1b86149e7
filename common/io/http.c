// SPDX-License-Identifier: Apache-2.0

#include "io/http.h"
#include "base/log.h"
#include "base/memory.h"
#include "io/http_door.h"
#include "io/http_feed.h"
#include "io/http_head.h"
#include "io/http_pipe.h"
#include "io/http_problem.h"
#include "io/http_refusal.h"
#include "wire/accept.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

enum { EXTRA_HEADERS = 20, CONNECTIONS_MAX = 1000, IDLE_S = 60, WORKERS_MAX = 64 };
// Below, packing costs more than it saves.
enum { GZIP_LEAST = 1000, GZIP_WINDOW = 15 + 16, GZIP_MEMORY = 8 };

struct http {
    struct MHD_Daemon *daemon;
    struct loop *loop;
    struct loop_watch *watch;
    struct loop_timer *timer;
    struct http_door *door; // NULL: the library's own
    int connections_max;
    _Atomic int inside; // connections
    struct http_feed *feed;
    struct http_pipes *pipes;
    const struct http_route *routes;
    bool (*before)(struct http_request *request, const struct http_route *route);
    void *(*worker_new)(void *arg);
    void (*worker_free)(void *worker);
    void *arg;
    char *certificate, *key;
    pthread_key_t worker_key; // the worker of a thread
    pthread_mutex_t lock;     // of the two below
    void *workers[WORKERS_MAX];
    int worker_count;
};

struct header {
    char *name, *value;
};

struct http_request {
    struct http *http;
    struct MHD_Connection *connection;
    const char *method, *path;
    char *parts[HTTP_PATH_PARTS];
    char *body;
    size_t len;
    size_t uri_len;
    const char *fault; // what is wrong with the head, in words; NULL: nothing
    int fields;        // of the head
    bool begun, too_large, answered;
    struct header extra[EXTRA_HEADERS];
    int extra_count;
    enum MHD_Result result;
};

const char *http_method(const struct http_request *request)
{
    return request->method;
}

const char *http_path(const struct http_request *request)
{
    return request->path;
}

const char *http_query(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *http_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *http_body(const struct http_request *request, size_t *len)
{
    *len = request->len;
    return request->body;
}

const char *http_part(const struct http_request *request, int n)
{
    assert(n >= 0 && n < HTTP_PATH_PARTS);
    return request->parts[n];
}

const char *http_client(const struct http_request *request)
{
    static _Thread_local char text[INET6_ADDRSTRLEN];
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    const void *octets = NULL;
    if (address && address->sa_family == AF_INET)
        octets = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    else if (address && address->sa_family == AF_INET6)
        octets = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (!octets || !inet_ntop(address->sa_family, octets, text, sizeof text))
        return "";
    return text;
}

void *http_worker(const struct http_request *request)
{
    struct http *http = request->http;
    if (!http->worker_new)
        return http->arg;
    void *worker = pthread_getspecific(http->worker_key);
    if (!worker) {
        worker = http->worker_new(http->arg);
        pthread_setspecific(http->worker_key, worker);
        pthread_mutex_lock(&http->lock);
        assert(http->worker_count < WORKERS_MAX);
        http->workers[http->worker_count++] = worker;
        pthread_mutex_unlock(&http->lock);
    }
    return worker;
}

static struct header *find_extra(struct http_request *request, const char *name)
{
    for (int i = 0; i < request->extra_count; i++)
        if (!strcasecmp(request->extra[i].name, name))
            return &request->extra[i];
    return NULL;
}

void http_add_header(struct http_request *request, const char *name, const char *value)
{
    struct header *header = find_extra(request, name);
    if (header) {
        free(header->value);
        header->value = memory_text(value);
        return;
    }
    assert(request->extra_count < EXTRA_HEADERS);
    request->extra[request->extra_count++] = (struct header){memory_text(name), memory_text(value)};
}

// The answer hangs on this header of the request too.
static void depend_on(struct http_request *request, const char *name)
{
    const struct header *vary = find_extra(request, "Vary");
    char *names = vary ? memory_format("%s, %s", vary->value, name) : memory_text(name);
    http_add_header(request, "Vary", names);
    free(names);
}

// Does one of the tags of an If-None-Match name etag? A weak tag matches its strong form.
static bool has_tag(const char *list, const char *etag)
{
    size_t len = strlen(etag);
    for (const char *at = list; (at = strstr(at, etag)); at += len)
        if ((at == list || strchr(", /", at[-1])) && (!at[len] || strchr(", ", at[len])))
            return true;
    return !strcmp(list, "*");
}

static bool client_has(struct http_request *request)
{
    const char *list = http_header(request, "If-None-Match");
    const struct header *etag = find_extra(request, "ETag");
    return list && etag && has_tag(list, etag->value);
}

static bool takes_gzip(const struct http_request *request)
{
    return accept_coding(http_header(request, "Accept-Encoding"), "gzip");
}

static bool is_text(const char *type)
{
    return !strncmp(type, "text/", 5) || strstr(type, "json") || strstr(type, "yaml")
           || strstr(type, "xml");
}

// Other octets, another strong tag.
static void mark_packed(struct http_request *request)
{
    http_add_header(request, "Content-Encoding", "gzip");
    struct header *etag = find_extra(request, "ETag");
    if (!etag)
        return;
    char *tag = memory_format("%.*s-gzip\"", (int)strlen(etag->value) - 1, etag->value);
    free(etag->value);
    etag->value = tag;
}

static char *pack(const char *body, size_t *len)
{
    z_stream packer = {.next_in = (z_const Bytef *)(uintptr_t)body, .avail_in = (uInt)*len};
    if (deflateInit2(&packer, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
                     Z_DEFAULT_STRATEGY)
        != Z_OK)
        log_fatal("http.failed", F("what", "gzip"));
    size_t room = deflateBound(&packer, *len);
    char *packed = memory_new(room, 1);
    packer.next_out = (Bytef *)packed;
    packer.avail_out = (uInt)room;
    deflate(&packer, Z_FINISH);
    *len = packer.total_out;
    deflateEnd(&packer);
    return packed;
}

static void queue(struct http_request *request, int status, const char *type,
                  struct MHD_Response *response)
{
    if (type)
        MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    for (int i = 0; i < request->extra_count; i++)
        MHD_add_response_header(response, request->extra[i].name, request->extra[i].value);
    request->result = http_refusal_pass(request->connection, (unsigned)status, response);
    MHD_destroy_response(response);
}

void http_answer(struct http_request *request, int status, const char *type, char *body, size_t len)
{
    assert(!request->answered);
    request->answered = true;
    bool may_pack = body && type && len >= GZIP_LEAST && len < UINT32_MAX && is_text(type);
    if (may_pack)
        depend_on(request, "Accept-Encoding");
    bool packs = may_pack && takes_gzip(request);
    if (packs)
        mark_packed(request);
    if (status == MHD_HTTP_OK && client_has(request)) {
        free(body);
        body = NULL;
        len = 0;
        status = MHD_HTTP_NOT_MODIFIED;
    } else if (packs) {
        char *packed = pack(body, &len);
        free(body);
        body = packed;
    }
    struct MHD_Response *response =
        body ? MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE)
             : MHD_create_response_from_buffer(0, memory_text(""), MHD_RESPMEM_MUST_FREE);
    if (!response)
        log_fatal("http.failed", F("what", "response"));
    queue(request, status, body ? type : NULL, response);
}

void http_problem(struct http_request *request, int status, const char *kind, const char *detail)
{
    char *text = http_problem_text(status, kind, detail);
    http_answer(request, status, HTTP_PROBLEM_TYPE, text, strlen(text));
}

void http_follow(struct http_request *request, const char *type, const char *text, size_t len,
                 int64_t last_ns)
{
    assert(!request->answered);
    struct MHD_Response *response =
        http_feed_follow(request->http->feed, request->connection, text, len, last_ns);
    if (!response) {
        http_add_header(request, "Retry-After", "30");
        http_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "followers", "too many follow already");
        return;
    }
    request->answered = true;
    queue(request, MHD_HTTP_OK, type, response);
}

struct http_pipe *http_pour(struct http_request *request, const char *type)
{
    assert(!request->answered);
    struct MHD_Response *response;
    bool gzip = takes_gzip(request);
    struct http_pipe *pipe =
        http_pipe_new(request->http->pipes, request->connection, gzip, &response);
    if (!pipe) {
        http_add_header(request, "Retry-After", "10");
        http_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "exports",
                     "as many exports are under way as may be");
        return NULL;
    }
    request->answered = true;
    depend_on(request, "Accept-Encoding");
    if (gzip)
        http_add_header(request, "Content-Encoding", "gzip");
    queue(request, MHD_HTTP_OK, type, response);
    return pipe;
}

static void forget_parts(struct http_request *request)
{
    for (int i = 0; i < HTTP_PATH_PARTS; i++) {
        free(request->parts[i]);
        request->parts[i] = NULL;
    }
}

// Does path fit pattern? Fills in the parts.
static bool fits(struct http_request *request, const char *pattern, const char *path)
{
    forget_parts(request);
    int count = 0;
    while (*pattern) {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        size_t len = strcspn(path, "/");
        if (!len || count == HTTP_PATH_PARTS)
            return false;
        request->parts[count++] = memory_text_n(path, len);
        path += len;
        pattern += strcspn(pattern, "}") + 1;
    }
    return !*path;
}

// The methods that a path knows, as Allow says them; "" for no such path.
static void list_methods(struct http_request *request, char *list, size_t size)
{
    size_t len = 0;
    list[0] = '\0';
    for (const struct http_route *r = request->http->routes; r->fn; r++)
        if (fits(request, r->pattern, request->path) && len < size)
            len += (size_t)snprintf(list + len, size - len, "%s%s%s", len ? ", " : "", r->method,
                                    strcmp(r->method, "GET") ? "" : ", HEAD");
    if (len && len < size)
        snprintf(list + len, size - len, ", OPTIONS");
}

static void answer_without_route(struct http_request *request)
{
    char methods[128];
    list_methods(request, methods, sizeof methods);
    if (!*methods) {
        http_problem(request, MHD_HTTP_NOT_FOUND, "no-such-path", request->path);
        return;
    }
    http_add_header(request, "Allow", methods);
    if (!strcmp(request->method, "OPTIONS"))
        http_answer(request, MHD_HTTP_NO_CONTENT, NULL, NULL, 0);
    else
        http_problem(request, MHD_HTTP_METHOD_NOT_ALLOWED, "method", request->method);
}

// A word of a list of words with blanks between.
static bool names(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = list; len && (at = strstr(at, word)); at += len)
        if ((at == list || at[-1] == ' ') && (!at[len] || at[len] == ' '))
            return true;
    return false;
}

// While the parameters of a query are looked at.
struct query_check {
    struct http_request *request;
    const char *known;
    const char *wrong, *why; // the first that is not right
};

static enum MHD_Result check_parameter(void *arg, enum MHD_ValueKind kind, const char *name,
                                       const char *value)
{
    (void)kind;
    struct query_check *check = arg;
    if (!names(check->known, name))
        check->why = "not known here";
    else if (http_query(check->request, name) != value)
        check->why = "given more than once";
    check->wrong = check->why ? name : NULL;
    return check->wrong ? MHD_NO : MHD_YES;
}

// What the route says it knows. False: the query has something else, and that was answered.
static bool takes_query(struct http_request *request, const struct http_route *route)
{
    struct query_check check = {.request = request, .known = route->query};
    if (route->query)
        MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, check_parameter,
                                  &check);
    if (!check.wrong)
        return true;
    char *detail = memory_format("%s: %s", check.wrong, check.why);
    http_problem(request, MHD_HTTP_BAD_REQUEST, "parameter", detail);
    free(detail);
    return false;
}

// Can the route answer in a form that the client takes? False: no, and that was answered.
static bool suits(struct http_request *request, const struct http_route *route)
{
    const char *wanted = http_header(request, "Accept");
    char types[128];
    if (route->types && strchr(route->types, ' '))
        depend_on(request, "Accept");
    snprintf(types, sizeof types, "%s", route->types ? route->types : "");
    char *rest = types;
    for (const char *type = strsep(&rest, " "); wanted && route->types && type;
         type = strsep(&rest, " "))
        if (accept_type(wanted, type))
            return true;
    if (!wanted || !route->types)
        return true;
    char *detail = memory_format("this is given as: %s", route->types);
    http_problem(request, MHD_HTTP_NOT_ACCEPTABLE, "not-acceptable", detail);
    free(detail);
    return false;
}

// Where it ends is not certain, so nothing behind it is looked at.
static void refuse_head(struct http_request *request)
{
    http_add_header(request, "Connection", "close");
    http_problem(request, MHD_HTTP_BAD_REQUEST, "syntax", request->fault);
}

// What no route needs to see. False: so it is, and that was answered.
static bool is_in_bounds(struct http_request *request)
{
    if (request->uri_len > HTTP_URI_MAX)
        http_problem(request, MHD_HTTP_URI_TOO_LONG, "too-long",
                     "path and query over 8,000 octets");
    else if (request->fields > HTTP_HEADERS_MAX)
        http_problem(request, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, "headers",
                     "more than 64 headers");
    else if (request->fault)
        refuse_head(request);
    else if (request->too_large)
        http_problem(request, MHD_HTTP_CONTENT_TOO_LARGE, "too-large", "body over 64 KiB");
    return !request->answered;
}

static void serve(struct http_request *request)
{
    if (!is_in_bounds(request))
        return;
    const char *method = strcmp(request->method, "HEAD") ? request->method : "GET";
    for (const struct http_route *r = request->http->routes; r->fn; r++) {
        if (strcmp(r->method, method) || !fits(request, r->pattern, request->path))
            continue;
        if ((!request->http->before || request->http->before(request, r)) && takes_query(request, r)
            && suits(request, r))
            r->fn(request);
        if (!request->answered) {
            log_error("http.unanswered", F("path", request->path));
            http_problem(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "internal", NULL);
        }
        return;
    }
    answer_without_route(request);
}

static void take_body(struct http_request *request, const char *data, size_t *size)
{
    if (request->len + *size > HTTP_BODY_MAX) {
        request->too_large = true;
    } else {
        request->body = memory_grow(request->body, request->len + *size + 1, 1);
        memcpy(request->body + request->len, data, *size);
        request->len += *size;
        request->body[request->len] = '\0';
    }
    *size = 0;
}

// Called by the library with the address as it was sent, before anything else.
static void *on_uri(void *arg, const char *uri, struct MHD_Connection *connection)
{
    (void)connection;
    struct http_request *request = memory_new(1, sizeof *request);
    request->http = arg;
    request->uri_len = strlen(uri);
    if (strstr(uri, "%00"))
        request->fault = "an octet 0 in path or query";
    else if (!http_head_is_uri(uri))
        request->fault = "a blank or a control character in path or query";
    return request;
}

// The head is there. What is refused by it does not wait for a body.
static void begin(struct http_request *request, const char *version)
{
    struct http_head head = http_head_of(request->connection, version);
    request->begun = true;
    request->fields = head.fields;
    request->too_large = head.content_length > HTTP_BODY_MAX;
    if (head.fault)
        request->fault = head.fault;
}

// Called by the library first with the headers, then for each part of the body, then once more.
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **state)
{
    (void)arg;
    struct http_request *request = *state;
    request->connection = connection;
    request->method = method;
    request->path = path;
    if (!request->begun) {
        begin(request, version);
        if (is_in_bounds(request))
            return MHD_YES;
        return request->result;
    }
    if (*size) {
        take_body(request, data, size);
        return MHD_YES;
    }
    serve(request);
    return request->result;
}

static void on_done(void *arg, struct MHD_Connection *connection, void **state,
                    enum MHD_RequestTerminationCode why)
{
    (void)arg, (void)connection, (void)why;
    struct http_request *request = *state;
    if (!request)
        return;
    forget_parts(request);
    for (int i = 0; i < request->extra_count; i++) {
        free(request->extra[i].name);
        free(request->extra[i].value);
    }
    free(request->body);
    free(request);
    *state = NULL;
}

static _Atomic int64_t refused_handshakes;

int64_t http_refused_handshakes(void)
{
    return refused_handshakes;
}

// A client that speaks too old a TLS, or does not trust our certificate: the library does not say
// which. Told once a minute at most, so that nobody fills the log from outside.
static void tell_refused_handshake(void)
{
    static _Atomic int64_t told_ns = INT64_MIN;
    int64_t now_ns = clock_mono().ns, before = told_ns;
    refused_handshakes++;
    if (before != INT64_MIN && now_ns - before < clock_machine_ns(60 * SECONDS_NS))
        return;
    if (atomic_compare_exchange_strong(&told_ns, &before, now_ns))
        log_warn("tls.refused", F("peer", "a client over HTTP"),
                 F("why", "no handshake: older than TLS 1.2, no cipher in common, or it does not"
                          " trust our certificate"));
}

// As the library calls it for each connection.
static void on_connection(void *arg, struct MHD_Connection *connection, void **state,
                          enum MHD_ConnectionNotificationCode what)
{
    (void)connection, (void)state;
    struct http *http = arg;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED)
        --http->inside;
    else if (!http->door)
        ++http->inside; // who came through the door is counted there
}

// Where there is no door. Who is one too many is sent away: at its own limit the library would stop
// listening, and hear nobody any more if all then leave at once.
static enum MHD_Result may_enter(void *arg, const struct sockaddr *address, socklen_t len)
{
    (void)address, (void)len;
    const struct http *http = arg;
    if (http->inside < http->connections_max)
        return MHD_YES;
    log_debug("http.full");
    return MHD_NO;
}

static void log_library(void *arg, const char *format, va_list list)
    __attribute__((format(printf, 2, 0)));

static void log_library(void *arg, const char *format, va_list list)
{
    (void)arg;
    char text[256];
    vsnprintf(text, sizeof text, format, list);
    text[strcspn(text, "\n")] = '\0';
    if (strstr(text, "handshake"))
        tell_refused_handshake();
    log_debug("http.library", F("text", text));
}

static void run_in_loop(void *arg)
{
    struct http *http = arg;
    MHD_run(http->daemon);
    MHD_UNSIGNED_LONG_LONG wait_ms;
    if (MHD_get_timeout(http->daemon, &wait_ms) == MHD_YES)
        loop_timer_in(http->timer, clock_machine_ns((int64_t)wait_ms * 1000000));
    else
        loop_timer_stop(http->timer);
}

static void on_ready(void *arg, uint32_t events)
{
    (void)events;
    run_in_loop(arg);
}

// The whole file as text, owned; NULL when it cannot be read.
static char *read_file(const char *path)
{
    FILE *file = path && *path ? fopen(path, "re") : NULL;
    if (!file)
        return NULL;
    char *text = memory_new(HTTP_BODY_MAX, 1);
    text[fread(text, 1, HTTP_BODY_MAX - 1, file)] = '\0';
    fclose(file);
    return text;
}

static bool find_address(const struct http_settings *settings, struct sockaddr_storage *address)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)settings->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                              .sin6_port = htons((uint16_t)settings->port)};
    if (inet_pton(AF_INET, settings->address, &v4.sin_addr) == 1)
        memcpy(address, &v4, sizeof v4);
    else if (inet_pton(AF_INET6, settings->address, &v6.sin6_addr) == 1)
        memcpy(address, &v6, sizeof v6);
    else
        return false;
    return true;
}

static bool open_door(struct http *http, const struct sockaddr_storage *address)
{
    socklen_t len =
        address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    http->door = http_door_new((const struct sockaddr *)address, len);
    return http->door;
}

static struct MHD_Daemon *start(struct http *http, const struct http_settings *settings,
                                const struct sockaddr *address)
{
    // The library's own choice still takes TLS 1.0.
    static char priorities[] = "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
    struct MHD_OptionItem options[13] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)log_library, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_uri, http},
        {MHD_OPTION_SOCK_ADDR, 0, (void *)(uintptr_t)address},
        // Shared out among the threads; none shall ever meet it.
        {MHD_OPTION_CONNECTION_LIMIT,
         (http->connections_max + 1) * (http->door ? settings->threads : 1), NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_done, NULL},
        {MHD_OPTION_LISTENING_ADDRESS_REUSE, 1, NULL},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, http},
    };
    int count = 8;
    unsigned flags = MHD_USE_EPOLL | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME;
    if (address->sa_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    if (settings->threads) {
        flags |= MHD_USE_INTERNAL_POLLING_THREAD;
        if (http->door) {
            flags |= MHD_USE_NO_LISTEN_SOCKET;
            options[count++] =
                (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, settings->threads, NULL};
        }
    }
    if (http->certificate && http->key) {
        flags |= MHD_USE_TLS;
        options[count++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, http->certificate};
        options[count++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, http->key};
        options[count++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, priorities};
    }
    options[count] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    return MHD_start_daemon(flags, 0, http->door ? NULL : may_enter, http, on_request, http,
                            MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

struct http *http_new(struct loop *loop, const struct http_settings *settings,
                      const struct http_route *routes,
                      bool (*before)(struct http_request *request, const struct http_route *route),
                      void *(*worker_new)(void *arg), void (*worker_free)(void *worker), void *arg)
{
    struct http *http = memory_new(1, sizeof *http);
    *http = (struct http){.loop = loop,
                          .routes = routes,
                          .before = before,
                          .worker_new = worker_new,
                          .worker_free = worker_free,
                          .arg = arg};
    pthread_mutex_init(&http->lock, NULL);
    pthread_key_create(&http->worker_key, NULL);
    http->connections_max = settings->connections_max ? settings->connections_max : CONNECTIONS_MAX;
    http->feed = http_feed_new((http->connections_max + 1) / 2);
    http->pipes = http_pipes_new(settings->pours_max);
    http->certificate = read_file(settings->certificate_file);
    http->key = read_file(settings->key_file);
    bool wants_tls = settings->certificate_file && *settings->certificate_file;
    struct sockaddr_storage address;
    const char *why = NULL;
    if (wants_tls && (!http->certificate || !http->key))
        why = "certificate or key cannot be read";
    else if (!find_address(settings, &address))
        why = "not an IP address";
    else if ((settings->threads > 1 && !open_door(http, &address))
             || !(http->daemon = start(http, settings, (struct sockaddr *)&address)))
        why = strerror(errno);
    if (why) {
        log_error("http.cannot_listen", F("address", settings->address), F("port", settings->port),
                  F("why", why));
        http_free(http);
        return NULL;
    }
    if (!settings->threads) {
        int fd = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
        http->timer = loop_timer_new(loop, run_in_loop, http);
        http->watch = loop_watch(loop, fd, EPOLLIN, on_ready, http);
    }
    if (http->door)
        http_door_open(http->door, http->daemon, &http->inside, http->connections_max);
    log_info("http.listening", F("address", settings->address), F("port", http_port(http)),
             F("tls", wants_tls));
    return http;
}

int http_port(const struct http *http)
{
    if (http->door)
        return http_door_port(http->door);
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

void http_tell(struct http *http, const char *text, size_t len)
{
    http_feed_tell(http->feed, text, len);
    if (http->watch)
        run_in_loop(http); // who was woken is served now
}

int http_followers(struct http *http)
{
    return http_feed_count(http->feed);
}

void http_free(struct http *http)
{
    if (!http)
        return;
    http_door_free(http->door);
    http_feed_close(http->feed);
    http_pipes_close(http->pipes);
    loop_unwatch(http->watch);
    loop_timer_free(http->timer);
    if (http->daemon)
        MHD_stop_daemon(http->daemon);
    http_feed_free(http->feed);
    http_pipes_free(http->pipes);
    for (int i = 0; i < http->worker_count && http->worker_free; i++)
        http->worker_free(http->workers[i]);
    pthread_key_delete(http->worker_key);
    pthread_mutex_destroy(&http->lock);
    free(http->certificate);
    if (http->key)
        memory_wipe(http->key, strlen(http->key));
    free(http->key);
    free(http);
}
