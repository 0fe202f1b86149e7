// SPDX-License-Identifier: Apache-2.0

#include "services/audit/incident_text.h"
#include "base/rfc3339.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <string.h>

enum { US = 1000000 };

static void put_string(FILE *out, const char *name, const struct trail_text *text)
{
    fprintf(out, ",\"%s\":\"", name);
    for (size_t i = 0; i < text->len; i++) {
        unsigned char c = (unsigned char)text->at[i];
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < ' ')
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

void incident_event(FILE *out, const struct trail_event *event)
{
    int64_t part = (event->at_us % US + US) % US;
    char seconds[RFC3339_LEN + 1];
    rfc3339_format((event->at_us - part) / US, seconds);
    fprintf(out,
            "{\"shard\":%d,\"sequence\":%" PRId64 ",\"id\":%" PRId64 ",\"at\":\"%.19s.%06" PRId64
            "Z\"",
            event->shard, event->sequence, event->id, seconds, part);
    put_string(out, "program", &event->program);
    put_string(out, "kind", &event->kind);
    put_string(out, "subject", &event->subject);
    fprintf(out, ",\"data\":%.*s}\n", (int)event->data.len, event->data.at);
}

void incident_link(FILE *out, int shard, int64_t sequence, const struct digest *content,
                   const struct digest *hash)
{
    char hex[DIGEST_TEXT_LEN + 1];
    fprintf(out, "{\"shard\":%d,\"sequence\":%" PRId64, shard, sequence);
    if (content) {
        digest_format(content, hex);
        fprintf(out, ",\"content\":\"%s\"", hex);
    }
    digest_format(hash, hex);
    fprintf(out, ",\"hash\":\"%s\"}\n", hex);
}

void incident_key(FILE *out, const struct seal_public *key)
{
    // What stands before the key in the DER of each: its length and its kind.
    static const unsigned char before[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                           0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
    unsigned char der[sizeof before + SEAL_KEY], text[64 + 1];
    memcpy(der, before, sizeof before);
    memcpy(der + sizeof before, key->octets, SEAL_KEY);
    EVP_EncodeBlock(text, der, sizeof der);
    fprintf(out, "-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n", (const char *)text);
}
