// SPDX-License-Identifier: Apache-2.0
// What a client of the API may send, word by word: whatever it is, it is taken as a value of the
// form wanted or refused, and what was taken is fit for where it goes.

#include "services/audit/bearer.h"
#include "services/audit/limit_order.h"
#include "services/audit/page.h"
#include "services/audit/parameter.h"
#include "wire/accept.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// No octet below a blank, no quote, no backslash: nothing that a log or a statement would mind.
static void must_be_tame(const char *text, bool may_quote)
{
    for (; *text; text++)
        assert(*text >= ' ' && *text <= '~' && (may_quote || !strchr("'\"\\", *text)));
}

static void take_values(const char *text)
{
    char value[PARAMETER_MAX + 1];
    for (int kind = 0; kind < PARAMETER_KINDS; kind++) {
        if (parameter_parse((enum parameter_kind)kind, text, value))
            continue;
        assert(strlen(value) <= PARAMETER_MAX);
        must_be_tame(value, kind == PARAMETER_WORDS);
    }
    parameter_tame(text, value);
    must_be_tame(value, true);
    char *escaped = parameter_escape(text);
    must_be_tame(escaped, false);
    free(escaped);
    int limit;
    if (!parameter_limit(text, &limit))
        assert(limit >= 1 && limit <= PAGE_ITEMS_MAX);
    struct span span;
    const char *what;
    if (!parameter_span(text, NULL, 1768407300, 31, &span, &what))
        assert(span.from < span.to);
}

static void take_cursor(const char *text)
{
    static const char *const kinds[] = {"i", "t", "tu", "ti", "tiu"};
    struct page_key keys[PAGE_KEYS];
    for (int i = 0; i < 5; i++)
        if (!page_decode(text, "list", kinds[i], keys))
            for (size_t k = 0; kinds[i][k]; k++)
                must_be_tame(keys[k].text, false);
}

static void take_order(const char *text, size_t len)
{
    struct limit_order order;
    char *fault;
    if (limit_order_read(text, len, 1768407300, &order, &fault)) {
        assert(fault && *fault);
        must_be_tame(fault, true);
        free(fault);
        return;
    }
    assert(!fault && *order.id && *order.reason && order.until > 1768407300 && order.limit_w >= 0);
    must_be_tame(order.id, false);
}

static void take_headers(const char *text)
{
    size_t len = 0;
    const char *token = bearer_token(text, &len);
    if (token)
        assert(token > text && token + len == text + strlen(text));
    int type = accept_type(text, "text/csv"), coding = accept_coding(text, "gzip");
    assert(type >= 0 && type <= 1000 && coding >= 0 && coding <= 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    assert(text);
    memcpy(text, data, size);
    text[size] = '\0';
    take_values(text);
    take_cursor(text);
    take_headers(text);
    take_order(text, size);
    free(text);
    return 0;
}
