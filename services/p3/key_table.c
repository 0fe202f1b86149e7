// SPDX-License-Identifier: Apache-2.0

#include "services/p3/key_table.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"
#include "services/p3/sql_array.h"

#include <stdlib.h>
#include <string.h>

enum { DLMS_PORT = 4059, HOST_MAX = 64 };

struct key_table {
    struct db *db;
    const struct meter_types *types;
    struct master_key *const *masters;
    size_t master_count;
    struct key_wrap *wrap;
};

struct key_table *key_table_new(struct db *db, const struct meter_types *types,
                                struct master_key *const *masters, size_t count)
{
    struct key_table *table = memory_new(1, sizeof *table);
    *table = (struct key_table){db, types, masters, count, key_wrap_new()};
    return table;
}

void key_table_free(struct key_table *table)
{
    if (!table)
        return;
    key_wrap_free(table->wrap);
    free(table);
}

// --- An address ---

// The port behind the last colon; an IPv6 address stands in brackets, or has no port.
enum err key_table_address(const char *text, struct dlms_address *address)
{
    char host[HOST_MAX];
    const char *end = text + strlen(text), *port = strrchr(text, ':');
    bool in_brackets = *text == '[';
    if (in_brackets) {
        end = strchr(text, ']');
        if (!end || (end[1] != ':' && end[1] != '\0'))
            return ERR_SYNTAX;
        port = end[1] ? end + 1 : NULL;
        text++;
    } else if (port && strchr(text, ':') == port) {
        end = port;
    } else {
        port = NULL;
    }
    char *rest = NULL;
    long number = port ? strtol(port + 1, &rest, 10) : DLMS_PORT;
    size_t len = (size_t)(end - text);
    if (len >= sizeof host || (port && (port[1] < '0' || port[1] > '9' || *rest)) || number < 1
        || number > 65535)
        return ERR_SYNTAX;
    memcpy(host, text, len);
    host[len] = '\0';
    return dlms_address_parse(host, (int)number, address);
}

// --- Rows ---

enum {
    COLUMN_PLACE,
    COLUMN_EQUIPMENT,
    COLUMN_ADDRESS,
    COLUMN_CELL,
    COLUMN_TYPE,
    COLUMN_MASTER,
    COLUMN_ENCRYPTION,
    COLUMN_AUTHENTICATION,
    COLUMN_CLIENT_TITLE,
    COLUMN_METER_TITLE,
    COLUMN_CLIENT_SAP,
    COLUMN_SERVER_SAP,
    COLUMN_USE,
    COLUMN_METER_COUNTER,
};

static const char load_sql[] =
    "select w.place, m.equipment_id, m.address, m.cell, m.type, k.master, k.encryption,"
    " k.authentication, k.client_title, coalesce(k.meter_title, c.meter_title), k.client_sap,"
    " k.server_sap, k.counter, c.meter_counter"
    " from unnest($1::bigint[]) with ordinality as w (meter, place)"
    " join grid.meter m on m.number = w.meter and m.route = 'dlms'"
    " left join keys.meter k on k.meter = m.number"
    " left join keys.counter c on c.key = k.counter";

// A bytea as the server writes it, \x and digits.
static bool take_octets(const PGresult *row, int number, int column, uint8_t *octets, size_t len)
{
    const char *text = PQgetvalue(row, number, column);
    size_t count;
    return strlen(text) == 2 + 2 * len && !hex_parse(text + 2, 2 * len, octets, len, &count);
}

static const struct master_key *find_master(const struct key_table *table, const char *id)
{
    for (size_t i = 0; i < table->master_count; i++)
        if (!strcmp(table->masters[i]->id, id))
            return table->masters[i];
    return NULL;
}

static bool unwrap(const struct key_table *table, const struct master_key *master,
                   enum key_purpose purpose, const PGresult *rows, int row, int column,
                   uint8_t key[static CIPHER_KEY_LEN])
{
    uint8_t wrapped[KEY_WRAPPED_LEN];
    return take_octets(rows, row, column, wrapped, sizeof wrapped)
           && !key_wrap_open(table->wrap, master, purpose, PQgetvalue(rows, row, COLUMN_EQUIPMENT),
                             wrapped, key);
}

// The counter's name must follow from the key, or somebody made the row point at another one.
static const char *take_keys(const struct key_table *table, const PGresult *rows, int row,
                             struct meter_access *access)
{
    if (PQgetisnull(rows, row, COLUMN_MASTER))
        return "no-keys";
    const struct master_key *master = find_master(table, PQgetvalue(rows, row, COLUMN_MASTER));
    if (!master)
        return "no-master-key";
    struct key_use use = {0};
    if (!unwrap(table, master, KEY_FOR_ENCRYPTION, rows, row, COLUMN_ENCRYPTION,
                access->keys.encryption)
        || !unwrap(table, master, KEY_FOR_AUTHENTICATION, rows, row, COLUMN_AUTHENTICATION,
                   access->keys.authentication)
        || !take_octets(rows, row, COLUMN_CLIENT_TITLE, access->client_title, CIPHER_TITLE_LEN)
        || !take_octets(rows, row, COLUMN_USE, use.octets, KEY_USE_LEN))
        return "keys-damaged";
    access->use = key_use_of(access->keys.encryption, access->client_title);
    return memcmp(&use, &access->use, sizeof use) != 0 ? "keys-damaged" : NULL;
}

static const char *take_meter(const struct key_table *table, const PGresult *rows, int row,
                              struct meter_access *access)
{
    const struct meter_type *type =
        meter_types_find(table->types, PQgetvalue(rows, row, COLUMN_TYPE));
    if (!type)
        return "unknown-type";
    access->type = *type;
    if (!PQgetisnull(rows, row, COLUMN_CLIENT_SAP))
        access->type.client_sap = (uint16_t)db_get_integer(rows, row, COLUMN_CLIENT_SAP);
    if (!PQgetisnull(rows, row, COLUMN_SERVER_SAP))
        access->type.server_sap = (uint16_t)db_get_integer(rows, row, COLUMN_SERVER_SAP);
    if (key_table_address(PQgetvalue(rows, row, COLUMN_ADDRESS), &access->address))
        return "bad-address";
    snprintf(access->cell, sizeof access->cell, "%s", PQgetvalue(rows, row, COLUMN_CELL));
    access->knows_meter_title =
        take_octets(rows, row, COLUMN_METER_TITLE, access->meter_title, CIPHER_TITLE_LEN);
    if (!PQgetisnull(rows, row, COLUMN_METER_COUNTER))
        access->least_meter_counter = db_get_integer(rows, row, COLUMN_METER_COUNTER) + 1;
    return take_keys(table, rows, row, access);
}

static void take_rows(const struct key_table *table, const PGresult *rows,
                      struct meter_access *const *wanted)
{
    for (int row = 0; row < PQntuples(rows); row++) {
        struct meter_access *access = wanted[db_get_integer(rows, row, COLUMN_PLACE) - 1];
        access->fault = take_meter(table, rows, row, access);
        if (access->fault)
            memory_wipe(&access->keys, sizeof access->keys);
        if (access->fault && !strncmp(access->fault, "keys-", 5))
            log_error("keys.damaged", F("meter", access->meter),
                      F("why", "not what was wrapped for this meter: import them again"));
    }
}

enum err key_table_load(struct key_table *table, struct meter_access *const *wanted, size_t count)
{
    struct sql_array meters = {0};
    for (size_t i = 0; i < count; i++) {
        *wanted[i] = (struct meter_access){.meter = wanted[i]->meter, .fault = "unknown-meter"};
        sql_array_put_integer(&meters, wanted[i]->meter);
    }
    PGresult *rows = db_query(table->db, load_sql, 1, (const char *[]){sql_array_end(&meters)});
    free(meters.text);
    if (rows)
        take_rows(table, rows, wanted);
    PQclear(rows);
    return rows ? ERR_NONE : ERR_IO;
}
