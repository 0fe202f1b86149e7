// SPDX-License-Identifier: Apache-2.0

#include "services/admin/key_jobs.h"
#include "base/digest.h"
#include "base/memory.h"
#include "base/secret.h"
#include "io/master_key.h"
#include "services/admin/event_table.h"
#include "services/admin/key_file.h"
#include "services/admin/key_store.h"
#include "services/admin/secret_file.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum { REWRAP_ROWS = 1000 };

static enum err complain(enum err err, const char *what)
{
    fprintf(stderr, "socmod-admin: keys: %s\n", what);
    return err;
}

static enum err read_master(const char *path, struct master_key **key)
{
    char why[MASTER_KEY_REASON];
    enum err err = master_key_read(path, key, why);
    return err ? complain(err, why) : ERR_NONE;
}

static enum err note(struct db *db, const char *kind, const char *subject, json_t *data)
{
    char *text = json_dumps(data, JSON_COMPACT);
    enum err err = event_table_add(db, kind, subject, text);
    free(text);
    json_decref(data);
    return err;
}

static enum err finish(struct db *db, enum err err)
{
    if (!err)
        err = db_commit(db);
    if (err)
        db_rollback(db);
    return err;
}

// --- import ---

struct importing {
    struct db *db;
    const struct master_key *master;
    struct key_wrap *wrap;
    enum err err; // sticks; the rest of the file is still checked
};

static struct key_wrapped wrap(struct key_wrap *worker, const struct master_key *master,
                               const char *equipment_id, const struct cipher_keys *keys)
{
    struct key_wrapped wrapped = {0};
    key_wrap_seal(worker, master, KEY_FOR_ENCRYPTION, equipment_id, keys->encryption,
                  wrapped.encryption);
    key_wrap_seal(worker, master, KEY_FOR_AUTHENTICATION, equipment_id, keys->authentication,
                  wrapped.authentication);
    return wrapped;
}

static void on_row(void *arg, const struct key_row *row)
{
    struct importing *importing = arg;
    if (importing->err)
        return;
    struct key_wrapped wrapped =
        wrap(importing->wrap, importing->master, row->equipment_id, &row->keys);
    wrapped.use = key_use_of(row->keys.encryption, row->client_title);
    importing->err = key_store_row(importing->db, row, &wrapped);
}

// What the JSON library copies is wiped when it gives it back.
static void free_wiped(void *memory)
{
    if (memory)
        memory_wipe(memory, malloc_usable_size(memory));
    free(memory);
}

static void read_rows(struct importing *importing, const char *path, const struct secret_file *file,
                      struct findings *findings)
{
    const struct key_sink sink = {importing, on_row};
    json_set_alloc_funcs(malloc, free_wiped);
    key_file_read(path, file->text, file->len, &sink, findings);
    json_set_alloc_funcs(malloc, free);
}

static enum err copy(struct importing *importing, const char *path, const struct secret_file *file,
                     bool replace, struct findings *findings)
{
    importing->err = key_store_rows_start(importing->db);
    if (importing->err)
        return importing->err;
    read_rows(importing, path, file, findings);
    if (!importing->err)
        importing->err = key_store_rows_end(importing->db);
    if (!importing->err)
        importing->err = key_store_check(importing->db, path, replace, findings);
    findings_print(findings, stderr);
    return !importing->err && findings->count ? ERR_SYNTAX : importing->err;
}

static enum err import_file(struct importing *importing, const struct key_job *job,
                            const struct secret_file *file)
{
    struct findings findings = {0};
    int64_t added = 0, replaced = 0;
    enum err err = key_store_begin(importing->db);
    if (!err)
        err = key_store_use_master(importing->db, importing->master->id);
    if (!err)
        err = copy(importing, job->file, file, job->replace, &findings);
    findings_clear(&findings);
    if (!err)
        err = key_store_apply(importing->db, importing->master->id, &added, &replaced);
    if (!err)
        err = note(importing->db, "keys.imported", job->file,
                   json_pack("{s:I, s:I, s:s}", "added", (json_int_t)added, "replaced",
                             (json_int_t)replaced, "master_key", importing->master->id));
    err = finish(importing->db, err);
    if (err)
        fprintf(stderr, "%s: nothing was imported\n", job->file);
    else
        printf("keys: %" PRId64 " added, %" PRId64 " replaced\n", added, replaced);
    return err;
}

static enum err import(const struct key_job *job, struct db *db)
{
    struct master_key *master = NULL;
    struct secret_file file;
    enum err err = read_master(job->master, &master);
    if (err)
        return err;
    err = secret_file_read(job->file, &file);
    if (!err) {
        struct importing importing = {.db = db, .master = master, .wrap = key_wrap_new()};
        err = import_file(&importing, job, &file);
        key_wrap_free(importing.wrap);
        secret_file_free(&file);
    }
    master_key_free(master);
    return err;
}

// --- rotate ---

struct rotating {
    struct db *db;
    struct master_key *from, *to;
    struct key_wrap *wrap;
    int64_t last;          // meter that was looked at
    int64_t done, damaged; // meters
};

static bool unwrap(const struct rotating *rotating, enum key_purpose purpose,
                   const char *equipment_id, const char *text, uint8_t key[static CIPHER_KEY_LEN])
{
    uint8_t wrapped[KEY_WRAPPED_LEN];
    size_t count;
    return strlen(text) == 2 + 2 * sizeof wrapped
           && !hex_parse(text + 2, strlen(text) - 2, wrapped, sizeof wrapped, &count)
           && !key_wrap_open(rotating->wrap, rotating->from, purpose, equipment_id, wrapped, key);
}

static enum err rewrap(struct rotating *rotating, const PGresult *rows, int row)
{
    struct cipher_keys keys;
    const char *equipment_id = PQgetvalue(rows, row, 1);
    rotating->last = db_get_integer(rows, row, 0);
    enum err err = ERR_NONE;
    if (!unwrap(rotating, KEY_FOR_ENCRYPTION, equipment_id, PQgetvalue(rows, row, 2),
                keys.encryption)
        || !unwrap(rotating, KEY_FOR_AUTHENTICATION, equipment_id, PQgetvalue(rows, row, 3),
                   keys.authentication)) {
        fprintf(stderr, "meter %s: its keys are damaged: import them again\n", equipment_id);
        rotating->damaged++;
    } else {
        struct key_wrapped wrapped = wrap(rotating->wrap, rotating->to, equipment_id, &keys);
        err = key_store_rewrap(rotating->db, rotating->last, rotating->to->id, &wrapped);
        rotating->done++;
    }
    memory_wipe(&keys, sizeof keys);
    return err;
}

// Some meters, in a transaction of their own; *more while there were any.
static enum err rewrap_some(struct rotating *rotating, bool *more)
{
    enum err err = db_begin(rotating->db);
    PGresult *rows = err ? NULL
                         : key_store_wrapped_under(rotating->db, rotating->from->id, rotating->last,
                                                   REWRAP_ROWS);
    if (!rows)
        err = ERR_IO;
    *more = !err && PQntuples(rows) > 0;
    for (int row = 0; !err && row < PQntuples(rows); row++)
        err = rewrap(rotating, rows, row);
    PQclear(rows);
    return finish(rotating->db, err);
}

static enum err begin_rotation(const struct rotating *rotating)
{
    enum err err = key_store_begin(rotating->db);
    if (!err)
        err = key_store_replace_master(rotating->db, rotating->from->id, rotating->to->id);
    return finish(rotating->db, err);
}

static enum err end_rotation(const struct rotating *rotating)
{
    enum err err = key_store_begin(rotating->db);
    if (!err)
        err = key_store_forget_masters(rotating->db);
    if (!err)
        err = note(rotating->db, "keys.rotated", rotating->to->id,
                   json_pack("{s:s, s:I, s:I}", "from", rotating->from->id, "meters",
                             (json_int_t)rotating->done, "damaged", (json_int_t)rotating->damaged));
    return finish(rotating->db, err);
}

static enum err run_rotation(struct rotating *rotating)
{
    bool more = true;
    enum err err = begin_rotation(rotating);
    while (!err && more)
        err = rewrap_some(rotating, &more);
    if (!err)
        err = end_rotation(rotating);
    if (err)
        return complain(err, "not all keys are wrapped anew; both master keys are needed until"
                             " it was run again");
    printf("keys: %" PRId64 " wrapped anew, %" PRId64 " damaged\n", rotating->done,
           rotating->damaged);
    return rotating->damaged ? ERR_CHECKSUM : ERR_NONE;
}

static enum err rotate(const struct key_job *job, struct db *db)
{
    struct rotating rotating = {.db = db};
    enum err err = read_master(job->former, &rotating.from);
    if (!err)
        err = read_master(job->master, &rotating.to);
    if (!err && !strcmp(rotating.from->id, rotating.to->id))
        err = complain(ERR_RANGE, "both files hold the same master key");
    if (!err) {
        rotating.wrap = key_wrap_new();
        err = run_rotation(&rotating);
        key_wrap_free(rotating.wrap);
    }
    master_key_free(rotating.from);
    master_key_free(rotating.to);
    return err;
}

// --- the others ---

static enum err list(const struct key_job *job, struct db *db)
{
    (void)job;
    return key_store_list(db, stdout);
}

static enum err new_master(const struct key_job *job, struct db *db)
{
    (void)db;
    char why[MASTER_KEY_REASON], id[MASTER_KEY_ID_LEN + 1];
    enum err err = master_key_make(job->file, id, why);
    if (err)
        return complain(err, why);
    puts(id);
    return ERR_NONE;
}

// -1: it is no number of counters.
static int64_t skip_of(const struct key_job *job)
{
    char *end;
    int64_t skip = job->skip && *job->skip ? strtoll(job->skip, &end, 10) : -1;
    return skip < 0 || *end || skip > UINT32_MAX ? -1 : skip;
}

static enum err restored(const struct key_job *job, struct db *db)
{
    int64_t lifted = 0, ended = 0, skip = skip_of(job);
    enum err err = key_store_begin(db);
    if (!err)
        err = key_store_restored(db, skip, &lifted, &ended);
    if (!err)
        err = note(db, "keys.restored", "",
                   json_pack("{s:I, s:I, s:I}", "skip", (json_int_t)skip, "keys",
                             (json_int_t)lifted, "used_up", (json_int_t)ended));
    err = finish(db, err);
    if (!err)
        printf("counters of %" PRId64 " keys lifted by %" PRId64 "; %" PRId64 " are used up\n",
               lifted, skip, ended);
    return err;
}

static const struct verb {
    const char *word;
    enum err (*run)(const struct key_job *job, struct db *db);
    bool has_file, has_master, has_former, has_skip, is_offline;
} verbs[] = {
    {"import", import, true, true, false, false, false},
    {"rotate", rotate, false, true, true, false, false},
    {"list", list, false, false, false, false, false},
    {"new-master", new_master, true, false, false, false, true},
    {"restored", restored, false, false, false, true, false},
};

static const struct verb *find(const char *word)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (!strcmp(verbs[i].word, word))
            return &verbs[i];
    return NULL;
}

const char *key_job_fault(const struct key_job *job)
{
    const struct verb *verb = find(job->verb);
    if (!verb)
        return "import, rotate, list, new-master or restored?";
    if (verb->has_file != !!job->file)
        return verb->has_file ? "FILE must be given" : "takes no FILE";
    if (verb->has_master && !*job->master)
        return "--master FILE must be given, or [keys] master_file set";
    if (verb->has_former != !!job->former)
        return verb->has_former ? "--former FILE must be given" : "takes no --former";
    if (verb->has_skip && skip_of(job) < 0)
        return "--skip must be given: 0 to 4294967295";
    if (!verb->has_skip && job->skip)
        return "takes no --skip";
    return NULL;
}

bool key_job_is_offline(const struct key_job *job)
{
    const struct verb *verb = find(job->verb);
    return verb && verb->is_offline;
}

enum err key_job_run(const struct key_job *job, struct db *db)
{
    const struct verb *verb = find(job->verb);
    assert(verb);
    return verb->run(job, db);
}
