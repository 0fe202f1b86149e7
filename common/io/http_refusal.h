// SPDX-License-Identifier: Apache-2.0
// Octets that are no HTTP request never reach a route: libmicrohttpd answers them by itself, with
// an HTML page that nothing in its interface lets a program change. It does so through its own
// public MHD_queue_response(), which is looked up as any program's function is. http_refusal.c
// defines one of that name, so what the library says on its own accord becomes a problem document,
// over TLS and behind earlier requests of a connection as well; what we answer goes by
// http_refusal_pass(). Likewise MHD_lookup_connection_value_n(), by which it finds the length of a
// body. Should another version of the library call itself in another way, its page is back and
// nothing else is lost; test_http and system test 714 would tell.

#ifndef IO_HTTP_REFUSAL_H
#define IO_HTTP_REFUSAL_H

#include <microhttpd.h>

// MHD_queue_response() as the library has it.
enum MHD_Result http_refusal_pass(struct MHD_Connection *connection, unsigned status,
                                  struct MHD_Response *response);

#endif
