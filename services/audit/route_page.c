// SPDX-License-Identifier: Apache-2.0
// The page and its files. They hold no data: what the page shows it asks of /v1 with the token that
// its reader typed.

#include "base/memory.h"
#include "services/audit/answer.h"
#include "services/audit/asset.h"
#include "services/audit/routes.h"

#include <stdio.h>

// Nothing from elsewhere, nothing inline, in no other page's frame: instead of what routes_admit()
// said, which allows nothing at all.
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static void answer_asset(struct http_request *request, const char *name)
{
    const struct asset *asset = asset_find(name);
    if (!asset) {
        answer_missing(request, "file");
        return;
    }
    http_add_header(request, "Content-Security-Policy", policy);
    http_add_header(request, "Cross-Origin-Opener-Policy", "same-origin");
    http_add_header(request, "Permissions-Policy", "camera=(), geolocation=(), microphone=()");
    answer_text(request, asset_type(asset->name),
                memory_text_n((const char *)asset->octets, (size_t)asset->len), (size_t)asset->len);
}

void route_page(struct http_request *request)
{
    answer_asset(request, "index.html");
}

void route_page_file(struct http_request *request)
{
    answer_asset(request, http_part(request, 0));
}
