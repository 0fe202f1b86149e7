// SPDX-License-Identifier: Apache-2.0

#include "services/admin/grid_file.h"
#include "base/memory.h"
#include "services/admin/key_set.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 255, ID_MAX = 64, GRID_PHASES = 3 };

enum form {
    FORM_ID,
    FORM_EAN,
    FORM_EQUIPMENT,
    FORM_TEXT,
    FORM_WORD,
    FORM_WHOLE,
    FORM_REAL,
    FORM_LIMIT
};

struct rule {
    const char *key;
    enum form form;
    const char *otherwise; // the default; NULL with must unset: null
    bool must;
    bool refers; // to an object of kind `to`
    enum grid_kind to;
    const char *words;  // FORM_WORD: those allowed, each between blanks
    double least, most; // of a number
};

#define WATT_MOST 2147483647.0

static const struct kind {
    const char *list, *one;
    struct rule rules[GRID_FIELDS + 1]; // the first is the key
} kinds[GRID_KINDS] = {
    [GRID_TRANSFORMER] = {"transformers",
                          "transformer",
                          {
                              {"id", FORM_ID, .must = true},
                              {"name", FORM_TEXT, .otherwise = ""},
                              {"limit_w", FORM_LIMIT, .most = WATT_MOST},
                          }},
    [GRID_FEEDER] = {"feeders",
                     "feeder",
                     {
                         {"id", FORM_ID, .must = true},
                         {"transformer", FORM_ID, .must = true, .refers = true,
                          .to = GRID_TRANSFORMER},
                         {"limit_w", FORM_LIMIT, .most = WATT_MOST},
                     }},
    [GRID_CONNECTION] = {"connections",
                         "connection",
                         {
                             {"ean", FORM_EAN, .must = true},
                             {"feeder", FORM_ID, .must = true, .refers = true, .to = GRID_FEEDER},
                             {"phases", FORM_WORD, .must = true,
                              .words = " 1 2 3 12 21 13 31 23 32 123 231 312 132 213 321 "},
                             {"contract_w", FORM_WHOLE, .must = true, .least = 1,
                              .most = WATT_MOST},
                             {"floor_w", FORM_WHOLE, .otherwise = "0", .most = WATT_MOST},
                             {"weight", FORM_REAL, .otherwise = "1", .least = 0.001, .most = 1000},
                         }},
    [GRID_METER] = {"meters",
                    "meter",
                    {
                        {"equipment_id", FORM_EQUIPMENT, .must = true},
                        {"connection", FORM_EAN, .must = true, .refers = true,
                         .to = GRID_CONNECTION},
                        {"route", FORM_WORD, .must = true, .words = " head-end dlms "},
                        {"head_end", .form = FORM_ID},
                        {"address", .form = FORM_TEXT},
                        {"dsmr", FORM_WORD, .otherwise = "5", .words = " 4 5 "},
                        {"message_interval_s", FORM_WHOLE, .otherwise = "3600", .most = 604800},
                        {"cell", .form = FORM_ID},
                        {"type", FORM_WORD, .otherwise = "smr5", .words = " smr5 dsmr42 "},
                    }},
    [GRID_CHARGER] = {"chargers",
                      "charger",
                      {
                          {"id", FORM_ID, .must = true},
                          {"connection", FORM_EAN, .must = true, .refers = true,
                           .to = GRID_CONNECTION},
                          {"kind", FORM_TEXT, .otherwise = ""},
                          {"max_a", FORM_REAL, .must = true, .least = 0.1, .most = 1000},
                      }},
};

// A reference to what had not been read yet.
struct open_reference {
    enum grid_kind to;
    char id[ID_MAX + 1];
    char place[2 * ID_MAX];
    int line;
};

struct reading {
    const char *name;
    const char *at, *end;
    const char *line_start; // of the line that `at` is on
    int line;
    bool broken; // no JSON: nothing further can be read
    const struct grid_sink *sink;
    struct findings *findings;
    bool list_seen[GRID_KINDS];
    struct key_set *keys[GRID_KINDS];
    struct key_set *metered; // connections that have a meter
    struct open_reference *open;
    size_t open_count, open_room;
};

// One object of a list.
struct element {
    const struct kind *kind;
    const char *start, *end; // its text
    int line;                // that it starts on
    json_t *json;
    char id[ID_MAX + 1]; // for messages; "" when it has none
    bool faulty;
};

const char *grid_kind_name(enum grid_kind kind)
{
    return kinds[kind].one;
}

// Places in the text

static void step_to(struct reading *reading, const char *to)
{
    for (const char *newline; (newline = memchr(reading->at, '\n', (size_t)(to - reading->at)));) {
        reading->line++;
        reading->at = reading->line_start = newline + 1;
    }
    reading->at = to;
}

static void skip_blanks(struct reading *reading)
{
    const char *at = reading->at;
    while (at < reading->end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
        at++;
    step_to(reading, at);
}

static void break_off(struct reading *reading, int line, long column, const char *why)
{
    findings_add(reading->findings, "%s:%d:%ld: no JSON: %s", reading->name, line, column, why);
    reading->broken = true;
}

// The next character that is not blank, and past it when it is among those wanted.
static char expect(struct reading *reading, const char *wanted)
{
    skip_blanks(reading);
    char found = reading->at < reading->end ? *reading->at : '\0';
    if (found && strchr(wanted, found)) {
        reading->at++;
        return found;
    }
    char why[64];
    snprintf(why, sizeof why, "%s%s expected%s", wanted[1] ? "one of " : "", wanted,
             found ? "" : ", but the file ends");
    break_off(reading, reading->line, reading->at - reading->line_start + 1, why);
    return '\0';
}

static json_t *read_value(struct reading *reading)
{
    json_error_t error;
    skip_blanks(reading);
    json_t *json =
        json_loadb(reading->at, (size_t)(reading->end - reading->at),
                   JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (json) {
        step_to(reading, reading->at + error.position);
        return json;
    }
    long before = error.line > 1 ? 0 : reading->at - reading->line_start;
    break_off(reading, reading->line + error.line - 1, before + error.column, error.text);
    return NULL;
}

// The line of a field, found by its name at the top of the object's text. The text is known to
// be JSON; the name has no escapes.
static int line_of(const struct element *element, const char *key)
{
    int line = element->line, depth = 0;
    size_t key_len = strlen(key);
    for (const char *at = element->start; at < element->end; at++) {
        line += *at == '\n';
        depth += *at == '{' || *at == '[';
        depth -= *at == '}' || *at == ']';
        if (*at != '"')
            continue;
        const char *text = ++at;
        for (; *at != '"'; at++)
            at += *at == '\\';
        const char *next = at + 1;
        next += strspn(next, " \t\r\n");
        if (depth == 1 && *next == ':' && (size_t)(at - text) == key_len
            && !memcmp(text, key, key_len))
            return line;
    }
    return element->line;
}

static void complain(struct reading *reading, struct element *element, int line, const char *key,
                     const char *why)
{
    findings_add(reading->findings, "%s:%d: %s%s%s: %s: %s", reading->name, line,
                 element->kind->one, *element->id ? " " : "", element->id, key, why);
    element->faulty = true;
}

// Values

static bool is_letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_id(const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++)
        if (!is_letter_or_digit(text[i]) && (i == 0 || !strchr("._-", text[i])))
            return false;
    return len > 0 && len <= ID_MAX;
}

static bool is_ean(const char *text)
{
    return strlen(text) == 18 && strspn(text, "0123456789") == 18;
}

static bool is_equipment(const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++)
        if (!is_letter_or_digit(text[i]))
            return false;
    return len > 0 && len <= 48;
}

static const char *take_text(const json_t *value, const struct rule *rule, char *out)
{
    const char *text = json_string_value(value);
    if (!text)
        return "is not a text in quotes";
    if (strlen(text) > TEXT_MAX)
        return "is longer than 255 octets";
    char word[TEXT_MAX + 3];
    snprintf(word, sizeof word, " %s ", text);
    if (rule->form == FORM_ID && !is_id(text))
        return "is no identifier: 1 to 64 letters, digits, dots, dashes and underscores, first a "
               "letter or digit";
    if (rule->form == FORM_EAN && !is_ean(text))
        return "is not 18 digits";
    if (rule->form == FORM_EQUIPMENT && !is_equipment(text))
        return "is not 1 to 48 letters and digits";
    if (rule->form == FORM_WORD && (strchr(text, ' ') || !*text || !strstr(rule->words, word)))
        return "is not one of the values allowed";
    strcpy(out, text); // NOLINT: measured above
    return NULL;
}

static const char *take_number(const json_t *value, const struct rule *rule, char *out)
{
    if (!json_is_number(value))
        return "is not a number";
    if (rule->form != FORM_REAL && !json_is_integer(value))
        return "is not a whole number";
    double number = json_number_value(value);
    if (number < 0)
        return "is negative";
    if (!(number >= rule->least && number <= rule->most))
        return "is out of range";
    if (json_is_integer(value))
        snprintf(out, TEXT_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else
        snprintf(out, TEXT_MAX, "%.9g", number);
    return NULL;
}

// As an SQL array.
static const char *take_limit(const json_t *value, const struct rule *rule, char *out)
{
    if (!json_is_array(value) || json_array_size(value) != GRID_PHASES)
        return "is not a list of three numbers, W per grid phase";
    char watts[GRID_PHASES][TEXT_MAX + 1];
    for (size_t i = 0; i < GRID_PHASES; i++) {
        const char *why = take_number(json_array_get(value, i), rule, watts[i]);
        if (why)
            return why;
    }
    snprintf(out, TEXT_MAX, "{%.11s,%.11s,%.11s}", watts[0], watts[1], watts[2]);
    return NULL;
}

static const char *take(const json_t *value, const struct rule *rule, char *out)
{
    switch (rule->form) {
    case FORM_LIMIT:
        return take_limit(value, rule, out);
    case FORM_WHOLE:
    case FORM_REAL:
        return take_number(value, rule, out);
    default:
        return take_text(value, rule, out);
    }
}

static void complain_of_value(struct reading *reading, struct element *element,
                              const struct rule *rule, const json_t *value, const char *why)
{
    char *shown = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9));
    char text[3 * TEXT_MAX / 2];
    int put =
        snprintf(text, sizeof text, "%.80s%s %s", shown, strlen(shown) > 80 ? "..." : "", why);
    if (rule->form == FORM_WORD)
        snprintf(text + put, sizeof text - (size_t)put, " (%.*s)", (int)strlen(rule->words) - 2,
                 rule->words + 1);
    else if (rule->most != 0)
        snprintf(text + put, sizeof text - (size_t)put, " (%.9g to %.10g)", rule->least,
                 rule->most);
    complain(reading, element, line_of(element, rule->key), rule->key, text);
    free(shown);
}

// Objects

static void note_reference(struct reading *reading, const struct element *element,
                           const struct rule *rule, const char *id)
{
    if (key_set_line(reading->keys[rule->to], id))
        return;
    if (reading->open_count == reading->open_room) {
        reading->open_room = 2 * reading->open_room + 16;
        reading->open = memory_grow(reading->open, reading->open_room, sizeof *reading->open);
    }
    struct open_reference *open = &reading->open[reading->open_count++];
    *open = (struct open_reference){.to = rule->to, .line = line_of(element, rule->key)};
    snprintf(open->id, sizeof open->id, "%.*s", ID_MAX, id);
    snprintf(open->place, sizeof open->place, "%s %s: %s", element->kind->one, element->id,
             rule->key);
}

static void check_names(struct reading *reading, struct element *element)
{
    const char *key;
    json_t *value;
    json_object_foreach(element->json, key, value)
    {
        const struct rule *rule = element->kind->rules;
        while (rule->key && strcmp(rule->key, key) != 0)
            rule++;
        if (!rule->key)
            complain(reading, element, line_of(element, key), key, "no such field");
    }
}

static void check_together(struct reading *reading, struct element *element,
                           char out[GRID_FIELDS][TEXT_MAX + 1], const char *const *fields)
{
    if (element->faulty)
        return;
    if (element->kind == &kinds[GRID_CONNECTION]
        && strtol(out[4], NULL, 10) > strtol(out[3], NULL, 10))
        complain(reading, element, line_of(element, "floor_w"), "floor_w", "is above contract_w");
    if (element->kind != &kinds[GRID_METER])
        return;
    bool head_end = !strcmp(out[2], "head-end");
    if (head_end && !fields[3])
        complain(reading, element, element->line, "head_end", "must be given for this route");
    if (!head_end && !fields[4])
        complain(reading, element, element->line, "address", "must be given for this route");
    int line = key_set_add(reading->metered, out[1], element->line);
    if (line) {
        char why[64];
        snprintf(why, sizeof why, "has a meter already, in line %d", line);
        complain(reading, element, line_of(element, "connection"), "connection", why);
    }
}

static void take_key(struct reading *reading, struct element *element)
{
    const char *key = element->kind->rules[0].key;
    int line = line_of(element, key);
    int before = key_set_add(reading->keys[element->kind - kinds], element->id, line);
    if (before) {
        char why[64];
        snprintf(why, sizeof why, "stands already in line %d", before);
        complain(reading, element, line, key, why);
    }
}

static void take_fields(struct reading *reading, struct element *element)
{
    char out[GRID_FIELDS][TEXT_MAX + 1];
    const char *fields[GRID_FIELDS] = {0};
    for (size_t i = 0; i < GRID_FIELDS && element->kind->rules[i].key; i++) {
        const struct rule *rule = &element->kind->rules[i];
        const json_t *value = json_object_get(element->json, rule->key);
        const char *why = NULL;
        if (value && !(json_is_null(value) && !rule->must)) {
            why = take(value, rule, out[i]);
            fields[i] = out[i];
        } else if (rule->must) {
            complain(reading, element, element->line, rule->key, "must be given");
            continue;
        } else if (rule->otherwise) {
            fields[i] = strcpy(out[i], rule->otherwise); // NOLINT: from the table above
        }
        if (why) {
            complain_of_value(reading, element, rule, value, why);
        } else if (i == 0) {
            snprintf(element->id, sizeof element->id, "%.*s", ID_MAX, out[0]);
            take_key(reading, element);
        } else if (rule->refers) {
            note_reference(reading, element, rule, out[i]);
        }
    }
    check_names(reading, element);
    check_together(reading, element, out, fields);
    if (!element->faulty)
        reading->sink->row(reading->sink->arg, (enum grid_kind)(element->kind - kinds), fields);
}

static void read_element(struct reading *reading, const struct kind *kind)
{
    skip_blanks(reading);
    struct element element = {.kind = kind, .start = reading->at, .line = reading->line};
    element.json = read_value(reading);
    element.end = reading->at;
    if (!element.json)
        return;
    if (json_is_object(element.json))
        take_fields(reading, &element);
    else
        findings_add(reading->findings, "%s:%d: %s: each must be an object", reading->name,
                     element.line, kind->list);
    json_decref(element.json);
}

static void read_list(struct reading *reading, const struct kind *kind)
{
    if (expect(reading, "[") != '[')
        return;
    skip_blanks(reading);
    if (reading->at < reading->end && *reading->at == ']') {
        reading->at++;
        return;
    }
    do {
        read_element(reading, kind);
    } while (!reading->broken && expect(reading, ",]") == ',');
}

static void read_member(struct reading *reading)
{
    skip_blanks(reading);
    int line = reading->line;
    if (reading->at == reading->end || *reading->at != '"') {
        expect(reading, "\"");
        return;
    }
    json_t *name = read_value(reading);
    if (!name || expect(reading, ":") != ':') {
        json_decref(name);
        return;
    }
    const char *text = json_string_value(name);
    int kind = 0;
    while (kind < GRID_KINDS && strcmp(kinds[kind].list, text) != 0)
        kind++;
    if (kind < GRID_KINDS && !reading->list_seen[kind]) {
        reading->list_seen[kind] = true;
        read_list(reading, &kinds[kind]);
    } else {
        findings_add(reading->findings, "%s:%d: \"%.80s\": %s", reading->name, line, text,
                     kind < GRID_KINDS ? "stands twice" : "no such list");
        json_decref(read_value(reading));
    }
    json_decref(name);
}

static void read_file(struct reading *reading)
{
    if (expect(reading, "{") != '{')
        return;
    skip_blanks(reading);
    if (reading->at < reading->end && *reading->at == '}') {
        reading->at++;
    } else {
        do {
            read_member(reading);
        } while (!reading->broken && expect(reading, ",}") == ',');
    }
    skip_blanks(reading);
    if (!reading->broken && reading->at != reading->end)
        break_off(reading, reading->line, reading->at - reading->line_start + 1,
                  "more behind its end");
}

static void tell_open_references(struct reading *reading)
{
    for (size_t i = 0; i < reading->open_count && !reading->broken; i++) {
        const struct open_reference *open = &reading->open[i];
        if (key_set_line(reading->keys[open->to], open->id))
            continue;
        char *place = memory_format("%s:%d: %s", reading->name, open->line, open->place);
        reading->sink->elsewhere(reading->sink->arg, open->to, open->id, place);
        free(place);
    }
}

void grid_file_read(const char *name, const char *text, size_t len, const struct grid_sink *sink,
                    struct findings *findings)
{
    struct reading reading = {
        .name = name,
        .at = text,
        .end = text + len,
        .line_start = text,
        .line = 1,
        .sink = sink,
        .findings = findings,
        .metered = key_set_new(),
    };
    for (int i = 0; i < GRID_KINDS; i++)
        reading.keys[i] = key_set_new();
    read_file(&reading);
    tell_open_references(&reading);
    for (int i = 0; i < GRID_KINDS; i++)
        key_set_free(reading.keys[i]);
    key_set_free(reading.metered);
    free(reading.open);
}
