// SPDX-License-Identifier: Apache-2.0

#include "services/admin/grid_import.h"
#include "base/log.h"
#include "base/memory.h"
#include "services/admin/event_table.h"
#include "services/admin/grid_table.h"
#include "services/admin/whole_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROGRESS_ROWS = 50000 };

struct copying {
    struct db *db;
    enum err err; // sticks; the rest of the file is still checked
    int64_t rows;
    bool on_terminal;
};

static void on_row(void *arg, enum grid_kind kind, const char *const fields[GRID_FIELDS])
{
    struct copying *copying = arg;
    if (!copying->err)
        copying->err = grid_table_row(copying->db, kind, fields);
    if (++copying->rows % PROGRESS_ROWS)
        return;
    if (copying->on_terminal)
        fprintf(stderr, "\r%jd objects read", (intmax_t)copying->rows);
    else
        log_debug("import.reads", F("objects", copying->rows));
}

static void on_elsewhere(void *arg, enum grid_kind kind, const char *id, const char *place)
{
    struct copying *copying = arg;
    if (!copying->err)
        copying->err = grid_table_reference(copying->db, kind, id, place);
}

static void print_changes(const struct grid_changes *changes)
{
    for (int kind = 0; kind < GRID_KINDS; kind++) {
        printf("%ss: %jd added, %jd changed", grid_kind_name((enum grid_kind)kind),
               (intmax_t)changes->added[kind], (intmax_t)changes->changed[kind]);
        if (changes->gone[kind])
            printf(", %jd taken out", (intmax_t)changes->gone[kind]);
        putchar('\n');
    }
}

static enum err note(struct db *db, const char *path, const struct grid_changes *changes)
{
    json_t *data = json_object();
    for (int kind = 0; kind < GRID_KINDS; kind++)
        json_object_set_new(data, grid_kind_name((enum grid_kind)kind),
                            json_pack("{s:I, s:I, s:I}", "added", (json_int_t)changes->added[kind],
                                      "changed", (json_int_t)changes->changed[kind], "taken_out",
                                      (json_int_t)changes->gone[kind]));
    char *text = json_dumps(data, JSON_COMPACT);
    enum err err = event_table_add(db, "grid.imported", path, text);
    free(text);
    json_decref(data);
    return err;
}

static enum err copy(struct db *db, const char *path, struct findings *findings)
{
    size_t len;
    char *text = whole_file_read(path, &len);
    if (!text)
        return ERR_IO;
    struct copying copying = {.db = db, .on_terminal = isatty(STDERR_FILENO)};
    const struct grid_sink sink = {&copying, on_row, on_elsewhere};
    copying.err = grid_table_begin(db);
    if (!copying.err)
        grid_file_read(path, text, len, &sink, findings);
    if (copying.on_terminal && copying.rows >= PROGRESS_ROWS)
        fputc('\n', stderr);
    free(text);
    if (!copying.err)
        copying.err = grid_table_rows_end(db);
    if (!copying.err)
        copying.err = grid_table_check(db, findings);
    return copying.err;
}

enum err grid_import(struct db *db, const char *path, bool replace)
{
    struct findings findings = {0};
    struct grid_changes changes;
    enum err err = copy(db, path, &findings);
    findings_print(&findings, stderr);
    if (!err && findings.count)
        err = ERR_SYNTAX;
    if (!err)
        err = grid_table_apply(db, replace, &changes);
    if (!err)
        err = note(db, path, &changes);
    if (!err)
        err = db_commit(db);
    if (err) {
        db_rollback(db);
        fprintf(stderr, "%s: nothing was imported\n", path);
    } else {
        print_changes(&changes);
    }
    findings_clear(&findings);
    return err;
}

static enum err write_and_close(struct db *db, FILE *out)
{
    enum err err = grid_table_write(db, out);
    bool written = !ferror(out);
    // Closing tells what writing did not: a full disk.
    return fclose(out) || !written ? ERR_IO : err;
}

enum err grid_export(struct db *db, const char *path)
{
    if (!path)
        return write_and_close(db, stdout);
    char *unfinished = memory_format("%s.unfinished", path);
    FILE *out = fopen(unfinished, "we");
    enum err err = out ? write_and_close(db, out) : ERR_IO;
    if (err || rename(unfinished, path)) {
        fprintf(stderr, "%s: %s\n", path, errno ? strerror(errno) : "not written");
        unlink(unfinished);
        err = ERR_IO;
    }
    free(unfinished);
    return err;
}
