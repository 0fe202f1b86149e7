// SPDX-License-Identifier: Apache-2.0
// Which migrations a database still needs: the files at hand compared with what the database
// says was applied to it. Pure.
//
// A file is called NNN_words.sql and applied once, in the order of the names; what was applied
// never changes. The files 9NN say who may do what: they are applied again, whole, after each
// change of their own or of any file before them.

#ifndef ADMIN_MIGRATION_H
#define ADMIN_MIGRATION_H

#include "base/digest.h"
#include "services/admin/findings.h"

#include <stdbool.h>
#include <stddef.h>

// One file. Name and text are its maker's.
struct migration {
    char *name; // without folder
    char *text;
    size_t len;
    char checksum[DIGEST_TEXT_LEN + 1];
    bool wanted; // to be applied now
};

// What the database says of one file. Borrowed.
struct migration_row {
    const char *name, *checksum, *applied; // applied: when, for a person
};

// The files that are built into this program; a NULL name ends them.
struct migration_file {
    const char *name;
    const unsigned char *text;
    size_t len;
};
extern const struct migration_file migration_built_in[];

// Applied again after each change?
bool migration_is_grant(const char *name);

// Fill in the checksums of count files that stand in the order of their names. That of a 9NN
// file covers all files that do not begin with 9, so that it tells whether one was added.
// Names that do not fit, and numbers that stand twice, are findings.
void migration_seal(struct migration *files, size_t count, struct findings *findings);

// Set `wanted` of each file. Findings: a file that was changed after it was applied, one that
// was applied and is not there, one that comes before a file that was applied.
void migration_compare(struct migration *files, size_t count, const struct migration_row *rows,
                       size_t row_count, struct findings *findings);

#endif
