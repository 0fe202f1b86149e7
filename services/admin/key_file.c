// SPDX-License-Identifier: Apache-2.0

#include "services/admin/key_file.h"
#include "base/digest.h"
#include "base/memory.h"
#include "services/admin/key_set.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum field {
    FIELD_EQUIPMENT,
    FIELD_ENCRYPTION,
    FIELD_AUTHENTICATION,
    FIELD_CLIENT_TITLE,
    FIELD_METER_TITLE,
    FIELD_CLIENT_SAP,
    FIELD_SERVER_SAP,
    FIELD_COUNTER,
    FIELDS,
    FIELD_NONE = -1,
};

#define KNOWN_NAMES                                                                                \
    "equipment_id, encryption_key, authentication_key, client_title, meter_title, client_sap,"     \
    " server_sap, counter"

static const struct {
    const char *name;
    bool must, is_number;
    const char *form; // for a finding
} fields[FIELDS] = {
    [FIELD_EQUIPMENT] = {"equipment_id", true, false, "1 to 48 letters and digits"},
    [FIELD_ENCRYPTION] = {"encryption_key", true, false, "32 hex digits"},
    [FIELD_AUTHENTICATION] = {"authentication_key", true, false, "32 hex digits"},
    [FIELD_CLIENT_TITLE] = {"client_title", true, false, "16 hex digits"},
    [FIELD_METER_TITLE] = {"meter_title", false, false, "16 hex digits"},
    [FIELD_CLIENT_SAP] = {"client_sap", false, true, "1 to 65535"},
    [FIELD_SERVER_SAP] = {"server_sap", false, true, "1 to 65535"},
    [FIELD_COUNTER] = {"counter", false, true, "0 to 4294967295"},
};

struct reading {
    const char *name;
    const char *at, *end;
    int line;
    const struct key_sink *sink;
    struct findings *findings;
    struct key_set *meters;
    struct key_row row; // being read
    bool faulty;        // it
    bool given[FIELDS]; // of it
};

static void complain(struct reading *reading, int line, const char *what, const char *why)
{
    findings_add(reading->findings, "%s:%d: %s%s", reading->name, line, what, why);
    reading->faulty = true;
}

// --- Values ---

static bool take_hex(const char *text, size_t len, void *octets, size_t room)
{
    size_t count;
    return len == 2 * room && !hex_parse(text, len, octets, room, &count);
}

static bool take_number(const char *text, size_t len, int64_t least, int64_t most, int64_t *number)
{
    int64_t value = 0;
    if (!len || len > 10)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (text[i] - '0');
    }
    *number = value;
    return value >= least && value <= most;
}

static bool take_sap(const char *text, size_t len, int *sap)
{
    int64_t number;
    bool fine = take_number(text, len, 1, UINT16_MAX, &number);
    if (fine)
        *sap = (int)number;
    return fine;
}

static bool take_equipment(const char *text, size_t len, char *id)
{
    if (!len || len > KEY_FILE_EQUIPMENT_LEN)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((text[i] < '0' || text[i] > '9') && (text[i] < 'A' || text[i] > 'Z')
            && (text[i] < 'a' || text[i] > 'z'))
            return false;
    memcpy(id, text, len);
    id[len] = '\0';
    return true;
}

static bool take(struct key_row *row, enum field field, const char *text, size_t len)
{
    switch (field) {
    case FIELD_EQUIPMENT:
        return take_equipment(text, len, row->equipment_id);
    case FIELD_ENCRYPTION:
        return take_hex(text, len, row->keys.encryption, CIPHER_KEY_LEN);
    case FIELD_AUTHENTICATION:
        return take_hex(text, len, row->keys.authentication, CIPHER_KEY_LEN);
    case FIELD_CLIENT_TITLE:
        return take_hex(text, len, row->client_title, CIPHER_TITLE_LEN);
    case FIELD_METER_TITLE:
        return row->has_meter_title = take_hex(text, len, row->meter_title, CIPHER_TITLE_LEN);
    case FIELD_CLIENT_SAP:
        return take_sap(text, len, &row->client_sap);
    case FIELD_SERVER_SAP:
        return take_sap(text, len, &row->server_sap);
    default:
        return take_number(text, len, 0, UINT32_MAX, &row->counter);
    }
}

// --- Rows ---

static void begin_row(struct reading *reading, int line)
{
    memory_wipe(&reading->row, sizeof reading->row);
    reading->row.line = line;
    reading->faulty = false;
    memset(reading->given, 0, sizeof reading->given);
}

static void take_field(struct reading *reading, enum field field, const char *text, size_t len)
{
    char why[64];
    reading->given[field] = true;
    if (take(&reading->row, field, text, len))
        return;
    snprintf(why, sizeof why, ": is not %s", fields[field].form);
    complain(reading, reading->row.line, fields[field].name, why);
}

static void check_meter(struct reading *reading)
{
    char why[64];
    int before = key_set_add(reading->meters, reading->row.equipment_id, reading->row.line);
    if (!before)
        return;
    snprintf(why, sizeof why, ": stands already in line %d", before);
    complain(reading, reading->row.line, fields[FIELD_EQUIPMENT].name, why);
}

static void end_row(struct reading *reading)
{
    for (int field = 0; field < FIELDS; field++)
        if (fields[field].must && !reading->given[field])
            complain(reading, reading->row.line, fields[field].name, ": must be given");
    if (!reading->faulty)
        check_meter(reading);
    if (!reading->faulty)
        reading->sink->row(reading->sink->arg, &reading->row);
    memory_wipe(&reading->row, sizeof reading->row);
}

static enum field find_field(const char *name, size_t len)
{
    for (int field = 0; field < FIELDS; field++)
        if (strlen(fields[field].name) == len && !memcmp(fields[field].name, name, len))
            return (enum field)field;
    return FIELD_NONE;
}

// --- CSV ---

// One value of a line, without quotes and blanks around it. False at the end of the line.
struct values {
    const char *at, *end; // what is left of the line; NULL: nothing, not even an empty value
};

static bool next_value(struct values *values, const char **text, size_t *len)
{
    if (!values->at)
        return false;
    const char *comma = memchr(values->at, ',', (size_t)(values->end - values->at));
    const char *from = values->at, *to = comma ? comma : values->end;
    values->at = comma ? comma + 1 : NULL;
    while (from < to && (*from == ' ' || *from == '\t'))
        from++;
    while (from < to && (to[-1] == ' ' || to[-1] == '\t'))
        to--;
    if (to - from >= 2 && *from == '"' && to[-1] == '"') {
        from++;
        to--;
    }
    *text = from;
    *len = (size_t)(to - from);
    return true;
}

// The next line, without what ends it. False at the end of the text.
static bool next_line(struct reading *reading, struct values *line)
{
    if (reading->at >= reading->end)
        return false;
    const char *newline = memchr(reading->at, '\n', (size_t)(reading->end - reading->at));
    line->at = reading->at;
    line->end = newline ? newline : reading->end;
    reading->at = newline ? newline + 1 : reading->end;
    reading->line++;
    if (line->end > line->at && line->end[-1] == '\r')
        line->end--;
    return true;
}

enum { COLUMNS_MAX = 2 * FIELDS };

// Which field each column is. Returns how many, 0 after a finding.
static int take_header(struct reading *reading, struct values line,
                       enum field columns[static COLUMNS_MAX])
{
    bool seen[FIELDS] = {0};
    char why[256];
    const char *text;
    size_t len;
    int count = 0;
    reading->faulty = false;
    while (next_value(&line, &text, &len)) {
        enum field field = find_field(text, len);
        snprintf(why, sizeof why, "column %d: %s; they are " KNOWN_NAMES, count + 1,
                 field == FIELD_NONE ? "its name is not known" : "its name stands there twice");
        if (count == COLUMNS_MAX || field == FIELD_NONE || seen[field])
            complain(reading, reading->line, why, "");
        if (reading->faulty)
            return 0;
        seen[field] = true;
        columns[count++] = field;
    }
    return count;
}

static void take_line(struct reading *reading, struct values line, const enum field *columns,
                      int count)
{
    const char *text;
    size_t len;
    int column = 0;
    begin_row(reading, reading->line);
    for (; next_value(&line, &text, &len); column++)
        if (column < count && len)
            take_field(reading, columns[column], text, len);
    if (column != count)
        complain(reading, reading->line, "has another number of columns than the first line", "");
    end_row(reading);
}

static void read_csv(struct reading *reading)
{
    enum field columns[COLUMNS_MAX];
    struct values line = {0};
    int count = next_line(reading, &line) ? take_header(reading, line, columns) : 0;
    while (count && next_line(reading, &line))
        if (line.at < line.end)
            take_line(reading, line, columns, count);
}

// --- JSON ---

static void skip_blanks(struct reading *reading)
{
    for (; reading->at < reading->end && strchr(" \t\r\n", *reading->at) && *reading->at;
         reading->at++)
        reading->line += *reading->at == '\n';
}

static bool expect(struct reading *reading, char wanted)
{
    skip_blanks(reading);
    bool found = reading->at < reading->end && *reading->at == wanted;
    reading->at += found;
    return found;
}

static void take_member(struct reading *reading, const char *name, const json_t *value)
{
    char digits[24];
    enum field field = find_field(name, strlen(name));
    if (field == FIELD_NONE) {
        complain(reading, reading->row.line, "has a field of no known name; they are ",
                 KNOWN_NAMES);
    } else if (json_is_null(value)) {
        return;
    } else if (fields[field].is_number && json_is_integer(value)) {
        int len =
            snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        take_field(reading, field, digits, (size_t)len);
    } else if (!fields[field].is_number && json_is_string(value)) {
        take_field(reading, field, json_string_value(value), json_string_length(value));
    } else {
        take_field(reading, field, "", 0);
    }
}

// One object of the list. What the library says of a fault quotes the text, so it is not told.
static bool take_object(struct reading *reading)
{
    json_error_t error;
    skip_blanks(reading);
    begin_row(reading, reading->line);
    json_t *object = json_loadb(reading->at, (size_t)(reading->end - reading->at),
                                JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(object)) {
        complain(reading, reading->line + (object ? 0 : error.line - 1),
                 object ? "is no object" : "is no JSON, or a field stands there twice", "");
        json_decref(object);
        return false;
    }
    for (const char *to = reading->at + error.position; reading->at < to; reading->at++)
        reading->line += *reading->at == '\n';
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        take_member(reading, name, value);
    }
    end_row(reading);
    json_decref(object);
    return true;
}

static void read_json(struct reading *reading)
{
    bool more = expect(reading, '[') && !expect(reading, ']');
    bool is_empty = !more;
    while (more) {
        if (!take_object(reading))
            return;
        more = expect(reading, ',');
    }
    if (!is_empty && !expect(reading, ']'))
        complain(reading, reading->line, "a comma or the end of the list is expected", "");
    skip_blanks(reading);
    if (reading->at < reading->end && !reading->faulty)
        complain(reading, reading->line, "something stands behind the list", "");
}

// --- Either ---

void key_file_read(const char *name, const char *text, size_t len, const struct key_sink *sink,
                   struct findings *findings)
{
    static const char mark[] = "\xef\xbb\xbf"; // that some programs put before UTF-8
    bool is_marked = len >= 3 && !memcmp(text, mark, 3);
    struct reading reading = {.name = name,
                              .at = text + (is_marked ? 3 : 0),
                              .end = text + len,
                              .sink = sink,
                              .findings = findings,
                              .meters = key_set_new()};
    const struct reading start = reading;
    reading.line = 1;
    skip_blanks(&reading);
    bool is_json = reading.at < reading.end && *reading.at == '[';
    if (reading.at == reading.end) {
        complain(&reading, 1, "holds no keys", "");
    } else if (is_json) {
        read_json(&reading);
    } else {
        reading = start;
        read_csv(&reading);
    }
    key_set_free(reading.meters);
}
