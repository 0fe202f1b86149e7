// SPDX-License-Identifier: Apache-2.0
// A small file that is replaced as a whole: written beside, fsync, rename, fsync of the folder.
// After a power cut it is the old one or the new one, never a part.

#ifndef GATEWAY_WHOLE_FILE_H
#define GATEWAY_WHOLE_FILE_H

#include "base/err.h"

#include <stddef.h>

enum { WHOLE_FILE_REASON = 120 };

// Readable by its owner only. ERR_IO with why for people; then the old one is still there.
MUST_CHECK enum err whole_file_write(const char *path, const char *content,
                                     char why[static WHOLE_FILE_REASON]);

#endif
