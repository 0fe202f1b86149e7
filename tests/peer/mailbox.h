// SPDX-License-Identifier: Apache-2.0
// UNIX datagram sockets: one text a datagram, at most MAILBOX_MAX octets.

#ifndef PEER_MAILBOX_H
#define PEER_MAILBOX_H

#include "base/err.h"
#include "io/loop.h"

#include <stddef.h>

enum { MAILBOX_MAX = 1024 };

struct mailbox;

// Bind path, in place of what is left there from before, and call fn(arg, text) for each
// datagram. What fn returns, where that is not NULL, goes back to a sender that has a name.
// Cannot bind: ends the program. NULL for an empty path. Owned: mailbox_free().
struct mailbox *mailbox_new(struct loop *loop, const char *path,
                            const char *(*fn)(void *arg, const char *text), void *arg);
void mailbox_free(struct mailbox *mailbox);

// To several mailboxes, each in order; what one cannot take now, because it is full or nobody
// is there, waits, and beyond a thousand texts the oldest goes.
struct postman;

// paths: names of sockets, separated by blanks. Owned: postman_free().
struct postman *postman_new(struct loop *loop, const char *paths);
void postman_free(struct postman *postman);
void postman_send(struct postman *postman, const char *text);

// Say again what is so already: only to those for whom nothing waits.
void postman_repeat(struct postman *postman, const char *text);

#endif
