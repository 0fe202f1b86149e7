// SPDX-License-Identifier: Apache-2.0
// The span of time that a request asks about by from= and to=, bounded by the settings.

#ifndef AUDIT_SPAN_H
#define AUDIT_SPAN_H

#include "io/http.h"
#include "services/audit/parameter.h"

#include <stdbool.h>

struct span_text {
    char from[PARAMETER_MAX + 1], to[PARAMETER_MAX + 1]; // as the database takes them
};

// False: one is wrong, and that was answered. span, unless NULL, gets the same as seconds.
bool span_asked(struct http_request *request, struct span_text *text, struct span *span);

#endif
