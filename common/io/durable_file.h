// SPDX-License-Identifier: Apache-2.0
// A small file that is always whole, also after a power cut: it holds what was written last, or
// what it held before.

#ifndef IO_DURABLE_FILE_H
#define IO_DURABLE_FILE_H

#include "base/err.h"

#include <stddef.h>

enum { DURABLE_FILE_REASON = 128 };

// Let the file hold these octets: written beside it as path.new, synced, renamed, and the folder
// synced. Only its owner may read it.
//
//   ERR_IO  which step failed and why, as a text for the log; call again
MUST_CHECK enum err durable_file_write(const char *path, const void *octets, size_t len,
                                       char why[static DURABLE_FILE_REASON]);

#endif
