// SPDX-License-Identifier: Apache-2.0

#include "io/trail_sign.h"
#include "base/memory.h"
#include "wire/trail_head.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum err read_former(struct db *db, struct trail_head *head)
{
    PGresult *result = db_query(
        db, "select number, document from audit.head order by number desc limit 1", 0, NULL);
    if (!result)
        return ERR_IO;
    head->number = 1;
    if (PQntuples(result)) {
        const char *document = PQgetvalue(result, 0, 1);
        head->number = db_get_integer(result, 0, 0) + 1;
        head->before = digest_of(document, strlen(document));
    }
    PQclear(result);
    return ERR_NONE;
}

static struct digest read_digest(const PGresult *result, int row, int column)
{
    struct digest digest = {0};
    size_t count;
    const char *hex = PQgetvalue(result, row, column);
    if (hex_parse(hex, strlen(hex), digest.octets, DIGEST_LEN, &count))
        digest = (struct digest){0};
    return digest;
}

static enum err read_stands(struct db *db, struct trail_head *head)
{
    PGresult *result = db_query(db,
                                "select number, base_sequence, sequence, encode(base_hash, 'hex'),"
                                " encode(hash, 'hex') from audit.shard order by number",
                                0, NULL);
    if (!result)
        return ERR_IO;
    head->count = (size_t)PQntuples(result);
    head->stands = memory_new(head->count + 1, sizeof *head->stands);
    for (int i = 0; i < PQntuples(result); i++)
        head->stands[i] = (struct trail_stand){.shard = (int)db_get_integer(result, i, 0),
                                               .base = db_get_integer(result, i, 1),
                                               .sequence = db_get_integer(result, i, 2),
                                               .base_hash = read_digest(result, i, 3),
                                               .hash = read_digest(result, i, 4)};
    PQclear(result);
    return ERR_NONE;
}

static enum err add(struct db *db, const struct seal_key *key, const struct trail_head *head)
{
    char number[24], at[DB_TIME_LEN + 1], public_key[SEAL_KEY_TEXT + 1];
    char hex[2 * SEAL_SIGNATURE + 1];
    uint8_t signature[SEAL_SIGNATURE];
    char *document = trail_head_write(head);
    struct seal_public public = seal_key_public(key);
    snprintf(number, sizeof number, "%" PRId64, head->number);
    db_time((struct utc){head->at_ms * 1000000}, at);
    seal_public_format(&public, public_key);
    seal_sign(key, document, strlen(document), signature);
    hex_format(signature, sizeof signature, hex, sizeof hex);
    enum err err = db_do(db,
                         "insert into audit.head (number, at, document, key, signature)"
                         " values ($1, $2, $3, $4, decode($5, 'hex'))",
                         5, (const char *[]){number, at, document, public_key, hex});
    free(document);
    return err;
}

enum err trail_sign(struct db *db, const struct seal_key *key, struct utc now, int64_t *number)
{
    struct trail_head head = {.at_ms = now.ns / 1000000};
    enum err err = db_do(db, "select pg_advisory_xact_lock(7391520643)", 0, NULL);
    if (!err)
        err = read_former(db, &head);
    if (!err)
        err = read_stands(db, &head);
    if (!err)
        err = add(db, key, &head);
    if (!err)
        *number = head.number;
    trail_head_clear(&head);
    return err;
}
