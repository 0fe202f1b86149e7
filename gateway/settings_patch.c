// SPDX-License-Identifier: Apache-2.0

#include "gateway/settings_patch.h"
#include "base/config.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIELDS = 5, TEXT_MAX = 200 };
#define PASSWORD "Password"

// Each setting, where it stands in a request and in a file.
struct field {
    const char *group, *key; // of the request; group "": at its top; key NULL: not there
    const char *section, *name;
};
static const struct field fields[FIELDS] = {
    {"", "MeterType", "meter_server", "type"}, {"MQTT", "Broker", "mqtt", "broker"},
    {"MQTT", "Username", "mqtt", "user"},      {"", NULL, "mqtt", "password_file"},
    {"MQTT", "Site", "metering", "site"},
};

// In the order of the fields.
static char **place(struct settings_patch *patch, int field)
{
    char **const places[FIELDS] = {&patch->meter_type, &patch->broker, &patch->user,
                                   &patch->password_file, &patch->site};
    return places[field];
}

static const char *value_of(const struct settings_patch *patch, int field)
{
    const char *const values[FIELDS] = {patch->meter_type, patch->broker, patch->user,
                                        patch->password_file, patch->site};
    return values[field];
}

void settings_patch_clear(struct settings_patch *patch)
{
    for (int i = 0; i < FIELDS; i++)
        free(*place(patch, i));
    *patch = (struct settings_patch){0};
}

// ---- a request

// A line of a settings file must hold it: no end of line, and nothing that begins a comment.
static const char *text_fault(const char *text, size_t len)
{
    if (len != strlen(text) || len > TEXT_MAX)
        return "is too long";
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 127 || *at == ';')
            return "has a control character or a semicolon";
    return len > 0 && (*text == ' ' || text[len - 1] == ' ') ? "begins or ends with a blank" : NULL;
}

static const char *value_fault(const char *key, const char *text)
{
    if (!strcmp(key, "MeterType"))
        return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(text)
                   ? NULL
                   : "is not the name of a meter";
    return !strcmp(key, "Site") && strpbrk(text, "/+#") ? "has one of / + #" : NULL;
}

static enum err refuse(const char *group, const char *key, const char *fault,
                       char why[static SETTINGS_PATCH_WHY])
{
    snprintf(why, SETTINGS_PATCH_WHY, "%.40s%s%.40s: %s", group, *group ? "." : "", key, fault);
    return ERR_RANGE;
}

static enum err take(const char *group, const char *key, const json_t *value,
                     struct settings_patch *patch, char **password,
                     char why[static SETTINGS_PATCH_WHY])
{
    char **to = !strcmp(group, "MQTT") && !strcmp(key, PASSWORD) ? password : NULL;
    for (int i = 0; i < FIELDS && !to; i++)
        if (fields[i].key && !strcmp(fields[i].group, group) && !strcmp(fields[i].key, key))
            to = place(patch, i);
    if (!to)
        return refuse(group, key, "cannot be changed here", why);
    if (!json_is_string(value))
        return refuse(group, key, "is no text", why);
    const char *text = json_string_value(value);
    const char *fault = text_fault(text, json_string_length(value));
    if (!fault)
        fault = value_fault(key, text);
    if (fault)
        return refuse(group, key, fault, why);
    *to = memory_text(text);
    return ERR_NONE;
}

static enum err take_group(const char *group, const json_t *object, struct settings_patch *patch,
                           char **password, char why[static SETTINGS_PATCH_WHY])
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        bool is_group = !*group && json_is_object(value);
        enum err err = is_group ? take_group(key, value, patch, password, why)
                                : take(group, key, value, patch, password, why);
        if (err)
            return err;
    }
    return ERR_NONE;
}

enum err settings_patch_read(const char *text, size_t len, struct settings_patch *patch,
                             char **password, char why[static SETTINGS_PATCH_WHY])
{
    json_error_t error;
    json_t *root = json_loadb(text ? text : "", len, JSON_REJECT_DUPLICATES, &error);
    struct settings_patch read = {0};
    char *word = NULL;
    enum err err = ERR_SYNTAX;
    if (!root)
        snprintf(why, SETTINGS_PATCH_WHY, "line %d: %.100s", error.line, error.text);
    else if (!json_is_object(root))
        snprintf(why, SETTINGS_PATCH_WHY, "no object");
    else
        err = take_group("", root, &read, &word, why);
    json_decref(root);
    if (err) {
        settings_patch_clear(&read);
        free(word);
    } else {
        *patch = read;
        *password = word;
    }
    return err;
}

const char *settings_patch_fault(const struct settings_patch *before,
                                 const struct settings_patch *after,
                                 const struct settings_patch_bounds *bounds)
{
    if (bounds->limits_by_meter && strcmp(before->meter_type, after->meter_type) != 0)
        return "MeterType: a charger is limited by the meter that is played";
    if (*after->broker && !bounds->has_equipment_id)
        return "MQTT.Broker: needs [meter] equipment_id in the settings file";
    return *after->site && !*after->broker ? "MQTT.Site: needs a Broker" : NULL;
}

// ---- what holds

json_t *settings_patch_json(const struct settings_patch *patch)
{
    json_t *root = json_object();
    for (int i = 0; i < FIELDS; i++) {
        const struct field *field = &fields[i];
        if (!field->key)
            continue;
        json_t *to = *field->group ? json_object_get(root, field->group) : root;
        if (!to) {
            to = json_object();
            json_object_set_new(root, field->group, to);
        }
        json_t *text = json_string(value_of(patch, i)); // what is no UTF-8 is not shown
        json_object_set_new(to, field->key, text ? text : json_null());
    }
    return root;
}

void settings_patch_merge(struct settings_patch *older, const struct settings_patch *newer)
{
    for (int i = 0; i < FIELDS; i++) {
        if (!value_of(newer, i))
            continue;
        free(*place(older, i));
        *place(older, i) = memory_text(value_of(newer, i));
    }
}

bool settings_patch_equal(const struct settings_patch *a, const struct settings_patch *b)
{
    for (int i = 0; i < FIELDS; i++) {
        const char *one = value_of(a, i), *other = value_of(b, i);
        if (!one != !other || (one && strcmp(one, other) != 0))
            return false;
    }
    return true;
}

// ---- the file

char *settings_patch_text(const struct settings_patch *patch)
{
    char *text = memory_text("; Changed over HTTP; see socmod-gateway(8), CONFIGURATION.\n");
    const char *section = "";
    for (int i = 0; i < FIELDS; i++) {
        if (!value_of(patch, i))
            continue;
        bool is_new = strcmp(section, fields[i].section) != 0;
        section = fields[i].section;
        char *longer =
            memory_format("%s%s%s%s%s = %s\n", text, is_new ? "[" : "", is_new ? section : "",
                          is_new ? "]\n" : "", fields[i].name, value_of(patch, i));
        free(text);
        text = longer;
    }
    return text;
}

enum err settings_patch_load(const char *path, struct settings_patch *patch)
{
    struct setting settings[FIELDS + 1] = {0};
    for (int i = 0; i < FIELDS; i++)
        settings[i] = (struct setting){fields[i].section, fields[i].name, .text = place(patch, i),
                                       .otherwise = ""};
    return access(path, F_OK) ? ERR_NONE : config_read(path, settings);
}
