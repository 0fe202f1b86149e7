// SPDX-License-Identifier: Apache-2.0

#include "io/http_head.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LENGTH_DIGITS = 18 }; // all that many fit

bool http_head_is_length(const char *text, size_t len)
{
    return len && len <= LENGTH_DIGITS && strspn(text, "0123456789") == len;
}

bool http_head_is_uri(const char *uri)
{
    for (; *uri; uri++)
        if ((unsigned char)*uri <= ' ' || *uri == 127)
            return false;
    return true;
}

// RFC 9110, 5.6.2.
static bool is_token(const char *name)
{
    size_t len = strspn(name, "!#$%&'*+-.^_`|~0123456789"
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    return len && !name[len];
}

struct look {
    struct http_head head;
    int hosts, lengths, codings;
};

static void look_at_length(struct look *look, const char *value)
{
    look->lengths++;
    look->head.content_length =
        http_head_is_length(value, strlen(value)) ? strtoull(value, NULL, 10) : UINT64_MAX;
    if (!*value || value[strspn(value, "0123456789")])
        look->head.fault = "Content-Length is no number";
}

static enum MHD_Result look_at(void *arg, enum MHD_ValueKind kind, const char *name,
                               const char *value)
{
    (void)kind;
    struct look *look = arg;
    look->head.fields++;
    if (!is_token(name))
        look->head.fault = "a header without a proper name";
    else if (!strcasecmp(name, MHD_HTTP_HEADER_HOST))
        look->hosts++;
    else if (!strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING))
        look->codings++;
    else if (!strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH))
        look_at_length(look, value ? value : "");
    return MHD_YES;
}

struct http_head http_head_of(struct MHD_Connection *connection, const char *version)
{
    struct look look = {0};
    MHD_get_connection_values(connection, MHD_HEADER_KIND, look_at, &look);
    if (look.hosts > 1 || (!look.hosts && !strcmp(version, MHD_HTTP_VERSION_1_1)))
        look.head.fault = "one Host is wanted";
    else if (look.lengths + look.codings > 1)
        look.head.fault = "more than one length";
    return look.head;
}
