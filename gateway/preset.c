// SPDX-License-Identifier: Apache-2.0

#include "gateway/preset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const long MOST_W = 1000000;

// One "CODE=WATTS" of len characters.
static enum err parse_one(const char *text, size_t len, struct presets *presets)
{
    const char *equals = memchr(text, '=', len), *end = equals;
    while (len > 0 && *text == ' ')
        text++, len--;
    if (!equals)
        return ERR_SYNTAX;
    while (end > text && end[-1] == ' ')
        end--;
    size_t code_len = end > text ? (size_t)(end - text) : 0;
    if (code_len > TIC_TEXT_MAX || presets->count == PRESETS_MAX)
        return ERR_SIZE;
    struct preset preset = {0};
    memcpy(preset.code, text, code_len);
    char *rest;
    long watts = strtol(equals + 1, &rest, 10);
    while (*rest == ' ')
        rest++;
    if (code_len == 0 || rest == equals + 1 || rest != text + len
        || preset_find(presets, preset.code))
        return ERR_SYNTAX;
    if (watts < 0 || watts > MOST_W)
        return ERR_RANGE;
    preset.limit_w = (int32_t)watts;
    presets->items[presets->count++] = preset;
    return ERR_NONE;
}

enum err presets_parse(const char *text, struct presets *presets)
{
    struct presets read = {.source = presets->source};
    for (const char *at = text; *at; at += *at == ',') {
        size_t len = strcspn(at, ",");
        enum err err = parse_one(at, len, &read);
        if (err)
            return err;
        at += len;
    }
    *presets = read;
    return ERR_NONE;
}

bool preset_code(const struct presets *presets, const struct tic *tic,
                 char code[static TIC_TEXT_MAX + 1])
{
    const struct tic_text *text =
        presets->source == PRESET_MSG1 ? &tic->message : &tic->short_message;
    if (presets->source == PRESET_RELAIS) {
        if (tic->relays.status != TIC_VALUE || tic->relays.value > 255)
            return false;
        snprintf(code, TIC_TEXT_MAX + 1, "%03d", (int)tic->relays.value);
        return true;
    }
    if (text->status != TIC_VALUE)
        return false;
    memcpy(code, text->text, sizeof text->text);
    return true;
}

const struct preset *preset_find(const struct presets *presets, const char *code)
{
    for (int i = 0; i < presets->count; i++)
        if (!strcmp(presets->items[i].code, code))
            return &presets->items[i];
    return NULL;
}
