// SPDX-License-Identifier: Apache-2.0

#include "services/audit/sign_heads.h"
#include "base/log.h"
#include "io/seal_file.h"
#include "io/trail_sign.h"
#include "services/audit/trail_table.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEADS_AT_ONCE = 100 };

static enum err sign(struct db *db, const struct seal_key *key, int64_t *number)
{
    struct utc now = clock_utc();
    char at[DB_TIME_LEN + 1], text[24];
    db_time(now, at);
    if (db_begin(db))
        return ERR_IO;
    enum err err = trail_sign(db, key, now, number);
    snprintf(text, sizeof text, "%" PRId64, *number);
    if (!err)
        err = db_do(db,
                    "insert into audit.event (at, program, kind, subject, data) values"
                    " ($1, 'socmod-audit', 'trail.signed', 'head ' || $2::text,"
                    "  jsonb_build_object('head', $2::bigint))",
                    2, (const char *[]){at, text});
    if (!err)
        err = db_commit(db);
    if (err)
        db_rollback(db);
    return err;
}

// Number of the last head in the file; 0 for none.
static int64_t last_in(FILE *file)
{
    char *line = NULL;
    size_t room = 0;
    int64_t last = 0;
    while (getline(&line, &room, file) > 0) {
        json_int_t number;
        json_t *root = json_loads(line, 0, NULL);
        if (root && !json_unpack(root, "{s:I}", "number", &number))
            last = number;
        json_decref(root);
    }
    free(line);
    return last;
}

static void write_head(FILE *file, const PGresult *result, int row)
{
    json_t *root =
        json_pack("{s:I, s:s, s:s, s:s}", "number", (json_int_t)db_get_integer(result, row, 0),
                  "document", PQgetvalue(result, row, 1), "key", PQgetvalue(result, row, 2),
                  "signature", PQgetvalue(result, row, 3));
    json_dumpf(root, file, JSON_COMPACT | JSON_PRESERVE_ORDER);
    fputc('\n', file);
    json_decref(root);
}

// Enough to hold the file against, in a place of its own.
static void log_head(const PGresult *result, int row)
{
    const char *document = PQgetvalue(result, row, 1);
    struct digest digest = digest_of(document, strlen(document));
    char hex[DIGEST_TEXT_LEN + 1];
    digest_format(&digest, hex);
    log_info("trail.head", F("number", db_get_integer(result, row, 0)), F("sha256", hex),
             F("key", PQgetvalue(result, row, 2)), F("signature", PQgetvalue(result, row, 3)));
}

static enum err add_heads(struct db *db, FILE *file)
{
    int64_t last = last_in(file);
    for (int rows = HEADS_AT_ONCE; rows == HEADS_AT_ONCE;) {
        PGresult *result = trail_table_heads(db, last, HEADS_AT_ONCE);
        if (!result)
            return ERR_IO;
        rows = PQntuples(result);
        for (int i = 0; i < rows; i++) {
            last = db_get_integer(result, i, 0);
            write_head(file, result, i);
            log_head(result, i);
        }
        PQclear(result);
    }
    return ERR_NONE;
}

static enum err add_to_file(struct db *db, const char *path)
{
    FILE *file = fopen(path, "a+e");
    if (file)
        rewind(file);
    enum err err = file ? add_heads(db, file) : ERR_IO;
    bool is_kept = file && !fflush(file) && !fsync(fileno(file));
    if (!is_kept)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    if (file)
        fclose(file);
    return is_kept ? err : ERR_IO;
}

int sign_heads(const struct sign_job *job)
{
    char why[SEAL_FILE_REASON];
    struct seal_key *key = NULL;
    if (seal_file_read(job->key_file, &key, why)) {
        fprintf(stderr, "%s\n", why);
        return EXIT_FAILURE;
    }
    struct db *db = db_new(job->connection, "socmod-audit sign");
    int64_t number = 0;
    enum err err = db_connect(db);
    if (!err)
        err = sign(db, key, &number);
    if (!err && job->heads_file)
        err = add_to_file(db, job->heads_file);
    if (!err)
        printf("signed head %" PRId64 "\n", number);
    db_free(db);
    seal_key_free(key);
    return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
