// SPDX-License-Identifier: Apache-2.0
// The door of an HTTP server with several threads: it lets connections in and hands them round.
// Left to themselves, the threads that wake first take all that come together, and the rest has
// nothing to do. It also keeps out who would be one too many: libmicrohttpd 0.9.75 stops a thread
// for good that meets its own limit so. Part of http.c.

#ifndef IO_HTTP_DOOR_H
#define IO_HTTP_DOOR_H

#include <microhttpd.h>
#include <sys/socket.h>

struct http_door;

// Listen at address; nobody is let in yet. NULL with errno set where that cannot be. Owned:
// http_door_free().
struct http_door *http_door_new(const struct sockaddr *address, socklen_t len);

// Let in whoever comes, to the threads of daemon, until http_door_free(), which comes before
// MHD_stop_daemon(). inside counts the connections, at most most: one more for each that is let in;
// who leaves is for the caller to count.
void http_door_open(struct http_door *door, struct MHD_Daemon *daemon, _Atomic int *inside,
                    int most);
int http_door_port(const struct http_door *door);
void http_door_free(struct http_door *door);

#endif
