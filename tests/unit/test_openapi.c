// SPDX-License-Identifier: Apache-2.0
// The description of the API and the API itself: each route stands in the one, each path of the
// one is a route, and so is each operation.

#include "services/audit/routes.h"

#include "base/memory.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

// The description as text, owned.
static char *description(void)
{
    return memory_text_n((const char *)openapi_built_in, (size_t)openapi_built_in_len);
}

Test(openapi, has_each_route)
{
    char *text = description();
    int count = 0;
    for (const struct http_route *route = audit_routes; route->fn; route++, count++) {
        char *path = memory_format("\n  %s:\n    get:\n", route->pattern);
        cr_expect(strstr(text, path), "%s is not described", route->pattern);
        cr_expect_str_eq(route->method, "GET");
        free(path);
    }
    cr_expect_eq(count, 26);
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
    int count = 0;
    for (const char *at = text; (at = strstr(at, "\n  /")); count++) {
        at += 3;
        size_t len = strcspn(at, ":");
        cr_expect(is_route(at, len), "%.*s is described but no route", (int)len, at);
    }
    cr_expect_eq(count, 26);
    free(text);
}

Test(openapi, is_built_in_whole)
{
    cr_expect_eq(strlen((const char *)openapi_built_in), (size_t)openapi_built_in_len);
}
