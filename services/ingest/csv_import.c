// SPDX-License-Identifier: Apache-2.0

#include "services/ingest/csv_import.h"
#include "base/log.h"
#include "base/memory.h"
#include "services/ingest/refused_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 50000, MOST_LINE = 4096, MOST_SHOWN = 100, PATIENCE_S = 60 };

#define YEAR_2000 INT64_C(946684800) // no quarter hour was measured before

struct import {
    struct db *db;
    struct quarter_table *quarters;
    struct refused_table *refused;
    const char *path;
    FILE *file;
    int64_t octets; // of the whole file; 0: not known
    int64_t line;
    struct measurement_header header;
    struct arrival_bounds bounds;
    struct utc started;
    struct quarter_row *rows;
    size_t count;
    struct quarter_counts counts;
    int64_t refused_lines;
    bool last; // the chunk at hand
    struct mono last_told;
};

static void complain(struct import *import, const struct measurement_fault *fault, const char *line,
                     size_t len)
{
    char where[40] = "", source[512], why[200];
    if (*fault->field)
        snprintf(where, sizeof where, "%s: ", fault->field);
    else if (fault->column)
        snprintf(where, sizeof where, "column %d: ", fault->column);
    snprintf(why, sizeof why, "%s%s", where, fault->why);
    snprintf(source, sizeof source, "%s:%jd", import->path, (intmax_t)import->line);
    import->refused_lines++;
    if (import->refused_lines <= MOST_SHOWN)
        fprintf(stderr, "%s: %s\n", source, why);
    if (import->refused_lines == MOST_SHOWN)
        fprintf(stderr, "%s: no more are shown; all are in dali.refused\n", import->path);
    refused_table_note(import->refused, import->started, "dali.refused", import->path, source, why,
                       line, len);
}

// --- the database -----------------------------------------------------------------------------

static void wait_machine(int64_t ns)
{
    struct timespec pause = {ns / SECONDS_NS, (long)(ns % SECONDS_NS)};
    nanosleep(&pause, NULL);
}

static enum err write_chunk(struct import *import)
{
    struct quarter_counts counts = import->counts;
    enum err err = quarter_table_prepare(import->quarters, import->rows, import->count);
    if (!err)
        err = db_begin(import->db);
    // The commit of the last chunk waits for the disk, for all of them: only then are we done.
    if (!err && !import->last)
        err = db_do(import->db, "set local synchronous_commit = off", 0, NULL);
    if (!err)
        err = quarter_table_write(import->quarters, import->rows, import->count, QUARTER_CSV,
                                  import->started, &counts);
    if (!err)
        err = refused_table_write(import->refused, import->started);
    if (!err)
        err = db_commit(import->db);
    if (!err)
        import->counts = counts;
    return err;
}

static enum err learn(struct import *import)
{
    return quarter_table_learn(import->quarters, true);
}

// Do a step, again while the database is away or two writers were in each other's way.
static enum err insist(struct import *import, enum err (*step)(struct import *import))
{
    int64_t until = clock_mono().ns + clock_machine_ns(PATIENCE_S * SECONDS_NS);
    for (;;) {
        if (!step(import))
            return ERR_NONE;
        char state[6];
        snprintf(state, sizeof state, "%s", db_sqlstate(import->db));
        db_rollback(import->db);
        bool worth_it = !*state || !strncmp(state, "40", 2) || !strncmp(state, "57", 2);
        if (!worth_it || clock_mono().ns > until) {
            fprintf(stderr, "%s: line %jd: the database does not take it: %s\n", import->path,
                    (intmax_t)import->line, db_message(import->db));
            return ERR_IO;
        }
        int64_t wait = clock_real_ns(db_retry_ns(import->db));
        wait_machine(wait > SECONDS_NS / 10 ? wait : SECONDS_NS / 10);
    }
}

// --- the file ---------------------------------------------------------------------------------

static void tell_progress(struct import *import, bool last)
{
    bool terminal = isatty(STDERR_FILENO);
    int64_t period = terminal ? SECONDS_NS / 2 : 5 * SECONDS_NS;
    struct mono now = clock_mono();
    if (last && terminal)
        fputs("\r\033[K", stderr);
    if (last || now.ns - import->last_told.ns < clock_machine_ns(period))
        return;
    import->last_told = now;
    fprintf(stderr, "%s%s: line %jd", terminal ? "\r" : "", import->path, (intmax_t)import->line);
    if (import->octets)
        fprintf(stderr, ", %d %%", (int)(100 * (int64_t)ftello(import->file) / import->octets));
    fputs(terminal ? "   " : "\n", stderr);
}

static enum err finish_chunk(struct import *import)
{
    enum err err = insist(import, write_chunk);
    if (!err)
        refused_table_forget(import->refused);
    import->count = 0;
    return err;
}

static void take_line(struct import *import, const char *line, size_t len)
{
    struct measurement m;
    struct measurement_fault fault = {0};
    if (len > MOST_LINE) {
        snprintf(fault.why, sizeof fault.why, "longer than %d characters", MOST_LINE);
        complain(import, &fault, line, len);
        return;
    }
    if (measurement_csv_line(&import->header, line, len, &m, &fault)) {
        complain(import, &fault, line, len);
        return;
    }
    fault = (struct measurement_fault){.field = "quarter"};
    const char *why = arrival_refusal(m.quarter, import->started.ns / SECONDS_NS, &import->bounds);
    const struct feeder *feeder = why ? NULL : quarter_table_feeder(import->quarters, m.feeder);
    if (!feeder) {
        snprintf(fault.field, sizeof fault.field, "%s", why ? "quarter" : "feeder");
        if (why)
            snprintf(fault.why, sizeof fault.why, "%s", why);
        else
            snprintf(fault.why, sizeof fault.why, "\"%s\" is not in the grid", m.feeder);
        complain(import, &fault, line, len);
        return;
    }
    struct quarter_row *row = &import->rows[import->count++];
    *row = (struct quarter_row){
        .quarter = m.quarter, .feeder = feeder, .values = m.values, .arrived = import->started};
    memcpy(row->said, m.quality, sizeof row->said);
}

// The next line without its end, or false at the end of the file. Blank lines are skipped.
static bool next_line(struct import *import, char **line, size_t *room, size_t *len)
{
    for (ssize_t got; (got = getline(line, room, import->file)) >= 0;) {
        import->line++;
        *len = (size_t)got;
        while (*len && ((*line)[*len - 1] == '\n' || (*line)[*len - 1] == '\r'))
            --*len;
        if (*len)
            return true;
    }
    return false;
}

static enum err read_header(struct import *import, char **line, size_t *room)
{
    size_t len = 0;
    struct measurement_fault fault = {.why = "is empty"};
    enum err err = ERR_SYNTAX;
    if (next_line(import, line, room, &len)) {
        bool marked = len >= 3 && !memcmp(*line, "\xef\xbb\xbf", 3); // of UTF-8
        size_t skipped = marked ? 3 : 0;
        err = measurement_csv_header(*line + skipped, len - skipped, &import->header, &fault);
    }
    if (err)
        fprintf(stderr, "%s:%jd: %s%s%s\n", import->path, (intmax_t)import->line, fault.field,
                *fault.field ? ": " : "", fault.why);
    return err;
}

static enum err read_lines(struct import *import, char **line, size_t *room)
{
    enum err err = ERR_NONE;
    int64_t kept_refusals = 0;
    for (size_t len; !err && next_line(import, line, room, &len);) {
        // Only now, so that the last chunk, whose commit waits, is never empty.
        if (import->count == CHUNK || import->refused_lines - kept_refusals == CHUNK) {
            err = finish_chunk(import);
            kept_refusals = import->refused_lines;
        }
        take_line(import, *line, len);
        if (import->line % 1000 == 0)
            tell_progress(import, false);
    }
    tell_progress(import, true);
    if (!err && ferror(import->file)) {
        fprintf(stderr, "%s: cannot be read: %s\n", import->path, strerror(errno));
        err = ERR_IO;
    }
    import->last = true;
    return err ? err : finish_chunk(import);
}

static void tell_result(const struct import *import)
{
    const struct quarter_counts *c = &import->counts;
    int64_t same = c->read - c->fresh - c->changed;
    printf("%s: %jd quarters read: %jd new, %jd changed, %jd as before; %jd marked as not to be "
           "used; %jd lines refused\n",
           import->path, (intmax_t)c->read, (intmax_t)c->fresh, (intmax_t)c->changed,
           (intmax_t)(same > 0 ? same : 0), (intmax_t)c->marked, (intmax_t)import->refused_lines);
}

enum err csv_import(struct db *db, struct quarter_table *quarters, const char *path,
                    int64_t future_s)
{
    bool standard = !strcmp(path, "-");
    struct utc now = clock_utc();
    struct import import = {.db = db,
                            .quarters = quarters,
                            .path = standard ? "standard input" : path,
                            .file = standard ? stdin : fopen(path, "re"),
                            .started = now,
                            .bounds = {future_s, now.ns / SECONDS_NS - YEAR_2000},
                            .last_told = clock_mono()};
    if (!import.file) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return ERR_IO;
    }
    struct stat status;
    if (!fstat(fileno(import.file), &status) && S_ISREG(status.st_mode))
        import.octets = status.st_size;
    import.refused = refused_table_new(db);
    import.rows = memory_new(CHUNK, sizeof *import.rows);
    char *line = NULL;
    size_t room = 0;
    enum err err = read_header(&import, &line, &room);
    if (!err)
        err = insist(&import, learn);
    if (!err)
        err = read_lines(&import, &line, &room);
    if (!err)
        tell_result(&import);
    free(line);
    free(import.rows);
    refused_table_free(import.refused);
    if (!standard)
        fclose(import.file);
    return err ? err : import.refused_lines ? ERR_SYNTAX : ERR_NONE;
}
