// SPDX-License-Identifier: Apache-2.0

#include "gateway/meter_map.h"
#include "base/config.h"
#include "base/cursor.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { READ_HOLDING = 3, READ_INPUT = 4, MOST_REGISTERS = 125, EXCEPTION_BIT = 0x80 };
enum { ILLEGAL_FUNCTION = 1, ILLEGAL_ADDRESS = 2, ILLEGAL_VALUE = 3, DEVICE_FAILURE = 4 };

// ---- the file

static bool take_type(const char *word, size_t len, enum registers_type *type)
{
    for (int i = 0; registers_type_names[i]; i++)
        if (strlen(registers_type_names[i]) == len
            && !strncmp(registers_type_names[i], word, len)) {
            *type = (enum registers_type)i;
            return true;
        }
    return false;
}

static bool take_address(const char **text, uint16_t *address)
{
    char *end;
    long number = strtol(*text, &end, 0);
    if (end == *text || number < 0 || number > UINT16_MAX)
        return false;
    *text = end;
    *address = (uint16_t)number;
    return true;
}

static enum err complain(const char *path, const char *section, const char *name, const char *why)
{
    config_complain(path, section, name, why);
    return ERR_SYNTAX;
}

// "0x8006 f32 1": where a quantity stands, as what, and what 1 stands for.
static enum err take_entry(const char *path, struct meter_map *map, enum meter_quantity quantity,
                           const char *text)
{
    struct meter_map_entry entry = {.quantity = quantity};
    const char *name = meter_quantity_name(quantity), *at = text;
    bool is_good = take_address(&at, &entry.address);
    at += strspn(at, " ");
    size_t len = strcspn(at, " ");
    is_good = is_good && take_type(at, len, &entry.type);
    char *end = NULL;
    if (is_good) {
        entry.step = strtod(at + len, &end);
        is_good = end != at + len && !*end && entry.step > 0 && isfinite(entry.step);
    }
    if (!is_good)
        return complain(path, "registers", name, "not like 0x8006 f32 1");
    if (entry.address + registers_count(entry.type) - 1 > UINT16_MAX)
        return complain(path, "registers", name, "ends beyond the last address");
    map->entries[map->count++] = entry;
    return ERR_NONE;
}

// "f32 0x8018 0x801A": registers of a type that no telegram can fill.
static enum err take_untold(const char *path, struct meter_map *map, const char *text)
{
    enum registers_type type = REGISTERS_U16;
    for (const char *at = text; *(at += strspn(at, " "));) {
        size_t len = strcspn(at, " ");
        uint16_t address;
        if (take_type(at, len, &type)) {
            at += len;
            continue;
        }
        if (!take_address(&at, &address) || map->count == METER_MAP_ENTRIES)
            return complain(path, "meter", "untold", "not a type and addresses, or too many");
        map->entries[map->count++] = (struct meter_map_entry){METER_UNTOLD, address, type, 1};
    }
    return ERR_NONE;
}

static bool put_fixed(struct meter_map *map, uint16_t address, uint16_t word)
{
    if (map->fixed_count == METER_MAP_FIXED)
        return false;
    map->fixed[map->fixed_count].address = address;
    map->fixed[map->fixed_count++].word = word;
    return true;
}

// "0xC350=0x0053,0x004F 0xC38A=COUNTIS": words, or a text of two characters a register.
static enum err take_fixed(const char *path, struct meter_map *map, const char *text)
{
    for (const char *at = text; *(at += strspn(at, " "));) {
        uint16_t address, word;
        bool is_good = take_address(&at, &address) && *at++ == '=';
        bool is_words = is_good && *at >= '0' && *at <= '9', goes_on = is_words;
        while (goes_on) {
            is_good = take_address(&at, &word) && put_fixed(map, address++, word);
            goes_on = is_good && *at == ',';
            at += goes_on;
        }
        for (; is_good && !is_words && *at && *at != ' '; at += at[1] && at[1] != ' ' ? 2 : 1)
            is_good = put_fixed(map, address++,
                                (uint16_t)(at[0] << 8 | (at[1] && at[1] != ' ' ? at[1] : 0)));
        if (!is_good || (*at && *at != ' '))
            return complain(path, "meter", "fixed",
                            "not like 0xC350=0x0053,0x004F 0xC38A=NAME, or too long");
    }
    return ERR_NONE;
}

static enum err take_all(const char *path, struct meter_map *map, char *const *texts,
                         const char *untold, const char *fixed)
{
    for (int q = 0; q < METER_UNTOLD; q++)
        if (*texts[q] && take_entry(path, map, (enum meter_quantity)q, texts[q]))
            return ERR_SYNTAX;
    if (take_untold(path, map, untold) || take_fixed(path, map, fixed))
        return ERR_SYNTAX;
    return map->count ? ERR_NONE
                      : complain(path, "registers", "power", "is not there, nor any other");
}

enum err meter_map_read(const char *path, struct meter_map *map)
{
    enum { OWN = 7 };
    struct meter_map read = {0};
    char *functions = NULL, *order = NULL, *absent = NULL, *untold = NULL, *fixed = NULL;
    char *texts[METER_UNTOLD] = {0};
    struct setting settings[OWN + METER_UNTOLD + 1] = {
        {"meter", "name", .text = &read.name, .help = "make and line"},
        {"meter", "grade", .text = &read.grade, .words = "V C2 C U",
         .help = "what the facts rest on: vendor, two drivers, one driver, a note"},
        {"meter", "functions", .text = &functions, .otherwise = "3+4", .words = "3 4 3+4",
         .help = "codes that read it"},
        {"meter", "order", .text = &order, .otherwise = "high", .words = "high low",
         .help = "which word of several comes first"},
        {"meter", "absent", .text = &absent, .otherwise = "most", .words = "most least",
         .help = "signed number that stands for no value"},
        {"meter", "untold", .text = &untold, .otherwise = "",
         .help = "types and addresses that no telegram can fill"},
        {"meter", "fixed", .text = &fixed, .otherwise = "", .help = "ADDRESS=WORDS or =TEXT"},
    };
    for (int q = 0; q < METER_UNTOLD; q++)
        settings[OWN + q] =
            (struct setting){"registers", meter_quantity_name((enum meter_quantity)q),
                             .text = &texts[q], .otherwise = "", .help = "ADDRESS TYPE STEP"};
    config_defaults(settings);
    enum err err = config_read(path, settings);
    if (!err)
        err = take_all(path, &read, texts, untold, fixed);
    if (!err) {
        read.has_holding = strchr(functions, '3');
        read.has_input = strchr(functions, '4');
        read.low_word_first = !strcmp(order, "low");
        read.absent_is_least = !strcmp(absent, "least");
    }
    for (int q = 0; q < METER_UNTOLD; q++)
        free(texts[q]);
    free(functions);
    free(order);
    free(absent);
    free(untold);
    free(fixed);
    if (err)
        meter_map_clear(&read);
    else
        *map = read;
    return err;
}

void meter_map_clear(struct meter_map *map)
{
    free(map->name);
    free(map->grade);
    *map = (struct meter_map){0};
}

// ---- answers

static bool is_real(enum registers_type type)
{
    return type == REGISTERS_F32 || type == REGISTERS_F64;
}

static int64_t absent_code(const struct meter_map *map, enum registers_type type)
{
    if (registers_least(type) == 0)
        return -1; // all ones
    return map->absent_is_least ? registers_least(type) : registers_most(type);
}

static void encode(const struct meter_map *map, const struct meter_map_entry *entry,
                   const struct meter_values *values, uint16_t words[static REGISTERS_MAX])
{
    bool is_known = values->is_known[entry->quantity];
    double number = (double)values->milli[entry->quantity] / 1000 / entry->step;
    if (is_real(entry->type)) {
        registers_pack_real(entry->type, map->low_word_first, is_known ? number : (double)NAN,
                            words);
        return;
    }
    number = round(number);
    is_known &= number >= (double)registers_least(entry->type)
                && number < (double)registers_most(entry->type);
    registers_pack(entry->type, map->low_word_first,
                   is_known ? (int64_t)number : absent_code(map, entry->type), 1000000, words);
}

// Fill count registers from first on; false when none of them is the map's.
static bool fill(const struct meter_map *map, const struct meter_values *values, uint16_t first,
                 int count, uint16_t *out)
{
    bool is_met = false;
    for (int i = 0; i < map->count; i++) {
        const struct meter_map_entry *entry = &map->entries[i];
        int at = entry->address - first, size = registers_count(entry->type);
        if (at >= count || at + size <= 0)
            continue;
        uint16_t words[REGISTERS_MAX] = {0};
        encode(map, entry, values, words);
        for (int w = 0; w < size; w++)
            if (at + w >= 0 && at + w < count)
                out[at + w] = words[w];
        is_met = true;
    }
    for (int i = 0; i < map->fixed_count; i++) {
        int at = map->fixed[i].address - first;
        if (at < 0 || at >= count)
            continue;
        out[at] = map->fixed[i].word;
        is_met = true;
    }
    return is_met;
}

static int read_registers(const struct meter_map *map, const struct meter_values *values,
                          struct cursor *in, struct cursor *out)
{
    uint16_t first = cursor_get_u16(in), count = cursor_get_u16(in);
    uint16_t words[MOST_REGISTERS] = {0};
    if (in->err || cursor_left(in) || count < 1 || count > MOST_REGISTERS)
        return ILLEGAL_VALUE;
    if (first + count - 1 > UINT16_MAX)
        return ILLEGAL_ADDRESS;
    if (!values)
        return DEVICE_FAILURE;
    if (!fill(map, values, first, count, words))
        return ILLEGAL_ADDRESS;
    cursor_put_u8(out, (uint8_t)(2 * count));
    for (int i = 0; i < count; i++)
        cursor_put_u16(out, words[i]);
    return 0;
}

size_t meter_map_answer(const struct meter_map *map, const struct meter_values *values,
                        const uint8_t *request, size_t len, uint8_t answer[static METER_MAP_PDU])
{
    struct cursor in = cursor_reader(request, len), out = cursor_writer(answer, METER_MAP_PDU);
    uint8_t function = cursor_get_u8(&in);
    cursor_put_u8(&out, function);
    bool is_ours = (function == READ_HOLDING && map->has_holding)
                   || (function == READ_INPUT && map->has_input);
    int exception = is_ours ? read_registers(map, values, &in, &out) : ILLEGAL_FUNCTION;
    if (!exception)
        return METER_MAP_PDU - cursor_left(&out);
    answer[0] = function | EXCEPTION_BIT;
    answer[1] = (uint8_t)exception;
    return 2;
}

// ---- the list

static int is_map(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 4 && !strcmp(entry->d_name + len - 4, ".ini");
}

enum err meter_map_list(const char *folder, FILE *out)
{
    struct dirent **found;
    int count = scandir(folder, &found, is_map, alphasort);
    if (count < 0) {
        fprintf(stderr, "%s: %s\n", folder, strerror(errno));
        return ERR_IO;
    }
    fprintf(out, "%-19s %-5s %-9s %-10s %s\n", "meter", "grade", "functions", "word first", "name");
    enum err first = ERR_NONE;
    for (int i = 0; i < count; i++) {
        char *path = memory_format("%s/%s", folder, found[i]->d_name);
        struct meter_map map;
        enum err err = meter_map_read(path, &map);
        found[i]->d_name[strlen(found[i]->d_name) - 4] = '\0';
        if (!err) {
            fprintf(out, "%-19s %-5s %-9s %-10s %s\n", found[i]->d_name, map.grade,
                    map.has_holding && map.has_input ? "3, 4"
                    : map.has_input                  ? "4"
                                                     : "3",
                    map.low_word_first ? "low" : "high", map.name);
            meter_map_clear(&map);
        } else if (!first) {
            first = err;
        }
        free(path);
        free(found[i]);
    }
    free(found);
    return first;
}
