// SPDX-License-Identifier: Apache-2.0

#include "services/audit/access.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"
#include "services/audit/access_table.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS_MAX = 10000 };

struct token {
    struct reader reader;
    struct digest hash;
};

struct access {
    pthread_mutex_t lock;
    struct token *tokens;
    int count;
    bool read;
    int64_t read_ns, tried_ns; // machine time
};

const char *access_answer_name(enum access_answer answer)
{
    static const char *const names[] = {"granted", "no_token",   "unknown",
                                        "expired", "wrong_role", "unavailable"};
    return names[answer];
}

static const char *const roles[ACCESS_SCOPES] = {"", "metrics", "viewer", "auditor", "operator"};

enum access_scope access_scope_of(const char *role)
{
    for (int i = ACCESS_METRICS; i < ACCESS_SCOPES; i++)
        if (!strcmp(role, roles[i]))
            return (enum access_scope)i;
    return ACCESS_OPEN;
}

const char *access_role(enum access_scope scope)
{
    return roles[scope];
}

struct access *access_new(void)
{
    struct access *access = memory_new(1, sizeof *access);
    pthread_mutex_init(&access->lock, NULL);
    access->tried_ns = -ACCESS_AGAIN_NS;
    return access;
}

void access_free(struct access *access)
{
    if (!access)
        return;
    pthread_mutex_destroy(&access->lock);
    free(access->tokens);
    free(access);
}

static int64_t machine_ns(void)
{
    return clock_real_ns(clock_mono().ns);
}

// Read all rows anew; what is held stays where that fails.
static void read_again(struct access *access, struct db *db)
{
    access->tried_ns = machine_ns();
    PGresult *result = access_table_tokens(db, TOKENS_MAX);
    if (!result)
        return;
    int rows = PQntuples(result);
    if (rows > TOKENS_MAX)
        log_error("access.too_many_tokens", F("taken", (int64_t)TOKENS_MAX));
    struct token *tokens = memory_new((size_t)rows + 1, sizeof *tokens);
    int count = 0;
    for (int i = 0; i < rows && i < TOKENS_MAX; i++) {
        struct token *token = &tokens[count];
        size_t len;
        const char *role = PQgetvalue(result, i, 2);
        if (hex_parse(PQgetvalue(result, i, 1), (size_t)PQgetlength(result, i, 1),
                      token->hash.octets, DIGEST_LEN, &len)
            || len != DIGEST_LEN)
            continue;
        parameter_tame(PQgetvalue(result, i, 0), token->reader.name);
        token->reader.scope = access_scope_of(role);
        token->reader.expires_us = db_get_integer(result, i, 3);
        count++;
    }
    PQclear(result);
    free(access->tokens);
    access->tokens = tokens;
    access->count = count;
    access->read = true;
    access->read_ns = access->tried_ns;
}

static bool is_fresh(const struct access *access, int64_t now_ns)
{
    return access->read && now_ns - access->read_ns < ACCESS_TRUST_NS;
}

static const struct token *find(const struct access *access, const struct digest *hash)
{
    const struct token *found = NULL;
    for (int i = 0; i < access->count; i++)
        if (!CRYPTO_memcmp(access->tokens[i].hash.octets, hash->octets, DIGEST_LEN))
            found = &access->tokens[i];
    return found;
}

static enum access_answer judge(const struct reader *reader, enum access_scope scope)
{
    if (reader->expires_us <= clock_utc().ns / 1000)
        return ACCESS_EXPIRED;
    return reader->scope >= scope ? ACCESS_GRANTED : ACCESS_WRONG_ROLE;
}

enum access_answer access_check(struct access *access, struct db *db, const char *token, size_t len,
                                enum access_scope scope, struct reader *reader)
{
    *reader = (struct reader){0};
    if (scope == ACCESS_OPEN)
        return ACCESS_GRANTED;
    if (!token)
        return ACCESS_NO_TOKEN;
    struct digest hash = digest_of(token, len);
    enum access_answer answer = ACCESS_UNKNOWN;
    pthread_mutex_lock(&access->lock);
    int64_t now_ns = machine_ns();
    const struct token *found = find(access, &hash);
    if ((!found || !is_fresh(access, now_ns)) && now_ns - access->tried_ns >= ACCESS_AGAIN_NS) {
        read_again(access, db);
        found = find(access, &hash);
    }
    if (!is_fresh(access, machine_ns()))
        answer = ACCESS_UNAVAILABLE;
    else if (found)
        answer = judge(&found->reader, scope);
    if (found)
        *reader = found->reader;
    pthread_mutex_unlock(&access->lock);
    return answer;
}
