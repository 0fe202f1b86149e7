// SPDX-License-Identifier: Apache-2.0

#include "wire/trail_head.h"
#include "base/memory.h"
#include "base/rfc3339.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TITLE "socmod audit head 1\n"
#define MS_NS INT64_C(1000000)

char *trail_head_write(const struct trail_head *head)
{
    char *text = NULL, at[RFC3339_MS_LEN + 1], hex[DIGEST_TEXT_LEN + 1];
    size_t len;
    FILE *out = open_memstream(&text, &len);
    rfc3339_format_ms(head->at_ms * MS_NS, at);
    digest_format(&head->before, hex);
    fprintf(out, TITLE "number %" PRId64 "\nat %s\nbefore %s\n", head->number, at, hex);
    for (size_t i = 0; i < head->count; i++) {
        const struct trail_stand *stand = &head->stands[i];
        char base[DIGEST_TEXT_LEN + 1];
        digest_format(&stand->base_hash, base);
        digest_format(&stand->hash, hex);
        fprintf(out, "shard %d events %" PRId64 " to %" PRId64 " hash %s to %s\n", stand->shard,
                stand->base, stand->sequence, base, hex);
    }
    fclose(out);
    return text;
}

// What is being read; NULL once something did not fit.
struct reader {
    const char *at;
};

static void take_word(struct reader *reader, const char *word)
{
    size_t len = strlen(word);
    if (reader->at)
        reader->at = strncmp(reader->at, word, len) ? NULL : reader->at + len;
}

// Decimal, without sign or leading zeros.
static int64_t take_number(struct reader *reader)
{
    if (!reader->at)
        return 0;
    size_t len = strspn(reader->at, "0123456789");
    int64_t number = strtoll(reader->at, NULL, 10);
    bool fits = len && len <= 18 && (len == 1 || *reader->at != '0');
    reader->at = fits ? reader->at + len : NULL;
    return number;
}

static struct digest take_digest(struct reader *reader)
{
    struct digest digest = {0};
    size_t count;
    if (!reader->at || strspn(reader->at, "0123456789abcdef") != DIGEST_TEXT_LEN
        || hex_parse(reader->at, DIGEST_TEXT_LEN, digest.octets, DIGEST_LEN, &count))
        reader->at = NULL;
    else
        reader->at += DIGEST_TEXT_LEN;
    return digest;
}

// Seconds by the reader of times, milliseconds by hand.
static int64_t take_time(struct reader *reader)
{
    int64_t s = 0;
    char back[RFC3339_MS_LEN + 1];
    if (!reader->at || strlen(reader->at) < RFC3339_MS_LEN
        || rfc3339_parse(reader->at, RFC3339_MS_LEN, &s)) {
        reader->at = NULL;
        return 0;
    }
    int64_t ms = s * 1000 + strtol(reader->at + RFC3339_LEN, NULL, 10);
    rfc3339_format_ms(ms * MS_NS, back);
    take_word(reader, back);
    return ms;
}

static void take_stand(struct reader *reader, struct trail_head *head)
{
    struct trail_stand stand;
    take_word(reader, "shard ");
    int64_t shard = take_number(reader);
    take_word(reader, " events ");
    stand.base = take_number(reader);
    take_word(reader, " to ");
    stand.sequence = take_number(reader);
    take_word(reader, " hash ");
    stand.base_hash = take_digest(reader);
    take_word(reader, " to ");
    stand.hash = take_digest(reader);
    take_word(reader, "\n");
    stand.shard = (int)shard;
    if (shard > INT32_MAX || stand.base > stand.sequence
        || (head->count && shard <= head->stands[head->count - 1].shard))
        reader->at = NULL;
    head->stands = memory_grow(head->stands, head->count + 1, sizeof *head->stands);
    head->stands[head->count++] = stand;
}

enum err trail_head_read(const char *text, struct trail_head *head)
{
    struct reader reader = {text};
    struct trail_head read = {0};
    take_word(&reader, TITLE "number ");
    read.number = take_number(&reader);
    take_word(&reader, "\nat ");
    read.at_ms = take_time(&reader);
    take_word(&reader, "\nbefore ");
    read.before = take_digest(&reader);
    take_word(&reader, "\n");
    while (reader.at && *reader.at)
        take_stand(&reader, &read);
    if (!reader.at || read.number < 1) {
        trail_head_clear(&read);
        return ERR_SYNTAX;
    }
    *head = read;
    return ERR_NONE;
}

void trail_head_clear(struct trail_head *head)
{
    free(head->stands);
    *head = (struct trail_head){0};
}

const struct trail_stand *trail_head_find(const struct trail_head *head, int shard)
{
    for (size_t i = 0; i < head->count; i++)
        if (head->stands[i].shard == shard)
            return &head->stands[i];
    return NULL;
}
