// SPDX-License-Identifier: Apache-2.0

#include "services/audit/bearer.h"

#include <string.h>
#include <strings.h>

enum { TOKEN_MAX = 512 };

const char *bearer_token(const char *header, size_t *len)
{
    static const char scheme[] = "Bearer ";
    if (!header || strncasecmp(header, scheme, sizeof scheme - 1) != 0)
        return NULL;
    const char *token = header + sizeof scheme - 1;
    token += strspn(token, " ");
    size_t body = strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789-._~+/");
    size_t all = body + strspn(token + body, "=");
    if (!body || token[all] || all > TOKEN_MAX)
        return NULL;
    *len = all;
    return token;
}
