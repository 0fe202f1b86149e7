// SPDX-License-Identifier: Apache-2.0
// A file of secrets as one text in secret memory (base/secret.h).

#ifndef ADMIN_SECRET_FILE_H
#define ADMIN_SECRET_FILE_H

#include "base/err.h"

#include <stddef.h>

struct secret_file {
    char *text;
    size_t len, room;
};

// All of path ("-": standard input). Owned: secret_file_free(), which wipes. What is wrong is told
// on standard error, also that others may read the file: ERR_IO.
MUST_CHECK enum err secret_file_read(const char *path, struct secret_file *file);
void secret_file_free(struct secret_file *file);

#endif
