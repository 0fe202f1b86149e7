// SPDX-License-Identifier: Apache-2.0
// A file of meters' keys, as CSV (the first line names the columns) or as a JSON list of flat
// objects. Pure: text in, rows and findings out.
//
//   equipment_id        of a meter of the grid
//   encryption_key      global unicast encryption key (GUEK), 32 hex digits
//   authentication_key  global authentication key (GAK), 32 hex digits
//   client_title        our system title with this meter, 16 hex digits
//   meter_title         the meter's, 16 hex digits; may be left out, as may all below
//   client_sap          1 to 65535; server_sap likewise
//   counter             first one that was never used with this key, 0 to 4294967295
//
// Every finding begins with "name:line: " and says nothing of what stands there: columns that
// were mixed up would show a key.

#ifndef ADMIN_KEY_FILE_H
#define ADMIN_KEY_FILE_H

#include "services/admin/findings.h"
#include "wire/cipher.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KEY_FILE_EQUIPMENT_LEN = 48 };

struct key_row {
    int line;
    char equipment_id[KEY_FILE_EQUIPMENT_LEN + 1];
    struct cipher_keys keys;
    uint8_t client_title[CIPHER_TITLE_LEN];
    uint8_t meter_title[CIPHER_TITLE_LEN];
    bool has_meter_title;
    int client_sap, server_sap; // 0: not given
    int64_t counter;
};

// Called for each row without fault, which is borrowed for the call and wiped after it.
struct key_sink {
    void *arg;
    void (*row)(void *arg, const struct key_row *row);
};

// Read len octets of text, called name in findings. A text that begins with [ is JSON.
void key_file_read(const char *name, const char *text, size_t len, const struct key_sink *sink,
                   struct findings *findings);

#endif
