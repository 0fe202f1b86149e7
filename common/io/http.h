// SPDX-License-Identifier: Apache-2.0
// An HTTP server over libmicrohttpd: a table of routes, answered in the loop's thread or by a
// few threads of its own. It answers by itself what every server should: HEAD as GET without
// body, OPTIONS, 404, 405 with Allow, 406, 413, 414, 431, 400 for a query that the route does not
// know, 304 where an ETag matches, and gzip where the client takes it. Errors are RFC 9457 problem
// documents.

#ifndef IO_HTTP_H
#define IO_HTTP_H

#include "base/err.h"
#include "io/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_BODY_MAX = 65536, HTTP_PATH_PARTS = 4, HTTP_URI_MAX = 8000, HTTP_HEADERS_MAX = 64 };

struct http_request;

// Borrowed for the call. NULL where the client gave none. Names of headers in any case.
const char *http_method(const struct http_request *request);
const char *http_path(const struct http_request *request);
const char *http_query(const struct http_request *request, const char *name);
const char *http_header(const struct http_request *request, const char *name);
const char *http_body(const struct http_request *request, size_t *len); // all of it
// What stood at the n-th {...} of the route's pattern. Percent signs are decoded before the path is
// compared, so a %2F is a slash.
const char *http_part(const struct http_request *request, int n);
// The address of the client, as text.
const char *http_client(const struct http_request *request);
// What http_new was given, or the worker of this thread.
void *http_worker(const struct http_request *request);

// Answer. body is taken over (it is free()d) or NULL; type its media type. Exactly one answer
// for each request, from within the route's function.
void http_answer(struct http_request *request, int status, const char *type, char *body,
                 size_t len);

// One more header for the answer to come, or a new value of one that was added; copied. An "ETag"
// (with its quotes) makes a 304 of an answer 200 that the client has already; packed answers have a
// tag of their own.
void http_add_header(struct http_request *request, const char *name, const char *value);

// Answer a problem: type becomes "urn:socmod:problem:<kind>", title and detail are for a person.
void http_problem(struct http_request *request, int status, const char *kind, const char *detail);

// Answer 200 with a body that has no end: it begins with text and goes on with whatever
// http_tell() tells, in order. Holds no thread. It ends after machine time last_ns, when the client
// reads too slowly, or when the server stops; the client then asks again. 503 when half of the
// connections follow already.
void http_follow(struct http_request *request, const char *type, const char *text, size_t len,
                 int64_t last_ns);

// Answer 200 with a body too long to hold, which a thread of the caller's then writes: see
// http_pipe.h. It must come to http_pipe_end(). NULL after a 503 when as many are under way as the
// settings allow. Not for HEAD.
struct http_pipe;
struct http_pipe *http_pour(struct http_request *request, const char *type);

struct http_route {
    const char *method;  // "GET", "POST", ...
    const char *pattern; // "/v1/profiles/{id}/life"; each {...} takes one path segment
    void (*fn)(struct http_request *request);
    const char *types; // what it can answer, separated by blanks; NULL: not the client's choice
    const char *query; // parameters that it knows, likewise; NULL: any. Another, or one twice: 400
    int tag;           // of the program's own, for before()
};

struct http_settings {
    const char *address;                     // "127.0.0.1", "::1", "0.0.0.0"
    int port;                                // 0: any free one
    int threads;                             // 0: answer in the loop's thread
    const char *certificate_file, *key_file; // PEM, for TLS; NULL or "" for none
    int connections_max;                     // 0: 1000; who is one too many is sent away
    int pours_max;                           // http_pour() at once
};

struct http;

// Listen and serve routes (ending with {0}; borrowed) until http_free(). With threads, each
// thread gets a worker of worker_new(arg) at its first request, freed by worker_free; without,
// or without worker_new, http_worker() is arg. before, if given, is called first for each request
// that has a route; when it returns false it has answered (no rights).
// NULL when it cannot listen, which was logged. Owned: http_free().
struct http *http_new(struct loop *loop, const struct http_settings *settings,
                      const struct http_route *routes,
                      bool (*before)(struct http_request *request, const struct http_route *route),
                      void *(*worker_new)(void *arg), void (*worker_free)(void *worker), void *arg);
int http_port(const struct http *http);

// How many clients all servers of this process have turned away before there was TLS between them.
int64_t http_refused_handshakes(void);

// Tell all who follow, in the loop's thread; and how many do, from any thread. A follower that has
// gone is noticed when something is told, so tell something now and then.
void http_tell(struct http *http, const char *text, size_t len);
int http_followers(struct http *http);
void http_free(struct http *http);

#endif
