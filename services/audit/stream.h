// SPDX-License-Identifier: Apache-2.0
// What happens now, for those who follow /v1/stream: which kinds of rows have news, as server-sent
// events. It says that something changed, not what; who wants to know asks, and gets a 304 where it
// does not concern him. So a follower sees nothing that his token may not read.

#ifndef AUDIT_STREAM_H
#define AUDIT_STREAM_H

#include "io/http.h"
#include "io/loop.h"

struct stream;

// Hears the doorbells of the database from now on, with a connection of its own, and tells the
// followers of http: at most twice a second what changed, and each five seconds (of the machine)
// what time it is. Owned: stream_free(), before http_free().
struct stream *stream_new(struct loop *loop, const char *connection, struct http *http);
void stream_free(struct stream *stream);

// The clock of this program as a JSON object: {"at":"...","rate":1}. Owned: free().
char *stream_clock(void);

#endif
