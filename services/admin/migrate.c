// SPDX-License-Identifier: Apache-2.0

#include "services/admin/migrate.h"
#include "base/memory.h"
#include "services/admin/migration.h"
#include "services/admin/migration_table.h"
#include "services/admin/whole_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct files {
    struct migration *list;
    size_t count;
};

static void files_clear(struct files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->list[i].name);
        free(files->list[i].text);
    }
    free(files->list);
}

// Takes over both.
static void files_add(struct files *files, char *name, char *text, size_t len)
{
    files->list = memory_grow(files->list, files->count + 1, sizeof *files->list);
    files->list[files->count++] = (struct migration){.name = name, .text = text, .len = len};
}

static int is_sql(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 4 && entry->d_name[0] != '.' && !strcmp(entry->d_name + len - 4, ".sql");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum err files_of_folder(struct files *files, const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_sql, by_name);
    if (count <= 0)
        fprintf(stderr, "%s: %s\n", folder, count ? strerror(errno) : "no *.sql in it");
    enum err err = count <= 0 ? ERR_IO : ERR_NONE;
    for (int i = 0; i < count; i++) {
        char *path = memory_format("%s/%s", folder, entries[i]->d_name);
        size_t len = 0;
        char *text = err ? NULL : whole_file_read(path, &len);
        if (text)
            files_add(files, memory_text(entries[i]->d_name), text, len);
        else
            err = ERR_IO;
        free(path);
        free(entries[i]);
    }
    free(entries);
    return err;
}

static void files_built_in(struct files *files)
{
    for (const struct migration_file *file = migration_built_in; file->name; file++)
        files_add(files, memory_text(file->name),
                  memory_text_n((const char *)file->text, file->len), file->len);
}

static enum err compare(struct db *db, struct files *files, struct findings *findings)
{
    PGresult *result;
    size_t count;
    struct migration_row *rows = migration_table_read(db, &result, &count);
    if (!rows)
        return ERR_IO;
    migration_compare(files->list, files->count, rows, count, findings);
    free(rows);
    PQclear(result);
    return ERR_NONE;
}

static enum err apply(struct db *db, const struct files *files)
{
    size_t applied = 0;
    for (size_t i = 0; i < files->count; i++) {
        if (!files->list[i].wanted)
            continue;
        if (!applied++ && migration_table_roles(db))
            return ERR_IO;
        if (migration_table_apply(db, &files->list[i]))
            return ERR_IO;
        printf("applied %s\n", files->list[i].name);
    }
    if (!applied)
        printf("nothing to do: the database has all %zu files\n", files->count);
    return ERR_NONE;
}

enum err migrate(struct db *db, const char *folder)
{
    struct files files = {0};
    struct findings findings = {0};
    enum err err = ERR_NONE;
    if (folder)
        err = files_of_folder(&files, folder);
    else
        files_built_in(&files);
    if (err)
        goto out;
    migration_seal(files.list, files.count, &findings);
    err = migration_table_open(db);
    if (!err)
        err = compare(db, &files, &findings);
    if (!err && findings.count) {
        findings_print(&findings, stderr);
        fputs("the database was left as it is\n", stderr);
        err = ERR_SYNTAX;
    }
    if (!err)
        err = apply(db, &files);
out:
    findings_clear(&findings);
    files_clear(&files);
    return err;
}
