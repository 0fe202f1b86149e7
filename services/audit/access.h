// SPDX-License-Identifier: Apache-2.0
// Who may read: the tokens of audit.token, held in memory for a few seconds so that a request
// costs no query and a flood of wrong tokens none either. Safe from any thread.
//
// A token is known by its SHA-256. Every row is compared, each in constant time, so the time taken
// tells nothing about how near a guess was.

#ifndef AUDIT_ACCESS_H
#define AUDIT_ACCESS_H

#include "io/db.h"
#include "services/audit/parameter.h"

#include <stdbool.h>
#include <stddef.h>

// What a route asks of who asks; each role may do what those before it may.
enum access_scope {
    ACCESS_OPEN,    // nothing
    ACCESS_METRICS, // role metrics
    ACCESS_VIEW,    // viewer: the grid and how it fares, of no single connection
    ACCESS_AUDIT,   // auditor: connections, meters, chargers, and the trail
    ACCESS_OPERATE, // operator: change something
    ACCESS_SCOPES
};

// A role as audit.token names it; ACCESS_OPEN for no such role.
enum access_scope access_scope_of(const char *role);
const char *access_role(enum access_scope scope);

enum access_answer {
    ACCESS_GRANTED,
    ACCESS_NO_TOKEN, // none was given
    ACCESS_UNKNOWN,  // no such token
    ACCESS_EXPIRED,
    ACCESS_WRONG_ROLE,
    ACCESS_UNAVAILABLE, // the tokens cannot be read now, and those held are too old to trust
};
// As one word, for logs and the trail.
const char *access_answer_name(enum access_answer answer);

// Tokens are trusted for ten seconds of machine time after they were read; an unknown one makes
// them be read again, but not more than once a second.
#define ACCESS_TRUST_NS (10 * SECONDS_NS)
#define ACCESS_AGAIN_NS SECONDS_NS
enum { ACCESS_NAME_MAX = PARAMETER_MAX };

// Owned: access_free().
struct access *access_new(void);
void access_free(struct access *access);

// May the bearer of token (NULL: none) do what scope says, now?
//
//   db      of the calling thread
//   reader  whose token it is, where that is known
struct reader {
    char name[ACCESS_NAME_MAX + 1]; // printable; "" where unknown
    enum access_scope scope;        // the most that it may do
    int64_t expires_us;
};
enum access_answer access_check(struct access *access, struct db *db, const char *token, size_t len,
                                enum access_scope scope, struct reader *reader);

#endif
