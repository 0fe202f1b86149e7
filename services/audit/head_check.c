// SPDX-License-Identifier: Apache-2.0

#include "services/audit/head_check.h"
#include "base/memory.h"
#include "base/rfc3339.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADS_AT_ONCE = 100 };

enum err head_keys_parse(const char *text, struct head_keys *keys)
{
    struct head_keys read = {0};
    while (*text) {
        size_t len = strcspn(text, " ");
        char word[SEAL_KEY_TEXT + 1] = "";
        if (len != SEAL_KEY_TEXT || read.count == HEAD_KEYS)
            return ERR_SYNTAX;
        memcpy(word, text, len);
        if (seal_public_parse(word, &read.list[read.count++]))
            return ERR_SYNTAX;
        text += len;
        text += strspn(text, " ");
    }
    *keys = read;
    return ERR_NONE;
}

static bool is_signed(const struct head_keys *keys, const char *document, const char *hex)
{
    uint8_t signature[SEAL_SIGNATURE];
    size_t len;
    if (hex_parse(hex, strlen(hex), signature, sizeof signature, &len) || len != SEAL_SIGNATURE)
        return false;
    for (size_t i = 0; i < keys->count; i++)
        if (seal_signed(document, strlen(document), signature, &keys->list[i]))
            return true;
    return false;
}

static bool is_same(const struct digest *a, const struct digest *b)
{
    return !memcmp(a->octets, b->octets, DIGEST_LEN);
}

struct check {
    struct db *db;
    const struct trail_shards *shards;
    const struct head_keys *keys;
    struct trail_faults *faults;
    int64_t after, count;
    const char *source; // NULL: the database; else the file that heads come from
    int64_t number;     // of the head before
    struct digest document;
    struct digest *kept; // of the heads in the database, by number less one
    size_t kept_count;
    bool *is_attested; // the base, by shard
};

// "signed head 7 of 2026-01-14T00:00:00.000Z: ...", owned.
static char *about(const struct check *check, const struct trail_head *head)
{
    char at[RFC3339_MS_LEN + 1];
    rfc3339_format_ms(head->at_ms * 1000000, at);
    return memory_format("signed head %" PRId64 " of %s%s%s", head->number, at,
                         check->source ? " in " : "", check->source ? check->source : "");
}

static void blame(struct check *check, const struct trail_head *head, char *what)
{
    char *who = about(check, head);
    trail_faults_add(check->faults, memory_format("%s: %s", who, what));
    free(who);
    free(what);
}

static const struct trail_shard *find_shard(const struct check *check, int number, size_t *index)
{
    for (size_t i = 0; i < check->shards->count; i++)
        if (check->shards->list[i].stand.shard == number) {
            *index = i;
            return &check->shards->list[i];
        }
    return NULL;
}

static void check_hash(struct check *check, const struct trail_head *head,
                       const struct trail_stand *said, const char *hex)
{
    char wanted[DIGEST_TEXT_LEN + 1];
    digest_format(&said->hash, wanted);
    if (strcmp(hex, wanted) != 0)
        blame(check, head,
              memory_format("shard %d had the hash %s at sequence %" PRId64 ", and now has %s:"
                            " it was written anew, there or before",
                            said->shard, wanted, said->sequence, *hex ? hex : "none"));
}

// Compare what needs no event; true where the event itself has to be looked at.
static bool check_stand(struct check *check, const struct trail_head *head,
                        const struct trail_stand *said)
{
    size_t index = 0;
    const struct trail_shard *shard = find_shard(check, said->shard, &index);
    if (!shard || !shard->is_known) {
        blame(check, head,
              memory_format("shard %d is gone, which reached sequence %" PRId64, said->shard,
                            said->sequence));
        return false;
    }
    const struct trail_stand *is = &shard->stand;
    if (said->base == is->base && is_same(&said->base_hash, &is->base_hash))
        check->is_attested[index] = true;
    if (said->base > is->base)
        blame(check, head,
              memory_format("shard %d began behind sequence %" PRId64 ", and now behind %" PRId64,
                            said->shard, said->base, is->base));
    if (said->sequence > is->sequence) {
        blame(check, head,
              memory_format("shard %d is cut off: it reached sequence %" PRId64
                            ", and now ends at %" PRId64,
                            said->shard, said->sequence, is->sequence));
        return false;
    }
    char base[DIGEST_TEXT_LEN + 1];
    digest_format(&is->base_hash, base);
    if (said->sequence == is->base)
        check_hash(check, head, said, base);
    return said->sequence > is->base && head->number >= check->after;
}

static void append(char **list, int64_t number)
{
    char *longer = memory_format("%s%s%" PRId64, *list ? *list : "{", *list ? "," : "", number);
    free(*list);
    *list = longer;
}

static const char *find_hash(const PGresult *result, const struct trail_stand *stand)
{
    for (int i = 0; i < PQntuples(result); i++)
        if (db_get_integer(result, i, 0) == stand->shard
            && db_get_integer(result, i, 1) == stand->sequence)
            return PQgetvalue(result, i, 2);
    return "";
}

static enum err check_stands(struct check *check, const struct trail_head *head)
{
    char *shards = NULL, *sequences = NULL;
    bool *has_event = memory_new(head->count + 1, sizeof *has_event);
    for (size_t i = 0; i < head->count; i++) {
        has_event[i] = check_stand(check, head, &head->stands[i]);
        if (!has_event[i])
            continue;
        append(&shards, head->stands[i].shard);
        append(&sequences, head->stands[i].sequence);
    }
    enum err err = ERR_NONE;
    if (shards) {
        char *which = memory_format("%s}", shards), *where = memory_format("%s}", sequences);
        PGresult *result = trail_table_hashes(check->db, which, where);
        for (size_t i = 0; result && i < head->count; i++)
            if (has_event[i])
                check_hash(check, head, &head->stands[i], find_hash(result, &head->stands[i]));
        err = result ? ERR_NONE : ERR_IO;
        PQclear(result);
        free(which);
        free(where);
    }
    free(shards);
    free(sequences);
    free(has_event);
    return err;
}

// Is a head of the file also, the same, in the database? Keeps those of the database.
static bool is_in_database(struct check *check, const struct trail_head *head)
{
    size_t index = (size_t)head->number - 1;
    if (!check->source) {
        check->kept = memory_grow(check->kept, check->kept_count + 1, sizeof *check->kept);
        check->kept[check->kept_count++] = check->document;
        return false;
    }
    bool is_kept = index < check->kept_count && is_same(&check->kept[index], &check->document);
    if (!is_kept)
        blame(check, head, memory_text("the database has not that head"));
    return is_kept;
}

static enum err check_document(struct check *check, int64_t number, const char *document,
                               const char *signature)
{
    struct trail_head head;
    check->count++;
    const char *source = check->source ? check->source : "the database";
    if (trail_head_read(document, &head)) {
        trail_faults_add(check->faults, memory_format("signed head %" PRId64 " in %s: no such text",
                                                      number, source));
        return ERR_NONE;
    }
    if (head.number != number || number != check->number + 1
        || !is_same(&head.before, &check->document))
        blame(check, &head, memory_format("it does not follow number %" PRId64, check->number));
    check->number = number;
    check->document = digest_of(document, strlen(document));
    enum err err = ERR_NONE;
    if (is_in_database(check, &head)) {
        // Has been checked there.
    } else if (!is_signed(check->keys, document, signature))
        blame(check, &head, memory_text("not signed by a key that is trusted"));
    else
        err = check_stands(check, &head);
    trail_head_clear(&head);
    return err;
}

static enum err check_database(struct check *check)
{
    enum err err = ERR_NONE;
    int64_t last = 0;
    for (int rows = HEADS_AT_ONCE; !err && rows == HEADS_AT_ONCE;) {
        PGresult *result = trail_table_heads(check->db, last, HEADS_AT_ONCE);
        if (!result)
            return ERR_IO;
        rows = PQntuples(result);
        if (rows && !check->keys->count)
            err = ERR_RANGE;
        for (int i = 0; !err && i < rows; i++) {
            last = db_get_integer(result, i, 0);
            err = check_document(check, last, PQgetvalue(result, i, 1), PQgetvalue(result, i, 3));
        }
        PQclear(result);
    }
    return err;
}

static enum err check_line(struct check *check, const char *line, int number)
{
    json_error_t error;
    json_int_t head;
    const char *document, *signature;
    json_t *root = json_loads(line, 0, &error);
    enum err err = ERR_IO;
    if (!root
        || json_unpack_ex(root, &error, 0, "{s:I, s:s, s:s}", "number", &head, "document",
                          &document, "signature", &signature))
        fprintf(stderr, "%s:%d: %s\n", check->source, number, error.text);
    else
        err = check_document(check, head, document, signature);
    json_decref(root);
    return err;
}

static enum err check_file(struct check *check, const char *path)
{
    FILE *in = fopen(path, "re");
    if (!in && errno == ENOENT && !check->kept_count)
        return ERR_NONE; // nothing was signed yet
    if (!in) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return ERR_IO;
    }
    check->source = path;
    check->number = 0;
    check->document = (struct digest){0};
    char *line = NULL;
    size_t room = 0;
    enum err err = ERR_NONE;
    for (int number = 1; !err && getline(&line, &room, in) > 0; number++)
        err = check->keys->count ? check_line(check, line, number) : ERR_RANGE;
    free(line);
    fclose(in);
    return err;
}

enum err head_check(struct db *db, const struct trail_shards *shards, const struct head_keys *keys,
                    const char *file, int64_t after, struct trail_faults *faults, int64_t *count)
{
    struct check check = {
        .db = db, .shards = shards, .keys = keys, .faults = faults, .after = after};
    check.is_attested = memory_new(shards->count + 1, sizeof *check.is_attested);
    enum err err = check_database(&check);
    if (!err && file)
        err = check_file(&check, file);
    for (size_t i = 0; !err && i < shards->count; i++)
        if (shards->list[i].stand.base && !check.is_attested[i])
            trail_faults_add(
                faults, memory_format("shard %d: all up to sequence %" PRId64
                                      " is gone, and no signed head says it was retired",
                                      shards->list[i].stand.shard, shards->list[i].stand.base));
    free(check.is_attested);
    free(check.kept);
    *count = check.count;
    return err;
}

enum err head_find(struct db *db, int64_t number, const struct head_keys *keys,
                   struct trail_head *head)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    PGresult *result = db_query(db,
                                "select document, encode(signature, 'hex') from audit.head"
                                " where $1 = 0 or number = $1::bigint order by number desc limit 1",
                                1, (const char *[]){text});
    if (!result)
        return ERR_IO;
    enum err err = ERR_SYNTAX;
    if (!PQntuples(result))
        fputs("there is no such signed head\n", stderr);
    else if (!is_signed(keys, PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1)))
        fputs("that head is not signed by a key that is trusted\n", stderr);
    else
        err = trail_head_read(PQgetvalue(result, 0, 0), head);
    PQclear(result);
    return err;
}
