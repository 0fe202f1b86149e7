// SPDX-License-Identifier: Apache-2.0
// A type of energy meter to be played over Modbus: which quantity stands in which registers. A
// type is a file in gateway/meters. Pure but for the reading of that file.
//
// What the telegram does not tell reads as the type's code for that: no number for a float, all
// ones, or the highest (by the file: the lowest) number for a signed one. Never as zero.

#ifndef GATEWAY_METER_MAP_H
#define GATEWAY_METER_MAP_H

#include "base/err.h"
#include "gateway/meter_values.h"
#include "gateway/registers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { METER_MAP_ENTRIES = 96, METER_MAP_FIXED = 160, METER_MAP_PDU = 253 };

struct meter_map_entry {
    enum meter_quantity quantity;
    uint16_t address;
    enum registers_type type;
    double step; // what 1 stands for, in the unit of the quantity
};

struct meter_map {
    char *name;                  // make and line, for people
    char *grade;                 // as that of a charger type
    bool has_holding, has_input; // function codes 3 and 4
    bool low_word_first;
    bool absent_is_least; // of signed numbers
    struct meter_map_entry entries[METER_MAP_ENTRIES];
    int count;
    struct {
        uint16_t address, word;
    } fixed[METER_MAP_FIXED]; // such as its name
    int fixed_count;
};

// Read a file; errors go to standard error as "path:line: ...". Untouched on error; else owned:
// meter_map_clear().
MUST_CHECK enum err meter_map_read(const char *path, struct meter_map *map);
void meter_map_clear(struct meter_map *map);

// Answer a request (function code and data) by these values, or, when they are NULL, because
// they are too old, by exception 4. Registers between those of the map read as 0; a request
// that meets none of the map gets exception 2. Returns the length of the answer.
size_t meter_map_answer(const struct meter_map *map, const struct meter_values *values,
                        const uint8_t *request, size_t len, uint8_t answer[static METER_MAP_PDU]);

// A line of each type in a folder; see charger_type_list().
MUST_CHECK enum err meter_map_list(const char *folder, FILE *out);

#endif
