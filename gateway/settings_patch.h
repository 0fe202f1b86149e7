// SPDX-License-Identifier: Apache-2.0
// The few settings that may be changed from afar, over HTTP, and the file that keeps them beside
// the settings file, which stays its owner's.
//
// Nothing here limits, seals, reaches a charger or lets in: no other name is known, neither in a
// request nor in the file, so whatever stands there, the limit stays below the contract and a
// seal stays asked for. What a charger reads as its meter cannot be changed where that is
// what limits it.

#ifndef GATEWAY_SETTINGS_PATCH_H
#define GATEWAY_SETTINGS_PATCH_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { SETTINGS_PATCH_WHY = 160 };

// NULL: not given. All owned: settings_patch_clear().
struct settings_patch {
    char *meter_type;    // [meter_server] type, a name
    char *broker, *user; // [mqtt]
    char *password_file; // [mqtt]
    char *site;          // [metering]
};
void settings_patch_clear(struct settings_patch *patch);

// What a request may not change, because of the other settings.
struct settings_patch_bounds {
    bool limits_by_meter;  // a charger is limited by the meter that is played
    bool has_equipment_id; // which a broker needs
};

// Read a request, an object like that of settings_patch_json(); also "Password" of MQTT, which
// goes to password. why names the field, for people.
//   ERR_SYNTAX  not JSON, or no object     ERR_RANGE  a field that there is not, or a value
// Both stay untouched on error; else owned.
MUST_CHECK enum err settings_patch_read(const char *text, size_t len, struct settings_patch *patch,
                                        char **password, char why[static SETTINGS_PATCH_WHY]);

// Do these settings, none of them NULL but perhaps password_file, go together? NULL, or what does
// not, with the name of the field. before: what holds now.
const char *settings_patch_fault(const struct settings_patch *before,
                                 const struct settings_patch *after,
                                 const struct settings_patch_bounds *bounds);

// {"MeterType":..,"MQTT":{"Broker":..,"Site":..,"Username":..}}, as a Xemex Smart Connect shows
// it (its manual, 5.2), never with a password.
json_t *settings_patch_json(const struct settings_patch *patch);

// Put what newer gives in place of older's.
void settings_patch_merge(struct settings_patch *older, const struct settings_patch *newer);
bool settings_patch_equal(const struct settings_patch *a, const struct settings_patch *b);

// The file: a settings file with what is given. Owned: free().
char *settings_patch_text(const struct settings_patch *patch);

// Read it over patch, which may be empty; a file that is not there gives nothing. Errors go to
// standard error as "path:line: ...", see config_read().
MUST_CHECK enum err settings_patch_load(const char *path, struct settings_patch *patch);

#endif
