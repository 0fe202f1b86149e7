// SPDX-License-Identifier: Apache-2.0

#include "gateway/state.h"
#include "base/digest.h"
#include "base/memory.h"
#include "base/rfc3339.h"
#include "io/durable_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC "socmod-gateway state 1 "
enum { HEAD = sizeof MAGIC - 1 + DIGEST_TEXT_LEN + 1 }; // magic, digest of what follows, line feed

static const int64_t EARLIEST = 946684800, LATEST = 4102444800; // years 2000 to 2099

struct state_file {
    char *path;
    char *content; // that stands in the file; NULL: not known
};

static json_t *encode_profile(const struct state_profile *profile)
{
    if (!profile->is_set)
        return json_null();
    char accepted[RFC3339_LEN + 1];
    rfc3339_format(profile->accepted, accepted);
    return json_pack("{s:s, s:s%}", "accepted", accepted, "text", profile->text, profile->len);
}

static void digest_text(const char *text, size_t len, char digest[static DIGEST_TEXT_LEN + 1])
{
    struct digest sum = digest_of(text, len);
    digest_format(&sum, digest);
}

char *state_encode(const struct state *state)
{
    json_t *limit = state->has_limit ? json_integer(state->limit_w) : json_null();
    json_t *root = json_pack("{s:o, s:o, s:o, s:s, s:I, s:s}", "limit_w", limit, "current",
                             encode_profile(&state->current), "next", encode_profile(&state->next),
                             "done", state->done, "seq", (json_int_t)state->seal.seq, "seq_digest",
                             state->seal.digest);
    assert(root); // texts are ASCII
    char *body = json_dumps(root, JSON_COMPACT);
    assert(body);
    json_decref(root);
    char digest[DIGEST_TEXT_LEN + 1];
    digest_text(body, strlen(body), digest);
    char *content = memory_format(MAGIC "%s\n%s", digest, body);
    free(body);
    return content;
}

static enum err decode_profile(const json_t *value, struct state_profile *profile)
{
    profile->is_set = false;
    if (json_is_null(value))
        return ERR_NONE;
    const char *accepted = json_string_value(json_object_get(value, "accepted"));
    const json_t *text = json_object_get(value, "text");
    if (!accepted || !json_is_string(text))
        return ERR_SYNTAX;
    profile->len = json_string_length(text);
    if (profile->len > sizeof profile->text)
        return ERR_RANGE;
    memcpy(profile->text, json_string_value(text), profile->len);
    profile->is_set = true;
    if (rfc3339_parse(accepted, strlen(accepted), &profile->accepted))
        return ERR_SYNTAX;
    return profile->accepted >= EARLIEST && profile->accepted < LATEST ? ERR_NONE : ERR_RANGE;
}

static bool take_digest(const json_t *value, char digest[static STATE_DIGEST + 1])
{
    const char *text = json_string_value(value);
    if (!text || strlen(text) > STATE_DIGEST)
        return false;
    snprintf(digest, STATE_DIGEST + 1, "%s", text);
    return true;
}

// Whoever kept no seals yet wrote neither member.
static enum err decode_seal(const json_t *root, struct seal_gate_last *seal)
{
    const json_t *seq = json_object_get(root, "seq"), *digest = json_object_get(root, "seq_digest");
    if (!seq && !digest)
        return ERR_NONE;
    if (!json_is_integer(seq) || !take_digest(digest, seal->digest))
        return ERR_SYNTAX;
    seal->seq = json_integer_value(seq);
    return seal->seq >= 0 && seal->seq <= LONG_MESSAGE_SEQ_MAX ? ERR_NONE : ERR_RANGE;
}

static enum err decode_body(const json_t *root, struct state *state)
{
    struct state read = {0};
    const json_t *limit = json_object_get(root, "limit_w");
    if (!limit || (json_typeof(limit) != JSON_NULL && json_typeof(limit) != JSON_INTEGER))
        return ERR_SYNTAX;
    json_int_t limit_w = json_integer_value(limit);
    if (limit_w < 0 || limit_w > INT32_MAX)
        return ERR_RANGE;
    read.has_limit = json_typeof(limit) == JSON_INTEGER;
    read.limit_w = (int32_t)limit_w;
    if (!take_digest(json_object_get(root, "done"), read.done))
        return ERR_SYNTAX;
    enum err err = decode_seal(root, &read.seal);
    if (!err)
        err = decode_profile(json_object_get(root, "current"), &read.current);
    if (!err)
        err = decode_profile(json_object_get(root, "next"), &read.next);
    if (!err)
        *state = read;
    return err;
}

enum err state_decode(const char *content, size_t len, struct state *state)
{
    if (len < HEAD || memcmp(content, MAGIC, sizeof MAGIC - 1) != 0 || content[HEAD - 1] != '\n')
        return ERR_CHECKSUM;
    char digest[DIGEST_TEXT_LEN + 1];
    digest_text(content + HEAD, len - HEAD, digest);
    if (memcmp(content + sizeof MAGIC - 1, digest, DIGEST_TEXT_LEN) != 0)
        return ERR_CHECKSUM;
    json_t *root = json_loadb(content + HEAD, len - HEAD, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(root)) {
        json_decref(root);
        return ERR_SYNTAX;
    }
    enum err err = decode_body(root, state);
    json_decref(root);
    return err;
}

struct state_file *state_file_new(const char *path)
{
    struct state_file *file = memory_new(1, sizeof *file);
    file->path = memory_text(path);
    return file;
}

void state_file_free(struct state_file *file)
{
    if (!file)
        return;
    free(file->path);
    free(file->content);
    free(file);
}

static enum err failed(char why[static STATE_REASON], const char *what, const char *path)
{
    snprintf(why, STATE_REASON, "%s %.60s: %.40s", what, path, strerror(errno));
    return ERR_IO;
}

enum err state_file_load(struct state_file *file, struct state *state,
                         char why[static STATE_REASON])
{
    char content[STATE_MAX];
    int fd = open(file->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return failed(why, "open", file->path);
    ssize_t len = read(fd, content, sizeof content);
    close(fd);
    if (len < 0)
        return failed(why, "read", file->path);
    enum err err = state_decode(content, (size_t)len, state);
    if (err) {
        snprintf(why, STATE_REASON, "%.60s: not a sound state file (%s)", file->path,
                 err_name(err));
        return err;
    }
    free(file->content);
    file->content = memory_text_n(content, (size_t)len);
    return ERR_NONE;
}

enum err state_file_save(struct state_file *file, const struct state *state,
                         char why[static STATE_REASON])
{
    char *content = state_encode(state);
    if (file->content && !strcmp(file->content, content)) {
        free(content);
        return ERR_NONE;
    }
    enum err err = durable_file_write(file->path, content, strlen(content), why);
    free(file->content);
    file->content = err ? NULL : content;
    if (err)
        free(content);
    return err;
}
