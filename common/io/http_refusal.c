// SPDX-License-Identifier: Apache-2.0

#include "io/http_refusal.h"
#include "base/log.h"
#include "io/http_head.h"
#include "io/http_problem.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

typedef enum MHD_Result queue_fn(struct MHD_Connection *connection, unsigned status,
                                 struct MHD_Response *response);
typedef enum MHD_Result lookup_fn(struct MHD_Connection *connection, enum MHD_ValueKind kind,
                                  const char *key, size_t key_size, const char **value,
                                  size_t *value_size);

static queue_fn *library_queue;
static lookup_fn *library_lookup;

// By memcpy(), for ISO C has no cast from an object to a function.
static void find(const char *name, void *place)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found)
        log_fatal("http.failed", F("what", name));
    memcpy(place, &found, sizeof found);
}

static void find_library(void)
{
    find("MHD_queue_response", &library_queue);
    find("MHD_lookup_connection_value_n", &library_lookup);
}

static void prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_library);
}

enum MHD_Result http_refusal_pass(struct MHD_Connection *connection, unsigned status,
                                  struct MHD_Response *response)
{
    prepare();
    return library_queue(connection, status, response);
}

// What the library refuses, by its status. Another version of HTTP is as little our doing as any
// other nonsense, so it is no 505 either.
static const struct refusal {
    unsigned from, status;
    const char *kind, *detail;
} refusals[] = {
    {MHD_HTTP_CONTENT_TOO_LARGE, MHD_HTTP_CONTENT_TOO_LARGE, "too-large", "body over 64 KiB"},
    {MHD_HTTP_URI_TOO_LONG, MHD_HTTP_URI_TOO_LONG, "too-long", "path and query too long"},
    {MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, "headers",
     "headers too long"},
    {MHD_HTTP_HTTP_VERSION_NOT_SUPPORTED, MHD_HTTP_BAD_REQUEST, "version", "spoken is HTTP/1.1"},
    {MHD_HTTP_INTERNAL_SERVER_ERROR, MHD_HTTP_INTERNAL_SERVER_ERROR, "internal", NULL},
    {0, MHD_HTTP_BAD_REQUEST, "syntax", "this is no HTTP request"},
};

static const struct refusal *find_refusal(unsigned status)
{
    const struct refusal *refusal = refusals;
    while (refusal->from && refusal->from != status)
        refusal++;
    return refusal;
}

// Called by the library alone, in its own words' place; response stays its caller's.
enum MHD_Result MHD_queue_response(struct MHD_Connection *connection, unsigned status,
                                   struct MHD_Response *response)
{
    (void)response;
    const struct refusal *refusal = find_refusal(status);
    char *text = http_problem_text((int)refusal->status, refusal->kind, refusal->detail);
    struct MHD_Response *ours =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    if (!ours)
        log_fatal("http.failed", F("what", "response"));
    MHD_add_response_header(ours, "Content-Type", HTTP_PROBLEM_TYPE);
    MHD_add_response_header(ours, "X-Content-Type-Options", "nosniff");
    enum MHD_Result result = http_refusal_pass(connection, refusal->status, ours);
    MHD_destroy_response(ours);
    return result;
}

// The library looks up the length of a body here. What it would refuse it is not shown: its answer
// would come with two heads, of which the second stands where the body should. http.c answers.
enum MHD_Result MHD_lookup_connection_value_n(struct MHD_Connection *connection,
                                              enum MHD_ValueKind kind, const char *key,
                                              size_t key_size, const char **value,
                                              size_t *value_size)
{
    static const char name[] = MHD_HTTP_HEADER_CONTENT_LENGTH;
    const char *found = NULL;
    size_t len = 0;
    prepare();
    enum MHD_Result result = library_lookup(connection, kind, key, key_size, &found, &len);
    if (result == MHD_YES && kind == MHD_HEADER_KIND && key_size == sizeof name - 1
        && !strncasecmp(key, name, key_size) && !http_head_is_length(found, len))
        return MHD_NO;
    if (value)
        *value = found;
    if (value_size)
        *value_size = len;
    return result;
}
