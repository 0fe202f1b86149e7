// SPDX-License-Identifier: Apache-2.0
// A body that one thread writes while the HTTP server sends it on, at the pace of whichever is the
// slower, in bounded memory: for answers too long to hold. http_pour() of http.h makes one.

#ifndef IO_HTTP_PIPE_H
#define IO_HTTP_PIPE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

struct http_pipe;
struct http_pipes; // those of one server

// Writer: add to the body, waiting until there is room. False when nobody reads any more: stop.
bool http_pipe_put(struct http_pipe *pipe, const char *text, size_t len);

// Writer: does anybody read still? For one that has nothing to put for long.
bool http_pipe_is_read(struct http_pipe *pipe);

// Writer, once, at last: the body is whole, or it breaks off so that the client notices. The pipe
// is gone for the writer afterwards.
void http_pipe_end(struct http_pipe *pipe, bool whole);

// For http.c. pipes_max bodies at once. Free waits until all writers have ended.
struct http_pipes *http_pipes_new(int pipes_max);
void http_pipes_free(struct http_pipes *pipes);

// Nobody reads any more: before the daemon is stopped.
void http_pipes_close(struct http_pipes *pipes);

// A pipe and the response that reads it, to be queued for connection alone; with gzip the writer's
// thread packs what it puts. NULL when there are too many.
struct http_pipe *http_pipe_new(struct http_pipes *pipes, struct MHD_Connection *connection,
                                bool gzip, struct MHD_Response **response);

#endif
