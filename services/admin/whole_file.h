// SPDX-License-Identifier: Apache-2.0
// A file as one text.

#ifndef ADMIN_WHOLE_FILE_H
#define ADMIN_WHOLE_FILE_H

#include <stddef.h>

// All of path ("-": standard input), with a terminator behind its len octets. Owned: free().
// NULL when it cannot be read: that was told on standard error.
char *whole_file_read(const char *path, size_t *len);

#endif
