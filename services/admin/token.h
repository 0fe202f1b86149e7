// SPDX-License-Identifier: Apache-2.0
// Tokens for the API. The database keeps only their SHA-256, so a token is shown once.

#ifndef ADMIN_TOKEN_H
#define ADMIN_TOKEN_H

#include "io/db.h"

#define TOKEN_ROLES "viewer auditor operator metrics"

// Make a token of 256 random bits for name, with one of the roles, that ends after days, and
// print it on standard output. A name has one token.
MUST_CHECK enum err token_make(struct db *db, const char *name, const char *role, int64_t days);

// End the token of name now.
MUST_CHECK enum err token_revoke(struct db *db, const char *name);

#endif
