// SPDX-License-Identifier: Apache-2.0
// A type of charger: where it takes its limit and what it does in silence. A type is a file
// in gateway/drivers, not code; INI, because settings are, and with the same reader.

#ifndef GATEWAY_CHARGER_TYPE_H
#define GATEWAY_CHARGER_TYPE_H

#include "base/err.h"
#include "gateway/amperes.h"
#include "gateway/registers.h"

#include <stdbool.h>
#include <stdint.h>

enum charger_keepalive {
    CHARGER_REWRITE, // the limit must be written again
    CHARGER_ANY,     // any request will do
    CHARGER_TOKEN,   // a value must be written to a register of its own
};

struct charger_type {
    char *name;  // make and line, for people
    char *grade; // what the facts rest on: V vendor, C driver, C2 two drivers, U a note
    int64_t port, unit;

    // The register that takes the limit.
    int64_t limit_function; // 6 or 16
    int64_t limit_register;
    enum registers_type limit_type;
    bool low_word_first;
    struct amperes_scale scale;

    // Where it reads back; -1: nowhere.
    int64_t readback_function; // 3 or 4
    int64_t readback_register;

    enum charger_keepalive keepalive;
    int64_t keepalive_s; // longest pause
    int64_t token_register, token_value;

    // What the charger does when it hears nothing; -1: no such register.
    int64_t watchdog_register, watchdog_unit_ms;
    int64_t fallback_register, fallback_step_w;

    int64_t gap_ms; // rest between two requests
};

// Read a file over the defaults. Errors go to standard error as "path:line: ...": see
// config_read(). Untouched on error; else the texts are owned: charger_type_clear().
MUST_CHECK enum err charger_type_read(const char *path, struct charger_type *type);
void charger_type_clear(struct charger_type *type);

#endif
