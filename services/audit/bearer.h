// SPDX-License-Identifier: Apache-2.0
// The Authorization header of a request. Source: RFC 6750, section 2.1. Pure.

#ifndef AUDIT_BEARER_H
#define AUDIT_BEARER_H

#include <stddef.h>

// The token in "Bearer <token>", borrowed from header, and its length; NULL when there is none:
// no header, another scheme, or characters that no token has.
const char *bearer_token(const char *header, size_t *len);

#endif
