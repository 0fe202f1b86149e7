// SPDX-License-Identifier: Apache-2.0

#include "services/admin/migration.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { DIGITS = 3 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_well_named(const char *name)
{
    size_t len = strlen(name);
    return len > DIGITS + 5 && is_digit(name[0]) && is_digit(name[1]) && is_digit(name[2])
           && name[DIGITS] == '_' && !strcmp(name + len - 4, ".sql");
}

bool migration_is_grant(const char *name)
{
    return name[0] == '9';
}

static void put_digest(const void *octets, size_t len, char text[static DIGEST_TEXT_LEN + 1])
{
    struct digest digest = digest_of(octets, len);
    digest_format(&digest, text);
}

void migration_seal(struct migration *files, size_t count, struct findings *findings)
{
    // The checksums of the files before a 9NN, one after the other, and room for its own.
    char *all = memory_new(count + 1, DIGEST_TEXT_LEN + 1);
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        struct migration *file = &files[i];
        if (!is_well_named(file->name))
            findings_add(findings, "%s: a migration is called NNN_words.sql", file->name);
        else if (i && !strncmp(file->name, files[i - 1].name, DIGITS))
            findings_add(findings, "%s: its number is also that of %s", file->name,
                         files[i - 1].name);
        put_digest(file->text, file->len, file->checksum);
        memcpy(all + len, file->checksum, DIGEST_TEXT_LEN);
        if (migration_is_grant(file->name))
            put_digest(all, len + DIGEST_TEXT_LEN, file->checksum);
        else
            len += DIGEST_TEXT_LEN;
    }
    free(all);
}

static const struct migration_row *find_row(const char *name, const struct migration_row *rows,
                                            size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(rows[i].name, name))
            return &rows[i];
    return NULL;
}

static bool is_at_hand(const char *name, const struct migration *files, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(files[i].name, name))
            return true;
    return false;
}

// The applied file with the greatest name, grants aside; "" for none.
static const char *last_applied(const struct migration_row *rows, size_t count)
{
    const char *last = "";
    for (size_t i = 0; i < count; i++)
        if (!migration_is_grant(rows[i].name) && strcmp(rows[i].name, last) > 0)
            last = rows[i].name;
    return last;
}

void migration_compare(struct migration *files, size_t count, const struct migration_row *rows,
                       size_t row_count, struct findings *findings)
{
    const char *last = last_applied(rows, row_count);
    for (size_t i = 0; i < row_count; i++)
        if (!is_at_hand(rows[i].name, files, count))
            findings_add(findings,
                         "%s: missing, but was applied to this database on %s; is this program "
                         "older than the database?",
                         rows[i].name, rows[i].applied);
    for (size_t i = 0; i < count; i++) {
        struct migration *file = &files[i];
        const struct migration_row *row = find_row(file->name, rows, row_count);
        bool same = row && !strcmp(row->checksum, file->checksum);
        bool grant = migration_is_grant(file->name);
        file->wanted = !same && (grant || !row);
        if (row && !same && !grant)
            findings_add(findings,
                         "%s: changed after it was applied on %s; put the change into a new file",
                         file->name, row->applied);
        if (!row && !grant && strcmp(file->name, last) < 0)
            findings_add(findings, "%s: out of order, because %s was applied before it", file->name,
                         last);
    }
}
