// SPDX-License-Identifier: Apache-2.0
// The grid as JSON: one object whose members "transformers", "feeders", "connections", "meters"
// and "chargers" are lists of flat objects. Pure: text in, rows and findings out.
//
// Every finding begins with "name:line: "; where the text is no JSON, with "name:line:column: "
// and nothing behind that place is read. The line is that of the field at fault, or that of the
// object where a field is missing.

#ifndef ADMIN_GRID_FILE_H
#define ADMIN_GRID_FILE_H

#include "services/admin/findings.h"

#include <stddef.h>

// In an order in which each refers only to those before it.
enum grid_kind {
    GRID_TRANSFORMER, // id name limit_w
    GRID_FEEDER,      // id transformer limit_w
    GRID_CONNECTION,  // ean feeder phases contract_w floor_w weight
    GRID_METER,       // equipment_id connection route head_end address dsmr message_interval_s
                      // cell type
    GRID_CHARGER,     // id connection kind max_a
    GRID_KINDS,
};
enum { GRID_FIELDS = 9 };

// "connection", for a message.
const char *grid_kind_name(enum grid_kind kind);

// Who takes what is read. Texts are borrowed for the call.
struct grid_sink {
    void *arg;
    // An object without fault: its fields in the order above, as SQL reads them, defaults filled
    // in; NULL for null, and behind the last.
    void (*row)(void *arg, enum grid_kind kind, const char *const fields[GRID_FIELDS]);
    // An object refers to one of that kind that is not in this file, so it must be known
    // otherwise. Called after all rows. place is what a finding about it begins with.
    void (*elsewhere)(void *arg, enum grid_kind kind, const char *id, const char *place);
};

// Read len octets of text, called name in findings.
void grid_file_read(const char *name, const char *text, size_t len, const struct grid_sink *sink,
                    struct findings *findings);

#endif
