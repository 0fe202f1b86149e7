// SPDX-License-Identifier: Apache-2.0

#include "io/http_problem.h"
#include "base/memory.h"

#include <jansson.h>
#include <stdlib.h>

static const char *title_of(int status)
{
    switch (status) {
    case 400:
        return "The request is not understood";
    case 401:
        return "Who are you?";
    case 403:
        return "Not allowed";
    case 404:
        return "There is no such thing";
    case 405:
        return "That cannot be done here";
    case 406:
        return "Not in that form";
    case 409:
        return "Not as things stand";
    case 413:
        return "Too much";
    case 414:
        return "Too long an address";
    case 415:
        return "Not in this form";
    case 422:
        return "A value will not do";
    case 429:
        return "Too many requests";
    case 431:
        return "Too many headers";
    case 503:
        return "Not now";
    default:
        return "It did not work";
    }
}

char *http_problem_text(int status, const char *kind, const char *detail)
{
    char *type = memory_format("urn:socmod:problem:%s", kind);
    json_t *problem = json_pack("{s:s, s:s, s:i, s:s*}", "type", type, "title", title_of(status),
                                "status", status, "detail", detail);
    char *text = problem ? json_dumps(problem, JSON_COMPACT) : NULL;
    if (!text) // detail was not UTF-8
        text = memory_format("{\"type\":\"%s\",\"title\":\"%s\",\"status\":%d}", type,
                             title_of(status), status);
    json_decref(problem);
    free(type);
    return text;
}
