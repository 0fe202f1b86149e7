// SPDX-License-Identifier: Apache-2.0
// The description of the API and the API itself: each route stands in the one, each path of the
// one is a route, and so is each operation.

#include "services/audit/routes.h"

#include "base/memory.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The description as text, owned.
static char *description(void)
{
    return memory_text_n((const char *)openapi_built_in, (size_t)openapi_built_in_len);
}

// Where the operation of a route stands; NULL: it is not described.
static const char *operation(const char *text, const struct http_route *route)
{
    char *path = memory_format("\n  %s:\n", route->pattern);
    char *method = memory_format("\n    %s:\n", route->method);
    for (char *at = method; *at; at++)
        *at = (char)tolower(*at);
    const char *found = strstr(text, path);
    const char *end = found ? strstr(found + 4, "\n  /") : NULL;
    if (found)
        found = strstr(found, method);
    free(path);
    free(method);
    return found && (!end || found < end) ? found : NULL;
}

Test(openapi, has_each_route)
{
    char *text = description();
    int count = 0;
    for (const struct http_route *route = audit_routes; route->fn; route++, count++)
        cr_expect(operation(text, route), "%s %s is not described", route->method, route->pattern);
    cr_expect_geq(count, 35);
    free(text);
}

static bool is_route(const char *path, size_t len)
{
    for (const struct http_route *route = audit_routes; route->fn; route++)
        if (strlen(route->pattern) == len && !strncmp(route->pattern, path, len))
            return true;
    return false;
}

Test(openapi, has_only_routes)
{
    char *text = description();
    for (const char *at = text; (at = strstr(at, "\n  /"));) {
        at += 3;
        size_t len = strcspn(at, ":");
        cr_expect(is_route(at, len), "%.*s is described but no route", (int)len, at);
    }
    free(text);
}

// Of the text up to end: is there a line with exactly this?
static bool has_line(const char *text, const char *end, const char *line)
{
    const char *at = strstr(text, line);
    return at && at < end;
}

static bool is_described(const char *from, const char *end, const char *parameter)
{
    char *own = memory_format("- name: %s\n", parameter);
    char *shared = memory_format("#/components/parameters/%s'\n", parameter);
    bool found = has_line(from, end, own) || has_line(from, end, shared);
    free(own);
    free(shared);
    return found;
}

// Each parameter that a route takes is described, so that what is described is all there is.
Test(openapi, has_each_parameter)
{
    char *text = description();
    for (const struct http_route *route = audit_routes; route->fn; route++) {
        const char *at = operation(text, route);
        cr_assert_not_null(at);
        const char *end = strstr(at + 1, "\n  /"), *next = strstr(at + 1, "\ncomponents:");
        end = end && end < next ? end : next;
        char names[200];
        snprintf(names, sizeof names, "%s", route->query ? route->query : "");
        char *rest = names;
        for (const char *name; (name = strsep(&rest, " "));)
            if (*name)
                cr_expect(is_described(at, end, name), "%s: %s", route->pattern, name);
    }
    free(text);
}

Test(openapi, is_built_in_whole)
{
    cr_expect_eq(strlen((const char *)openapi_built_in), (size_t)openapi_built_in_len);
}
