// SPDX-License-Identifier: Apache-2.0

#include "services/audit/page.h"
#include "base/id.h"
#include "io/db.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MICROS_MAX INT64_C(7258118400000000) // the year 2200

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode(const char *plain, size_t len, char *text)
{
    for (size_t i = 0; i < len; i += 3) {
        size_t octets = len - i < 3 ? len - i : 3;
        uint32_t group = 0;
        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (k < octets ? (uint8_t)plain[i + k] : 0);
        for (size_t k = 0; k <= octets; k++)
            *text++ = alphabet[group >> (18 - 6 * k) & 63];
    }
    *text = '\0';
}

// Returns the length, or -1 for what is not base64url.
static int decode(const char *text, char *plain)
{
    uint32_t bits = 0;
    int held = 0, len = 0;
    for (; *text; text++) {
        const char *at = strchr(alphabet, *text);
        if (!at)
            return -1;
        bits = bits << 6 | (uint32_t)(at - alphabet);
        held += 6;
        if (held >= 8) {
            held -= 8;
            plain[len++] = (char)(bits >> held & 255);
        }
    }
    return len;
}

void page_encode(const char *list, const char *kinds, const char *const *keys,
                 char cursor[static PAGE_CURSOR_MAX + 1])
{
    char plain[PAGE_CURSOR_MAX];
    size_t len = (size_t)snprintf(plain, sizeof plain, "%s", list);
    for (size_t i = 0; kinds[i]; i++)
        len += (size_t)snprintf(plain + len, sizeof plain - len, "\n%s", keys[i]);
    assert((len + 2) / 3 * 4 <= PAGE_CURSOR_MAX);
    encode(plain, len, cursor);
}

static bool parse_number(const char *text, int64_t *number)
{
    size_t sign = *text == '-';
    size_t len = strspn(text + sign, "0123456789");
    if (!len || len > 18 || text[sign + len])
        return false;
    *number = strtoll(text, NULL, 10);
    return true;
}

static enum err take_key(char kind, const char *text, struct page_key *key)
{
    int64_t number;
    if (kind == 'u') {
        struct id id;
        if (id_parse(text, strlen(text), &id))
            return ERR_SYNTAX;
        id_format(&id, key->text);
        return ERR_NONE;
    }
    if (!parse_number(text, &number))
        return ERR_SYNTAX;
    if (kind == 't') {
        if (number < 0 || number > MICROS_MAX)
            return ERR_RANGE;
        db_time((struct utc){number * 1000}, key->text);
    } else {
        snprintf(key->text, sizeof key->text, "%jd", (intmax_t)number);
    }
    return ERR_NONE;
}

enum err page_decode(const char *cursor, const char *list, const char *kinds,
                     struct page_key keys[static PAGE_KEYS])
{
    char plain[PAGE_CURSOR_MAX + 1];
    if (strlen(cursor) > PAGE_CURSOR_MAX)
        return ERR_SYNTAX;
    int len = decode(cursor, plain);
    if (len < 0)
        return ERR_SYNTAX;
    plain[len] = '\0';
    if (strlen(plain) != (size_t)len)
        return ERR_SYNTAX;
    char *rest = plain;
    if (strcmp(strsep(&rest, "\n"), list) != 0)
        return ERR_SYNTAX;
    struct page_key taken[PAGE_KEYS] = {0};
    for (size_t i = 0; kinds[i]; i++) {
        assert(i < PAGE_KEYS);
        const char *text = strsep(&rest, "\n");
        enum err err = text ? take_key(kinds[i], text, &taken[i]) : ERR_SYNTAX;
        if (err)
            return err;
    }
    if (rest)
        return ERR_SYNTAX;
    memcpy(keys, taken, strlen(kinds) * sizeof *keys);
    return ERR_NONE;
}
