// SPDX-License-Identifier: Apache-2.0
// A folder as one tar file (POSIX.1-1988 ustar), which any tar reads.

#ifndef AUDIT_TAR_FILE_H
#define AUDIT_TAR_FILE_H

#include "base/err.h"

// Write the files of names (relative to folder, at most 99 octets, NULL at the end) to path, a new
// file. ERR_IO and ERR_SIZE (a file of 8 GiB or more) are told on standard error, and path is gone.
MUST_CHECK enum err tar_file_write(const char *path, const char *folder, const char *const *names);

#endif
