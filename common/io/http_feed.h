// SPDX-License-Identifier: Apache-2.0
// The followers of an HTTP server: answers that have no end, and get whatever is told from then
// on. One that waits costs no thread and no work. Part of http.c; programs use http_follow() and
// http_tell(). Safe from any thread.

#ifndef IO_HTTP_FEED_H
#define IO_HTTP_FEED_H

#include <microhttpd.h>
#include <stddef.h>
#include <stdint.h>

// Who is this far behind, in octets, reads too slowly and is let go.
enum { HTTP_FEED_BEHIND_MAX = 65536 };

struct http_feed;

// followers_max: answers at once. Owned: http_feed_free(), after the daemon stopped.
struct http_feed *http_feed_new(int followers_max);
void http_feed_free(struct http_feed *feed);

// A response that begins with text and follows. After machine time last_ns it ends with the next
// thing told. Owned, to be queued for connection alone; NULL when there are too many.
struct MHD_Response *http_feed_follow(struct http_feed *feed, struct MHD_Connection *connection,
                                      const char *text, size_t len, int64_t last_ns);

void http_feed_tell(struct http_feed *feed, const char *text, size_t len);
int http_feed_count(struct http_feed *feed);

// End all answers, and each new one at once: before the daemon is stopped.
void http_feed_close(struct http_feed *feed);

#endif
