// SPDX-License-Identifier: Apache-2.0
// What libmicrohttpd lets through in the head of a request and RFC 9110 and 9112 do not.

#ifndef IO_HTTP_HEAD_H
#define IO_HTTP_HEAD_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_head {
    int fields;
    uint64_t content_length; // UINT64_MAX: more than that, or none that can be read
    const char *fault;       // in words, static; NULL: none
};

// Look at the headers of the request that has begun. version as the client wrote it, "HTTP/1.1".
struct http_head http_head_of(struct MHD_Connection *connection, const char *version);

// Is that how a Content-Length is written, and no more than 2^63? The library refuses others
// itself.
bool http_head_is_length(const char *text, size_t len);

// Is path and query, as it was sent, without blanks and control characters?
bool http_head_is_uri(const char *uri);

#endif
