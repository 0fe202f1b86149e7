// SPDX-License-Identifier: Apache-2.0

#include "wire/measurement.h"
#include "base/rfc3339.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// What an instrument in a transformer house can show, in thousandths of the unit. Beyond it is
// not a bad measurement but no measurement.
static const int64_t most_power = INT64_C(2000000000) * 1000; // W
static const int64_t most_current = INT64_C(10000) * 1000;    // A
static const int64_t most_voltage = INT64_C(10000) * 1000;    // V

__attribute__((format(printf, 4, 5))) static enum err
refuse(struct measurement_fault *fault, enum err err, const char *field, const char *format, ...)
{
    snprintf(fault->field, sizeof fault->field, "%s", field);
    va_list list;
    va_start(list, format);
    vsnprintf(fault->why, sizeof fault->why, format, list);
    va_end(list);
    return err;
}

static bool is_letter_or_digit(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool measurement_is_identifier(const char *text, size_t len)
{
    if (len < 1 || len > IDENTIFIER_LEN || !is_letter_or_digit(*text))
        return false;
    for (size_t i = 1; i < len; i++)
        if (!is_letter_or_digit(text[i]) && text[i] != '.' && text[i] != '_' && text[i] != '-')
            return false;
    return true;
}

static bool is_quality(const char *text, size_t len)
{
    if (len < 1 || len > QUALITY_LEN)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_letter_or_digit(text[i]) && text[i] != '_' && text[i] != '-')
            return false;
    return true;
}

static void copy(char *to, const char *text, size_t len)
{
    memcpy(to, text, len);
    to[len] = '\0';
}

static const struct measured nothing = {
    .p_w = {MEASURED_NOT, MEASURED_NOT, MEASURED_NOT},
    .i_ma = {MEASURED_NOT, MEASURED_NOT, MEASURED_NOT},
    .u_mv = {MEASURED_NOT, MEASURED_NOT, MEASURED_NOT},
};

static int32_t whole(int64_t thousandths)
{
    int64_t half = thousandths < 0 ? -500 : 500;
    return (int32_t)((thousandths + half) / 1000);
}

// --- JSON -------------------------------------------------------------------------------------

// The next level of a topic; moves at behind it, or to NULL after the last.
static const char *next_level(const char **at, size_t *len)
{
    const char *level = *at;
    const char *end = level ? strchr(level, '/') : NULL;
    *len = !level ? 0 : end ? (size_t)(end - level) : strlen(level);
    *at = end ? end + 1 : NULL;
    return level;
}

static bool level_is(const char *level, size_t len, const char *word)
{
    return level && len == strlen(word) && !memcmp(level, word, len);
}

static enum err read_topic(const char *topic, struct measurement *m,
                           struct measurement_fault *fault)
{
    const char *at = topic;
    size_t lens[4];
    const char *levels[4];
    for (int i = 0; i < 4; i++)
        levels[i] = next_level(&at, &lens[i]);
    if (at || !level_is(levels[0], lens[0], "dali") || !level_is(levels[3], lens[3], "quarter"))
        return refuse(fault, ERR_SYNTAX, "topic", "is not dali/<transformer>/<feeder>/quarter");
    if (!measurement_is_identifier(levels[1], lens[1]))
        return refuse(fault, ERR_SYNTAX, "topic", "does not name a transformer");
    if (!measurement_is_identifier(levels[2], lens[2]))
        return refuse(fault, ERR_SYNTAX, "topic", "does not name a feeder");
    copy(m->transformer, levels[1], lens[1]);
    copy(m->feeder, levels[2], lens[2]);
    return ERR_NONE;
}

static enum err read_number(const json_t *value, int64_t most, const char *field,
                            int64_t *thousandths, struct measurement_fault *fault)
{
    double number = json_number_value(value);
    if (!json_is_number(value))
        return refuse(fault, ERR_SYNTAX, field, "is neither a number nor null");
    if (!(fabs(number) * 1000 <= (double)most))
        return refuse(fault, ERR_RANGE, field, "is out of range");
    *thousandths = llround(number * 1000);
    return ERR_NONE;
}

// Three numbers or nulls into the place of a quantity, in its unit or in thousandths of it.
static enum err read_phases(const json_t *list, const char *name, int64_t most, bool in_thousandths,
                            int32_t out[PHASES], struct measurement_fault *fault)
{
    if (!json_is_array(list) || json_array_size(list) != PHASES)
        return refuse(fault, ERR_SYNTAX, name, "is not a list of three");
    for (size_t i = 0; i < PHASES; i++) {
        const json_t *value = json_array_get(list, i);
        if (json_is_null(value))
            continue;
        char field[sizeof fault->field];
        snprintf(field, sizeof field, "%s[%zu]", name, i);
        int64_t thousandths = 0;
        enum err err = read_number(value, most, field, &thousandths, fault);
        if (err)
            return err;
        out[i] = in_thousandths ? (int32_t)thousandths : whole(thousandths);
    }
    return ERR_NONE;
}

static enum err read_quarter(const char *text, size_t len, int64_t *quarter,
                             struct measurement_fault *fault)
{
    enum err err = rfc3339_parse(text, len, quarter);
    if (err == ERR_RANGE)
        return refuse(fault, err, "quarter", "is no such time");
    if (err)
        return refuse(fault, err, "quarter", "is not a time like 2026-01-14T16:00:00Z");
    return ERR_NONE;
}

static enum err read_object(const json_t *object, struct measurement *m,
                            struct measurement_fault *fault)
{
    if (!json_is_object(object))
        return refuse(fault, ERR_SYNTAX, "", "is not a JSON object");
    const json_t *quarter = json_object_get(object, "quarter");
    if (!json_is_string(quarter))
        return refuse(fault, ERR_SYNTAX, "quarter", "is missing or no text");
    enum err err =
        read_quarter(json_string_value(quarter), json_string_length(quarter), &m->quarter, fault);
    const json_t *i_a = json_object_get(object, "i_a"), *u_v = json_object_get(object, "u_v");
    const json_t *p_w = json_object_get(object, "p_w");
    if (!err && !p_w)
        err = refuse(fault, ERR_SYNTAX, "p_w", "is missing");
    if (!err)
        err = read_phases(p_w, "p_w", most_power, false, m->values.p_w, fault);
    if (!err && i_a && !json_is_null(i_a))
        err = read_phases(i_a, "i_a", most_current, true, m->values.i_ma, fault);
    if (!err && u_v && !json_is_null(u_v))
        err = read_phases(u_v, "u_v", most_voltage, true, m->values.u_mv, fault);
    if (err)
        return err;
    const json_t *quality = json_object_get(object, "quality");
    if (!quality || json_is_null(quality))
        return ERR_NONE;
    if (!json_is_string(quality)
        || !is_quality(json_string_value(quality), json_string_length(quality)))
        return refuse(fault, ERR_SYNTAX, "quality", "is not a word");
    copy(m->quality, json_string_value(quality), json_string_length(quality));
    return ERR_NONE;
}

enum err measurement_from_json(const char *topic, const void *payload, size_t len,
                               struct measurement *out, struct measurement_fault *fault)
{
    struct measurement m = {.values = nothing, .quality = "good"};
    *fault = (struct measurement_fault){0};
    enum err err = read_topic(topic, &m, fault);
    if (err)
        return err;
    json_error_t error;
    json_t *object = json_loadb(payload, len, JSON_REJECT_DUPLICATES, &error);
    if (!object)
        return refuse(fault, ERR_SYNTAX, "", "is not JSON: line %d column %d: %s", error.line,
                      error.column, error.text);
    err = read_object(object, &m, fault);
    json_decref(object);
    if (!err)
        *out = m;
    return err;
}

// --- CSV --------------------------------------------------------------------------------------

enum kind { FEEDER, QUARTER, POWER, CURRENT, VOLTAGE, QUALITY };

static const struct column {
    const char *name;
    enum kind kind;
    int phase;
    bool needed;
} columns[] = {
    {"feeder", FEEDER, 0, true},   {"quarter", QUARTER, 0, true}, {"p_l1_w", POWER, 0, true},
    {"p_l2_w", POWER, 1, true},    {"p_l3_w", POWER, 2, true},    {"i_l1_a", CURRENT, 0, false},
    {"i_l2_a", CURRENT, 1, false}, {"i_l3_a", CURRENT, 2, false}, {"u_l1_v", VOLTAGE, 0, false},
    {"u_l2_v", VOLTAGE, 1, false}, {"u_l3_v", VOLTAGE, 2, false}, {"quality", QUALITY, 0, false},
};
static_assert(sizeof columns / sizeof *columns == MEASUREMENT_COLUMNS, "one place each");

// A field of a line: what lies between two commas, without blanks and quotes around it.
struct field {
    const char *text;
    size_t len;
};

static struct field trimmed(const char *text, size_t len)
{
    while (len && (*text == ' ' || *text == '\t'))
        text++, len--;
    while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
        len--;
    if (len >= 2 && text[0] == '"' && text[len - 1] == '"')
        return (struct field){text + 1, len - 2};
    return (struct field){text, len};
}

// Take the next field off a line; false when there is none left.
static bool next_field(const char **line, size_t *left, struct field *field)
{
    if (!*line)
        return false;
    const char *comma = memchr(*line, ',', *left);
    size_t len = comma ? (size_t)(comma - *line) : *left;
    *field = trimmed(*line, len);
    *left -= comma ? len + 1 : len;
    *line = comma ? comma + 1 : NULL;
    return true;
}

// At most this much of a field is repeated in a message.
static int shown(struct field field)
{
    return field.len > 40 ? 40 : (int)field.len;
}

static int find_column(struct field field)
{
    for (int i = 0; i < MEASUREMENT_COLUMNS; i++)
        if (strlen(columns[i].name) == field.len && !memcmp(columns[i].name, field.text, field.len))
            return i;
    return -1;
}

enum err measurement_csv_header(const char *line, size_t len, struct measurement_header *header,
                                struct measurement_fault *fault)
{
    struct measurement_header read = {0};
    bool given[MEASUREMENT_COLUMNS] = {0};
    *fault = (struct measurement_fault){0};
    struct field field;
    while (next_field(&line, &len, &field)) {
        fault->column++;
        int at = find_column(field);
        if (at < 0)
            return refuse(fault, ERR_SYNTAX, "", "no such column: \"%.*s\"", shown(field),
                          field.text);
        if (given[at])
            return refuse(fault, ERR_SYNTAX, columns[at].name, "is there twice");
        given[at] = true;
        read.field[read.count++] = (int8_t)at;
    }
    fault->column = 0;
    for (int i = 0; i < MEASUREMENT_COLUMNS; i++)
        if (columns[i].needed && !given[i])
            return refuse(fault, ERR_SYNTAX, columns[i].name, "is missing in the header");
    *header = read;
    return ERR_NONE;
}

// Read [+-]digits[.digits] as thousandths, further decimals dropped.
static enum err read_decimal(struct field field, int64_t most, int64_t *thousandths)
{
    const char *at = field.text, *end = field.text + field.len;
    bool negative = field.len && *at == '-';
    if (field.len && (*at == '-' || *at == '+'))
        at++;
    int64_t value = 0;
    int decimals = -1, digits = 0;
    for (; at < end; at++) {
        if (*at == '.' && decimals < 0) {
            decimals = 0;
            continue;
        }
        if (*at < '0' || *at > '9')
            return ERR_SYNTAX;
        digits++;
        if (decimals >= 3)
            continue;
        if (decimals >= 0)
            decimals++;
        if (value <= most)
            value = value * 10 + (*at - '0');
    }
    if (!digits)
        return ERR_SYNTAX;
    for (int i = decimals < 0 ? 0 : decimals; i < 3 && value <= most; i++)
        value *= 10;
    if (value > most)
        return ERR_RANGE;
    *thousandths = negative ? -value : value;
    return ERR_NONE;
}

static enum err take_number(const struct column *column, struct field field, int64_t most,
                            int64_t *thousandths, struct measurement_fault *fault)
{
    enum err err = read_decimal(field, most, thousandths);
    if (err == ERR_RANGE)
        return refuse(fault, err, column->name, "\"%.*s\" is out of range", shown(field),
                      field.text);
    if (err)
        return refuse(fault, err, column->name, "\"%.*s\" is not a number", shown(field),
                      field.text);
    return ERR_NONE;
}

static enum err take_field(const struct column *column, struct field field, struct measurement *m,
                           struct measurement_fault *fault)
{
    int64_t number = 0;
    enum err err;
    switch (column->kind) {
    case FEEDER:
        if (!measurement_is_identifier(field.text, field.len))
            return refuse(fault, ERR_SYNTAX, column->name, "\"%.*s\" is not an identifier",
                          shown(field), field.text);
        copy(m->feeder, field.text, field.len);
        return ERR_NONE;
    case QUARTER:
        return read_quarter(field.text, field.len, &m->quarter, fault);
    case QUALITY:
        if (!field.len)
            return ERR_NONE;
        if (!is_quality(field.text, field.len))
            return refuse(fault, ERR_SYNTAX, column->name, "\"%.*s\" is not a word", shown(field),
                          field.text);
        copy(m->quality, field.text, field.len);
        return ERR_NONE;
    case POWER:
        if (!field.len)
            return ERR_NONE;
        err = take_number(column, field, most_power, &number, fault);
        if (!err)
            m->values.p_w[column->phase] = whole(number);
        return err;
    case CURRENT:
    case VOLTAGE:
        if (!field.len)
            return ERR_NONE;
        err = take_number(column, field, column->kind == CURRENT ? most_current : most_voltage,
                          &number, fault);
        if (!err)
            (column->kind == CURRENT ? m->values.i_ma : m->values.u_mv)[column->phase] =
                (int32_t)number;
        return err;
    }
    return ERR_NONE;
}

enum err measurement_csv_line(const struct measurement_header *header, const char *line, size_t len,
                              struct measurement *out, struct measurement_fault *fault)
{
    struct measurement m = {.values = nothing, .quality = "good"};
    *fault = (struct measurement_fault){0};
    struct field field;
    for (int i = 0; next_field(&line, &len, &field); i++) {
        fault->column = i + 1;
        if (i == header->count)
            return refuse(fault, ERR_SYNTAX, "", "more columns than the header's %d",
                          header->count);
        enum err err = take_field(&columns[header->field[i]], field, &m, fault);
        if (err)
            return err;
    }
    if (fault->column < header->count)
        return refuse(fault, ERR_SYNTAX, "", "only %d of the header's %d columns", fault->column,
                      header->count);
    *out = m;
    return ERR_NONE;
}
