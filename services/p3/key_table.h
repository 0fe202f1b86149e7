// SPDX-License-Identifier: Apache-2.0
// How meters are reached and spoken to, with their keys: read from the tables and unwrapped a
// batch at a time, just before they are used.

#ifndef P3_KEY_TABLE_H
#define P3_KEY_TABLE_H

#include "io/db.h"
#include "io/master_key.h"
#include "services/p3/dlms_call.h"
#include "services/p3/meter_type.h"
#include "wire/key_wrap.h"

#include <stddef.h>

enum { METER_CELL_LEN = 64 };

// All that a session with one meter needs. Lives in secret memory (base/secret.h: a
// secret_pool of these), and is wiped as soon as the session has its keys.
struct meter_access {
    int64_t meter;     // grid.meter.number; set by the caller, all else by key_table_load()
    const char *fault; // why it cannot be spoken to, as a cause; NULL: it can
    struct dlms_address address;
    char cell[METER_CELL_LEN + 1]; // "": none
    struct meter_type type;        // of its name, with the meter's own SAPs
    uint8_t client_title[CIPHER_TITLE_LEN];
    uint8_t meter_title[CIPHER_TITLE_LEN];
    bool knows_meter_title;
    int64_t least_meter_counter; // as session_job has it
    struct cipher_keys keys;
    struct key_use use; // what to reserve counters for (counter_table.h)
};

// Faults, as causes of a delivery:
//   unknown-meter      not in the grid, or not of route dlms
//   unknown-type       no type of that name (meter_types_find)
//   bad-address        no numeric host:port; of an IPv6 address [host]:port
//   no-keys            none were imported
//   no-master-key      wrapped under a master key that this process was not given
//   keys-damaged       not what was wrapped for this meter

struct key_table;

// types: of meters, as set. masters: those that keys may be wrapped under, count of them; during a
// rotation two. Borrowed, as db is. Owned: key_table_free().
struct key_table *key_table_new(struct db *db, const struct meter_types *types,
                                struct master_key *const *masters, size_t count);
void key_table_free(struct key_table *table);

// Fill in count accesses, in one statement. Each ends with keys or with a fault.
//   ERR_IO  no database; all are without keys, and may be loaded again
MUST_CHECK enum err key_table_load(struct key_table *table, struct meter_access *const *wanted,
                                   size_t count);

// "192.0.2.7:4059", "[2001:db8::7]:4059"; the port may be left out. ERR_SYNTAX: it is none.
MUST_CHECK enum err key_table_address(const char *text, struct dlms_address *address);

#endif
