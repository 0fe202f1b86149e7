// SPDX-License-Identifier: Apache-2.0

#include "services/ingest/gateway_report.h"
#include "base/rfc3339.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DIGEST_LEN = 64, MOST_TEXT = 300, MOST_TIME = 40 };

enum form { TIME, QUARTER, WORD, DIGEST, TEXT, WATTS, WATTS_3, FLAG };

struct key {
    const char *name;
    enum form form;
    bool needed;       // must be there, and not null
    const char *words; // of form WORD, each followed by a blank
};

#define MODES "starting own limited safe "

static const struct key receipt_keys[] = {
    {"at", TIME, true, NULL},
    {"state", WORD, true, "seen accepted refused applied ended "},
    {"digest", DIGEST, true, NULL},
    {"mode", WORD, true, MODES},
    {"reason", TEXT, true, NULL},
    {"limit_w", WATTS, false, NULL},
    {"register", TEXT, false, NULL},
    {"register_w", WATTS, false, NULL},
    {0},
};
static const struct key load_keys[] = {
    {"quarter", QUARTER, true, NULL},  {"p_w", WATTS_3, true, NULL},
    {"energy_wh", WATTS, false, NULL}, {"limit_w", WATTS, false, NULL},
    {"mode", WORD, false, MODES},      {0},
};
static const struct key status_keys[] = {
    {"online", FLAG, true, NULL},
    {"mode", WORD, true, MODES},
    {"reason", TEXT, true, NULL},
    {"since", TIME, false, NULL},
    {"limit_w", WATTS, false, NULL},
    {"at", TIME, true, NULL},
    {0},
};
static const struct {
    const char *name;
    const struct key *keys;
} kinds[REPORT_KINDS] = {
    [REPORT_RECEIPT] = {"receipt", receipt_keys},
    [REPORT_LOAD] = {"load", load_keys},
    [REPORT_STATUS] = {"status", status_keys},
};

static bool is_equipment_id(const char *text, size_t len)
{
    if (len < 1 || len > EQUIPMENT_ID_LEN)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!((text[i] >= 'A' && text[i] <= 'Z') || (text[i] >= 'a' && text[i] <= 'z')
              || (text[i] >= '0' && text[i] <= '9')))
            return false;
    return true;
}

enum err report_topic(const char *topic, enum report_kind *kind,
                      char equipment_id[static EQUIPMENT_ID_LEN + 1])
{
    static const char prefix[] = "socmod/v1/gateway/";
    if (strncmp(topic, prefix, sizeof prefix - 1) != 0)
        return ERR_SYNTAX;
    const char *id = topic + sizeof prefix - 1;
    size_t len = strcspn(id, "/");
    if (id[len] != '/' || !is_equipment_id(id, len))
        return ERR_SYNTAX;
    for (int i = 0; i < REPORT_KINDS; i++) {
        if (strcmp(id + len + 1, kinds[i].name) != 0)
            continue;
        *kind = (enum report_kind)i;
        memcpy(equipment_id, id, len);
        equipment_id[len] = '\0';
        return ERR_NONE;
    }
    return ERR_SYNTAX;
}

// Of a time that has been checked.
static int64_t seconds_of(const json_t *time)
{
    int64_t utc = 0;
    enum err err = rfc3339_parse(json_string_value(time), json_string_length(time), &utc);
    return err ? 0 : utc;
}

static bool is_among(const char *word, size_t len, const char *words)
{
    for (const char *at = words; *at; at += strcspn(at, " ") + 1)
        if (strcspn(at, " ") == len && !memcmp(at, word, len))
            return true;
    return false;
}

static bool is_digest(const char *text, size_t len)
{
    return len == 0 || (len == DIGEST_LEN && strspn(text, "0123456789abcdef") == len);
}

// What a value should be where it is not; NULL where it is.
static const char *check_text(const struct key *key, const json_t *value)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    int64_t utc;
    if (!text)
        return "is no text";
    if (key->form == WORD)
        return is_among(text, len, key->words) ? NULL : "is not a word that is known";
    if (key->form == DIGEST)
        return is_digest(text, len) ? NULL : "is not a SHA-256 in lower-case hex";
    if (key->form == TEXT)
        return len <= MOST_TEXT ? NULL : "is too long";
    if (len > MOST_TIME || rfc3339_parse(text, len, &utc))
        return "is not a time like 2026-01-14T16:00:00Z";
    return NULL;
}

static const char *check_watts(const json_t *value)
{
    if (!json_is_number(value))
        return "is neither a number nor null";
    return fabs(json_number_value(value)) <= 2e9 ? NULL : "is out of range";
}

static json_t *rounded(const json_t *value)
{
    return json_is_null(value) ? json_null() : json_integer(llround(json_number_value(value)));
}

static json_t *whole_seconds(const json_t *time)
{
    char text[RFC3339_LEN + 1];
    rfc3339_format(seconds_of(time), text);
    return json_string(text);
}

// Check value and give it as the tables want it, owned; NULL with why where it is wrong.
static json_t *take(const struct key *key, json_t *value, const char **why)
{
    json_t *list;
    switch (key->form) {
    case FLAG:
        *why = json_is_boolean(value) ? NULL : "is neither true nor false";
        return *why ? NULL : json_incref(value);
    case WATTS:
        *why = check_watts(value);
        return *why ? NULL : rounded(value);
    case WATTS_3:
        *why = json_array_size(value) == 3 ? NULL : "is not a list of three";
        for (size_t i = 0; !*why && i < 3; i++)
            if (!json_is_null(json_array_get(value, i)))
                *why = check_watts(json_array_get(value, i));
        if (*why)
            return NULL;
        list = json_array();
        for (size_t i = 0; i < 3; i++)
            json_array_append_new(list, rounded(json_array_get(value, i)));
        return list;
    case QUARTER:
        *why = check_text(key, value);
        return *why ? NULL : whole_seconds(value);
    default:
        *why = check_text(key, value);
        return *why ? NULL : json_incref(value);
    }
}

// Who is offline need not say more: such is the last will that a broker sends.
static bool is_last_will(enum report_kind kind, const json_t *object)
{
    return kind == REPORT_STATUS && json_is_false(json_object_get(object, "online"))
           && !json_object_get(object, "at");
}

static enum err read_keys(enum report_kind kind, const json_t *object, json_t *report,
                          char why[static REPORT_WHY_LEN])
{
    bool will = is_last_will(kind, object);
    for (const struct key *key = kinds[kind].keys; key->name; key++) {
        json_t *value = json_object_get(object, key->name);
        bool absent = !value || json_is_null(value) || (will && key->form != FLAG);
        if (absent && key->needed && !will) {
            snprintf(why, REPORT_WHY_LEN, "%s is missing", key->name);
            return ERR_SYNTAX;
        }
        const char *wrong = NULL;
        json_t *taken = absent ? json_null() : take(key, value, &wrong);
        if (!taken) {
            snprintf(why, REPORT_WHY_LEN, "%s %s", key->name, wrong);
            return ERR_RANGE;
        }
        json_object_set_new(report, key->name, taken);
    }
    return ERR_NONE;
}

enum err report_read(enum report_kind kind, const void *payload, size_t len, json_t **report,
                     char why[static REPORT_WHY_LEN])
{
    json_error_t error;
    json_t *object = json_loadb(payload, len, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(object)) {
        if (object)
            snprintf(why, REPORT_WHY_LEN, "is not a JSON object");
        else
            snprintf(why, REPORT_WHY_LEN, "is not JSON: line %d column %d: %.60s", error.line,
                     error.column, error.text);
        json_decref(object);
        return ERR_SYNTAX;
    }
    json_t *read = json_object();
    enum err err = read_keys(kind, object, read, why);
    json_decref(object);
    if (err)
        json_decref(read);
    else
        *report = read;
    return err;
}

int64_t report_quarter(const json_t *load)
{
    return seconds_of(json_object_get(load, "quarter"));
}
