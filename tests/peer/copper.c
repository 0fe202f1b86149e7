// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/copper.h"
#include "base/rfc3339.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_W = 1000000 };

static int put_powers(char *text, size_t size, const char *name, const int64_t p_mw[])
{
    int len = snprintf(text, size, ",\"%s\":[", name);
    for (int i = 0; i < COPPER_PHASES; i++)
        len += snprintf(text + len, size - (size_t)len, "%s%" PRId64 ".%03" PRId64, i ? "," : "",
                        p_mw[i] / 1000, p_mw[i] % 1000);
    return len + snprintf(text + len, size - (size_t)len, "]");
}

void copper_write(const struct copper *copper, char text[static COPPER_MAX])
{
    char at[RFC3339_MS_LEN + 1];
    rfc3339_format_ms(copper->at_ms * 1000000, at);
    int len = snprintf(text, COPPER_MAX, "{\"charger\":\"%s\"", copper->charger);
    len += put_powers(text + len, COPPER_MAX - (size_t)len, "p_w", copper->p_mw);
    len += put_powers(text + len, COPPER_MAX - (size_t)len, "free_p_w", copper->free_mw);
    snprintf(text + len, COPPER_MAX - (size_t)len, ",\"at\":\"%s\"}", at);
}

static enum err get_powers(const json_t *list, int64_t p_mw[])
{
    if (json_array_size(list) != COPPER_PHASES)
        return ERR_SYNTAX;
    for (size_t i = 0; i < COPPER_PHASES; i++) {
        const json_t *power = json_array_get(list, i);
        if (!json_is_number(power))
            return ERR_SYNTAX;
        if (!(json_number_value(power) >= 0 && json_number_value(power) <= MOST_W))
            return ERR_RANGE;
        p_mw[i] = llround(json_number_value(power) * 1000);
    }
    return ERR_NONE;
}

// With milliseconds, which RFC 3339 reading in whole seconds would drop.
static enum err get_time(const char *text, int64_t *at_ms)
{
    int64_t at_s;
    enum err err = rfc3339_parse(text, strlen(text), &at_s);
    const char *fraction = strchr(text, '.');
    if (!err)
        *at_ms = at_s * 1000 + (fraction ? (int64_t)(strtod(fraction, NULL) * 1000 + 0.5) : 0);
    return err;
}

enum err copper_read(const char *text, int64_t now_ms, struct copper *copper)
{
    struct copper read = {.at_ms = now_ms};
    const char *charger, *at = NULL;
    json_t *p_w, *free_p_w = NULL;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    enum err err = ERR_SYNTAX;
    if (json_unpack(root, "{s:s,s:o,s?o,s?s}", "charger", &charger, "p_w", &p_w, "free_p_w",
                    &free_p_w, "at", &at)
            == 0
        && strlen(charger) <= COPPER_ID_LEN)
        err = get_powers(p_w, read.p_mw);
    if (!err)
        err = get_powers(free_p_w ? free_p_w : p_w, read.free_mw);
    if (!err && at)
        err = get_time(at, &read.at_ms);
    if (!err) {
        memcpy(read.charger, charger, strlen(charger) + 1);
        *copper = read;
    }
    json_decref(root);
    return err;
}
