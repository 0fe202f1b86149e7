// SPDX-License-Identifier: Apache-2.0

#include "services/audit/asset.h"

#include <stddef.h>
#include <string.h>

const struct asset *asset_find(const char *name)
{
    for (const struct asset *asset = assets_built_in; asset->name; asset++)
        if (!strcmp(asset->name, name))
            return asset;
    return NULL;
}

const char *asset_type(const char *name)
{
    static const struct {
        const char *ending, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".svg", "image/svg+xml"},
    };
    const char *ending = strrchr(name, '.');
    for (size_t i = 0; ending && i < sizeof types / sizeof *types; i++)
        if (!strcmp(types[i].ending, ending))
            return types[i].type;
    return "text/plain; charset=utf-8";
}
