// SPDX-License-Identifier: Apache-2.0

#include "services/audit/incident.h"
#include "base/memory.h"
#include "base/rfc3339.h"
#include "services/audit/incident_text.h"
#include "services/audit/tar_file.h"
#include "services/audit/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADS_AT_ONCE = 100, COPY = 65536 };

// A shard from its first to its last event in the span, and on to the head that signs them.
struct span {
    int shard;
    int64_t first, last, end;
    bool is_signed;
};

struct incident {
    const struct incident_job *job;
    struct db *db;
    const char *folder;
    char **names; // of the files, NULL at the end
    size_t name_count;
    struct span *spans;
    size_t span_count;
    int64_t events;
    bool is_broken;
    // while a chain is written:
    FILE *out;
    struct chain chain;
    bool is_begun;
};

// A new file of the incident; told when there can be none.
static FILE *add_file(struct incident *incident, const char *name)
{
    char *path = memory_format("%s/%s", incident->folder, name);
    FILE *out = fopen(path, "wxe");
    if (!out)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    free(path);
    incident->names =
        memory_grow(incident->names, incident->name_count + 2, sizeof *incident->names);
    incident->names[incident->name_count++] = memory_text(name);
    incident->names[incident->name_count] = NULL;
    return out;
}

static enum err close_file(FILE *out)
{
    bool is_written = !fflush(out) && !ferror(out) && !fsync(fileno(out));
    if (!is_written)
        fprintf(stderr, "export: %s\n", strerror(errno));
    fclose(out);
    return is_written ? ERR_NONE : ERR_IO;
}

static enum err add_text(struct incident *incident, const char *name, const void *octets,
                         size_t len)
{
    FILE *out = add_file(incident, name);
    if (!out)
        return ERR_IO;
    fwrite(octets, 1, len, out);
    return close_file(out);
}

static bool on_event(void *arg, const struct trail_event *event)
{
    struct incident *incident = arg;
    incident_event(incident->out, event);
    incident->events++;
    return !ferror(incident->out);
}

static enum err write_events(struct incident *incident)
{
    incident->out = add_file(incident, "events.ndjson");
    if (!incident->out)
        return ERR_IO;
    enum err err = trail_table_walk_time(incident->db, &incident->job->asked, on_event, incident);
    enum err end = close_file(incident->out);
    return err ? err : end;
}

static enum err read_spans(struct incident *incident)
{
    PGresult *result = trail_table_spans(incident->db, &incident->job->asked);
    if (!result)
        return ERR_IO;
    incident->span_count = (size_t)PQntuples(result);
    incident->spans = memory_new(incident->span_count + 1, sizeof *incident->spans);
    for (int i = 0; i < PQntuples(result); i++)
        incident->spans[i] = (struct span){.shard = (int)db_get_integer(result, i, 0),
                                           .first = db_get_integer(result, i, 1),
                                           .last = db_get_integer(result, i, 2),
                                           .end = db_get_integer(result, i, 3)};
    PQclear(result);
    return ERR_NONE;
}

// Does this head sign the end of a span that no earlier one did?
static bool is_wanted(struct incident *incident, const struct trail_head *head)
{
    bool is = false;
    for (size_t i = 0; i < incident->span_count; i++) {
        struct span *span = &incident->spans[i];
        const struct trail_stand *stand = trail_head_find(head, span->shard);
        if (!stand || span->is_signed || stand->sequence < span->last
            || stand->sequence > span->end)
            continue;
        span->is_signed = is = true;
        span->end = stand->sequence;
    }
    return is;
}

static enum err write_head(struct incident *incident, const PGresult *result, int row)
{
    const char *document = PQgetvalue(result, row, 1), *hex = PQgetvalue(result, row, 3);
    struct trail_head head;
    uint8_t signature[SEAL_SIGNATURE];
    size_t len;
    if (hex_parse(hex, strlen(hex), signature, sizeof signature, &len)
        || trail_head_read(document, &head))
        return ERR_NONE; // signs nothing
    enum err err = ERR_NONE;
    if (is_wanted(incident, &head)) {
        char *text = memory_format("heads/%" PRId64 ".txt", head.number);
        char *sig = memory_format("heads/%" PRId64 ".sig", head.number);
        err = add_text(incident, text, document, strlen(document));
        if (!err)
            err = add_text(incident, sig, signature, len);
        free(text);
        free(sig);
    }
    trail_head_clear(&head);
    return err;
}

static enum err write_heads(struct incident *incident)
{
    enum err err = ERR_NONE;
    int64_t last = 0;
    for (int rows = HEADS_AT_ONCE; !err && rows == HEADS_AT_ONCE;) {
        PGresult *result = trail_table_heads(incident->db, last, HEADS_AT_ONCE);
        if (!result)
            return ERR_IO;
        rows = PQntuples(result);
        for (int i = 0; !err && i < rows; i++) {
            last = db_get_integer(result, i, 0);
            err = write_head(incident, result, i);
        }
        PQclear(result);
    }
    return err;
}

static enum err write_keys(struct incident *incident)
{
    enum err err = ERR_NONE;
    for (size_t i = 0; !err && i < incident->job->keys.count; i++) {
        char *name = memory_format("public-%zu.pem", i + 1);
        FILE *out = add_file(incident, name);
        if (out)
            incident_key(out, &incident->job->keys.list[i]);
        err = out ? close_file(out) : ERR_IO;
        free(name);
    }
    return err;
}

static bool on_link(void *arg, const struct trail_event *event)
{
    struct incident *incident = arg;
    struct digest content = trail_content(event);
    if (!incident->is_begun && event->sequence < incident->chain.sequence + 1) {
        incident->chain.hash = event->hash;
        return true;
    }
    if (!incident->is_begun)
        incident_link(incident->out, event->shard, incident->chain.sequence, NULL,
                      &incident->chain.hash);
    incident->is_begun = true;
    incident_link(incident->out, event->shard, event->sequence, &content, &event->hash);
    if (!chain_follow(&incident->chain, event))
        incident->is_broken = true;
    return !ferror(incident->out);
}

// The hash before the first event of what was not retired stands in the shard's row.
static enum err find_before(struct incident *incident, const struct span *span)
{
    struct trail_shards shards = {0};
    enum err err = trail_table_shards(incident->db, &shards);
    for (size_t i = 0; !err && i < shards.count; i++)
        if (shards.list[i].stand.shard == span->shard
            && shards.list[i].stand.base == span->first - 1)
            incident->chain.hash = shards.list[i].stand.base_hash;
    free(shards.list);
    return err;
}

static enum err write_chains(struct incident *incident)
{
    incident->out = add_file(incident, "chain.ndjson");
    if (!incident->out)
        return ERR_IO;
    enum err err = ERR_NONE;
    for (size_t i = 0; !err && i < incident->span_count; i++) {
        const struct span *span = &incident->spans[i];
        incident->chain = (struct chain){.shard = span->shard, .sequence = span->first - 1};
        incident->is_begun = false;
        err = find_before(incident, span);
        if (!err)
            err = trail_table_walk(incident->db, span->shard, span->first - 1, span->end, on_link,
                                   incident);
        incident->is_broken |= !err && incident->chain.sequence != span->end;
        if (!span->is_signed)
            fprintf(stderr, "shard %d: no head was signed yet behind sequence %" PRId64 "\n",
                    span->shard, span->last);
    }
    enum err end = close_file(incident->out);
    return err ? err : end;
}

static enum err write_recipe(struct incident *incident)
{
    enum err err = ERR_NONE;
    for (const struct asset *asset = recipe_built_in; !err && asset->name; asset++)
        err = add_text(incident, asset->name, asset->octets, (size_t)asset->len);
    return err;
}

static enum err write_asked(struct incident *incident)
{
    const struct trail_asked *asked = &incident->job->asked;
    char from[RFC3339_LEN + 1], to[RFC3339_LEN + 1], made[RFC3339_MS_LEN + 1];
    rfc3339_format(asked->from, from);
    rfc3339_format(asked->to, to);
    rfc3339_format_ms(clock_utc().ns, made);
    json_t *root = json_pack("{s:s, s:s, s:s, s:s?, s:I}", "made", made, "from", from, "to", to,
                             "subjects", asked->subjects, "events", (json_int_t)incident->events);
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    enum err err = add_text(incident, "export.json", text, strlen(text));
    free(text);
    json_decref(root);
    return err;
}

// The digest of a file, however long.
static enum err digest_file(const char *path, char hex[static DIGEST_TEXT_LEN + 1])
{
    static char octets[COPY];
    struct digest digest;
    FILE *in = fopen(path, "re");
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool works = in && context && EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    for (size_t len; works && (len = fread(octets, 1, sizeof octets, in));)
        works = EVP_DigestUpdate(context, octets, len);
    works = works && !ferror(in) && EVP_DigestFinal_ex(context, digest.octets, NULL);
    if (works)
        digest_format(&digest, hex);
    else
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    EVP_MD_CTX_free(context);
    if (in)
        fclose(in);
    return works ? ERR_NONE : ERR_IO;
}

static enum err write_sums(struct incident *incident, struct digest *digest)
{
    char *text = NULL;
    size_t len;
    FILE *sums = open_memstream(&text, &len);
    enum err err = ERR_NONE;
    for (size_t i = 0; !err && i < incident->name_count; i++) {
        char hex[DIGEST_TEXT_LEN + 1];
        char *path = memory_format("%s/%s", incident->folder, incident->names[i]);
        err = digest_file(path, hex);
        if (!err)
            fprintf(sums, "%s  %s\n", hex, incident->names[i]);
        free(path);
    }
    fclose(sums);
    if (!err)
        err = add_text(incident, "SHA256SUMS", text, len);
    *digest = digest_of(text, len);
    free(text);
    return err;
}

static enum err write_all(struct incident *incident, struct digest *digest)
{
    enum err err = trail_table_open(incident->db);
    if (!err)
        err = write_events(incident);
    if (!err)
        err = read_spans(incident);
    if (!err)
        err = write_heads(incident);
    if (!err)
        err = write_chains(incident);
    if (!err)
        err = write_keys(incident);
    if (!err)
        err = write_recipe(incident);
    if (!err)
        err = write_asked(incident);
    return err ? err : write_sums(incident, digest);
}

static enum err make_folder(const char *path)
{
    char *heads = memory_format("%s/heads", path);
    enum err err = mkdir(path, 0750) || mkdir(heads, 0750) ? ERR_IO : ERR_NONE;
    if (err)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    free(heads);
    return err;
}

static void remove_folder(const struct incident *incident)
{
    for (size_t i = 0; i <= incident->name_count; i++) {
        bool is_file = i < incident->name_count;
        char *path =
            memory_format("%s/%s", incident->folder, is_file ? incident->names[i] : "heads");
        if (is_file)
            unlink(path);
        else
            rmdir(path);
        free(path);
    }
    rmdir(incident->folder);
}

static enum err write_folder(struct incident *incident, bool is_tar)
{
    const struct incident_job *job = incident->job;
    struct digest digest;
    char hex[DIGEST_TEXT_LEN + 1];
    enum err err = write_all(incident, &digest);
    if (!err && is_tar)
        err = tar_file_write(job->path, incident->folder, (const char *const *)incident->names);
    if (err)
        return err;
    digest_format(&digest, hex);
    err = trail_table_exported(incident->db, clock_utc(), &job->asked, incident->events, hex);
    if (err && is_tar)
        unlink(job->path);
    return err;
}

int incident_run(const struct incident_job *job)
{
    size_t len = strlen(job->path);
    bool is_tar = len > 4 && !strcmp(job->path + len - 4, ".tar");
    char *folder = memory_format("%s%s", job->path, is_tar ? ".partial" : "");
    struct incident incident = {.job = job, .folder = folder};
    int status = EXIT_FAILURE;
    if (!make_folder(folder)) {
        incident.db = db_new(job->connection, "socmod-audit export");
        enum err err = write_folder(&incident, is_tar);
        if (err || is_tar)
            remove_folder(&incident);
        if (!err) {
            printf("%" PRId64 " events%s\n", incident.events,
                   incident.is_broken ? "; THE CHAIN IS NOT INTACT" : "");
            status = incident.is_broken ? EXIT_BROKEN : EXIT_SUCCESS;
        }
        db_free(incident.db);
    }
    for (size_t i = 0; i < incident.name_count; i++)
        free(incident.names[i]);
    free(incident.names);
    free(incident.spans);
    free(folder);
    return status;
}
