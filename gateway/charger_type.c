// SPDX-License-Identifier: Apache-2.0

#include "gateway/charger_type.h"
#include "base/config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Words of the file, in the order of the enums.
static const char *const types[] = {"u16", "i16", "u32", "f32", NULL};
static const char *const units[] = {"A", "W", "percent", NULL};
static const char *const keepalives[] = {"rewrite", "any", "token", NULL};

// Of a word that the settings have let through, hence one of words.
static int index_of(const char *word, const char *const *words)
{
    int i = 0;
    while (word && words[i + 1] && strcmp(words[i], word) != 0)
        i++;
    return i;
}

static bool fits(const struct charger_type *type)
{
    static const int64_t most[] = {UINT16_MAX, INT16_MAX, UINT32_MAX, 1 << 24};
    return type->scale.most <= most[type->limit_type] && type->scale.least <= type->scale.most
           && type->scale.pause <= most[type->limit_type]
           && !(type->limit_function == 6 && registers_count(type->limit_type) != 1);
}

enum err charger_type_read(const char *path, struct charger_type *type)
{
    struct charger_type read = {0};
    char *type_word = NULL, *order = NULL, *unit = NULL, *keepalive = NULL;
    double step = 0;
    const struct setting settings[] = {
        {"type", "name", .text = &read.name, .help = "make and line"},
        {"type", "grade", .text = &read.grade, .words = "V C2 C U",
         .help = "what the facts rest on: vendor, two drivers, one driver, a note"},
        {"type", "port", .integer = &read.port, .otherwise = "502", .least = 1, .most = 65535,
         .help = "TCP port"},
        {"type", "unit", .integer = &read.unit, .otherwise = "1", .least = 0, .most = 255,
         .help = "Modbus unit"},
        {"type", "gap_ms", .integer = &read.gap_ms, .otherwise = "0", .least = 0, .most = 1000,
         .help = "rest between two requests"},
        {"limit", "function", .integer = &read.limit_function, .least = 6, .most = 16,
         .help = "function code of the write, 6 or 16"},
        {"limit", "register", .integer = &read.limit_register, .least = 0, .most = 65535,
         .help = "address on the wire, counted from 0"},
        {"limit", "type", .text = &type_word, .words = "u16 i16 u32 f32", .help = "of the number"},
        {"limit", "order", .text = &order, .otherwise = "high", .words = "high low",
         .help = "which word of two comes first"},
        {"limit", "unit", .text = &unit, .words = "A W percent", .help = "A: per phase"},
        {"limit", "step", .real = &step, .least = 0.000001, .most = 1000,
         .help = "of the number, in the unit; for f32 what to round down to"},
        {"limit", "least", .integer = &read.scale.least, .otherwise = "0", .least = 0, .most = 1e9,
         .help = "lowest number that charges"},
        {"limit", "most", .integer = &read.scale.most, .least = 1, .most = 4294967295.0,
         .help = "highest number"},
        {"limit", "pause", .integer = &read.scale.pause, .otherwise = "0", .least = -1, .most = 1e9,
         .help = "number that stops charging"},
        {"readback", "function", .integer = &read.readback_function, .otherwise = "3", .least = 3,
         .most = 4, .help = "function code of the read"},
        {"readback", "register", .integer = &read.readback_register, .least = -1, .most = 65535,
         .help = "same number as was written; -1: cannot be read back"},
        {"keepalive", "kind", .text = &keepalive, .words = "rewrite any token",
         .help = "what keeps the charger from falling back"},
        {"keepalive", "period_s", .integer = &read.keepalive_s, .otherwise = "25", .least = 1,
         .most = 3600, .help = "longest pause between two"},
        {"keepalive", "register", .integer = &read.token_register, .otherwise = "0", .least = 0,
         .most = 65535, .help = "of the token"},
        {"keepalive", "value", .integer = &read.token_value, .otherwise = "0", .least = 0,
         .most = 65535, .help = "of the token"},
        {"watchdog", "register", .integer = &read.watchdog_register, .otherwise = "-1", .least = -1,
         .most = 65535, .help = "seconds of silence until it falls back; -1: none"},
        {"watchdog", "unit_ms", .integer = &read.watchdog_unit_ms, .otherwise = "1000", .least = 1,
         .most = 60000, .help = "what 1 stands for"},
        {"watchdog", "fallback_register", .integer = &read.fallback_register, .otherwise = "-1",
         .least = -1, .most = 65535, .help = "limit that it falls back to; -1: none"},
        {"watchdog", "fallback_step_w", .integer = &read.fallback_step_w, .otherwise = "1",
         .least = 1, .most = 1000, .help = "what 1 stands for, W"},
        {0},
    };
    config_defaults(settings);
    enum err err = config_read(path, settings);
    if (!err) {
        read.limit_type = (enum registers_type)index_of(type_word, types);
        read.low_word_first = !strcmp(order, "low");
        read.scale.unit = (enum amperes_unit)index_of(unit, units);
        read.scale.step_micro = llround(step * 1e6);
        read.keepalive = (enum charger_keepalive)index_of(keepalive, keepalives);
        if ((read.limit_function != 6 && read.limit_function != 16) || !fits(&read)) {
            fprintf(stderr, "%s: [limit] function, type, least, most and pause do not fit\n", path);
            err = ERR_RANGE;
        }
    }
    free(type_word);
    free(order);
    free(unit);
    free(keepalive);
    if (err)
        charger_type_clear(&read);
    else
        *type = read;
    return err;
}

void charger_type_clear(struct charger_type *type)
{
    free(type->name);
    free(type->grade);
    *type = (struct charger_type){0};
}
