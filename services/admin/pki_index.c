// SPDX-License-Identifier: Apache-2.0

#include "services/admin/pki_index.h"
#include "base/digest.h"
#include "base/memory.h"
#include "base/rfc3339.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 7, LINE_MAX_LEN = 8192 };
static const char *const uses[] = {"authority", "server", "client"};

void pki_serial_format(const uint8_t serial[static AUTHORITY_SERIAL],
                       char text[static PKI_SERIAL_TEXT + 1])
{
    hex_format(serial, AUTHORITY_SERIAL, text, PKI_SERIAL_TEXT + 1);
}

void pki_index_clear(struct pki_index *index)
{
    for (size_t i = 0; i < index->count; i++)
        free(index->entries[i].addresses);
    free(index->entries);
    *index = (struct pki_index){0};
}

bool pki_index_add(struct pki_index *index, const struct pki_entry *entry)
{
    for (size_t i = 0; i < index->count; i++)
        if (!memcmp(index->entries[i].serial, entry->serial, AUTHORITY_SERIAL))
            return false;
    index->entries = memory_grow(index->entries, index->count + 1, sizeof *entry);
    struct pki_entry *added = &index->entries[index->count++];
    *added = *entry;
    added->addresses = memory_text(entry->addresses);
    return true;
}

// --- reading ---

static bool read_use(const char *text, enum pki_use *use)
{
    for (int i = 0; i < 3; i++)
        if (!strcmp(text, uses[i])) {
            *use = (enum pki_use)i;
            return true;
        }
    return false;
}

static bool read_serial(const char *text, uint8_t serial[static AUTHORITY_SERIAL])
{
    size_t count;
    return strlen(text) == PKI_SERIAL_TEXT
           && !hex_parse(text, PKI_SERIAL_TEXT, serial, AUTHORITY_SERIAL, &count) && serial[0] > 0
           && serial[0] < 128;
}

static bool read_time(const char *text, int64_t *utc)
{
    return !rfc3339_parse(text, strlen(text), utc) && *utc > 0;
}

// Why this line is none, or NULL; the addresses are borrowed from it.
static const char *read_fields(char *fields[static COLUMNS], struct pki_entry *entry)
{
    if (!read_serial(fields[0], entry->serial))
        return "serial: not 32 hex digits, the first below 8";
    if (!read_use(fields[1], &entry->use))
        return "use: not authority, server or client";
    if (!tls_name_is_sound(fields[2]))
        return "name: not 1 to 64 letters, digits, . - _";
    if (entry->use == PKI_SERVER ? authority_addresses_fault(fields[3]) != NULL : *fields[3])
        return "addresses: not those of a server";
    if (!read_time(fields[4], &entry->from))
        return "from: no time of RFC 3339";
    if (!read_time(fields[5], &entry->to) || entry->to <= entry->from)
        return "to: no time of RFC 3339 after from";
    if (*fields[6] && !read_time(fields[6], &entry->revoked))
        return "revoked: no time of RFC 3339";
    snprintf(entry->name, sizeof entry->name, "%s", fields[2]);
    entry->addresses = fields[3];
    return NULL;
}

static const char *read_line(char *line, struct pki_index *index)
{
    char *fields[COLUMNS];
    struct pki_entry entry = {.revoked = 0};
    for (int i = 0; i < COLUMNS; i++)
        if (!(fields[i] = strsep(&line, ",")))
            return "not 7 columns";
    const char *why = line ? "not 7 columns" : read_fields(fields, &entry);
    if (!why && !pki_index_add(index, &entry))
        why = "serial: stands there twice";
    return why;
}

// The next line, terminated, into room; false: there is none, or why is set.
static bool next_line(const char **text, size_t *len, char room[static LINE_MAX_LEN],
                      const char **why)
{
    if (!*len)
        return false;
    const char *end = memchr(*text, '\n', *len);
    size_t line_len = end ? (size_t)(end - *text) : *len;
    if (!end)
        *why = "does not end: the file is cut off";
    else if (line_len >= LINE_MAX_LEN || memchr(*text, '\0', line_len))
        *why = "too long, or not text";
    if (*why)
        return false;
    memcpy(room, *text, line_len);
    room[line_len] = '\0';
    *text += line_len + 1;
    *len -= line_len + 1;
    return true;
}

enum err pki_index_read(const char *text, size_t len, struct pki_index *index, char why[static 128])
{
    struct pki_index got = {0};
    char *line = memory_new(1, LINE_MAX_LEN);
    const char *fault = NULL;
    int number = 1;
    if (!next_line(&text, &len, line, &fault) || strncmp(line, PKI_INDEX_HEAD, strlen(line)) != 0
        || strlen(line) != strlen(PKI_INDEX_HEAD) - 1)
        fault = "not " PKI_INDEX_HEAD;
    while (!fault && (number++, next_line(&text, &len, line, &fault)))
        fault = read_line(line, &got);
    free(line);
    if (fault) {
        snprintf(why, 128, "line %d: %.*s", number, (int)strcspn(fault, "\n"), fault);
        pki_index_clear(&got);
        return ERR_SYNTAX;
    }
    *index = got;
    return ERR_NONE;
}

// --- writing ---

char *pki_index_format(const struct pki_index *index)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    fputs(PKI_INDEX_HEAD, out);
    for (size_t i = 0; i < index->count; i++) {
        const struct pki_entry *e = &index->entries[i];
        char serial[PKI_SERIAL_TEXT + 1], from[RFC3339_LEN + 1], to[RFC3339_LEN + 1];
        char revoked[RFC3339_LEN + 1] = "";
        pki_serial_format(e->serial, serial);
        rfc3339_format(e->from, from);
        rfc3339_format(e->to, to);
        if (e->revoked)
            rfc3339_format(e->revoked, revoked);
        fprintf(out, "%s,%s,%s,%s,%s,%s,%s\n", serial, uses[e->use], e->name, e->addresses, from,
                to, revoked);
    }
    fclose(out);
    return text;
}

// --- asking ---

struct pki_entry *pki_index_newest(const struct pki_index *index, const char *name)
{
    for (size_t i = index->count; i-- > 0;) {
        struct pki_entry *entry = &index->entries[i];
        if (entry->use != PKI_AUTHORITY && !entry->revoked && !strcmp(entry->name, name))
            return entry;
    }
    return NULL;
}

const char *pki_index_state(const struct pki_index *index, const struct pki_entry *entry,
                            int64_t now, int64_t soon_s)
{
    if (entry->revoked)
        return "revoked";
    if (entry->use != PKI_AUTHORITY && pki_index_newest(index, entry->name) != entry)
        return now > entry->to ? "ended" : "replaced";
    if (now > entry->to)
        return "ended";
    return now + soon_s > entry->to ? "ends-soon" : "good";
}
