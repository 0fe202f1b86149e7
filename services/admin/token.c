// SPDX-License-Identifier: Apache-2.0

#include "services/admin/token.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"
#include "services/admin/event_table.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_OCTETS = 32, TOKEN_LEN = 2 * TOKEN_OCTETS };

static void draw(char token[static TOKEN_LEN + 1])
{
    unsigned char octets[TOKEN_OCTETS];
    if (RAND_bytes(octets, sizeof octets) != 1)
        log_fatal("random.unavailable");
    hex_format(octets, sizeof octets, token, TOKEN_LEN + 1);
    memory_wipe(octets, sizeof octets);
}

static enum err add(struct db *db, const char *name, const char *role, int64_t days,
                    const char *token)
{
    char hash[DIGEST_TEXT_LEN + 1], created[DB_TIME_LEN + 1], expires[DB_TIME_LEN + 1];
    struct digest digest = digest_of(token, strlen(token));
    digest_format(&digest, hash);
    struct utc now = clock_utc();
    db_time(now, created);
    db_time((struct utc){now.ns + days * 86400 * SECONDS_NS}, expires);
    const char *params[] = {name, hash, role, created, expires};
    PGresult *result = db_query(db,
                                "insert into audit.token (name, hash, role, created, expires)"
                                " values ($1, $2, $3, $4, $5) on conflict (name) do nothing",
                                5, params);
    bool added = result && !strcmp(PQcmdTuples(result), "1");
    if (result && !added)
        fprintf(stderr, "\"%s\" has a token already: revoke it first\n", name);
    PQclear(result);
    return added ? ERR_NONE : ERR_IO;
}

enum err token_make(struct db *db, const char *name, const char *role, int64_t days)
{
    char token[TOKEN_LEN + 1];
    draw(token);
    enum err err = db_begin(db);
    if (!err)
        err = add(db, name, role, days, token);
    char *data = memory_format("{\"role\":\"%s\",\"days\":%jd}", role, (intmax_t)days);
    if (!err)
        err = event_table_add(db, "token.made", name, data);
    free(data);
    if (!err)
        err = db_commit(db);
    if (err)
        db_rollback(db);
    else
        puts(token);
    memory_wipe(token, sizeof token);
    return err;
}

enum err token_revoke(struct db *db, const char *name)
{
    const char *params[] = {name};
    enum err err = db_begin(db);
    PGresult *result =
        err ? NULL : db_query(db, "delete from audit.token where name = $1", 1, params);
    bool gone = result && !strcmp(PQcmdTuples(result), "1");
    if (result && !gone)
        fprintf(stderr, "\"%s\" has no token\n", name);
    PQclear(result);
    err = gone ? event_table_add(db, "token.revoked", name, NULL) : ERR_IO;
    if (!err)
        err = db_commit(db);
    if (err)
        db_rollback(db);
    return err;
}
