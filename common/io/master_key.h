// SPDX-License-Identifier: Apache-2.0
// The file of a master key: 64 hexadecimal digits, blanks and line breaks behind them.
//
// A path without a slash is looked for in $CREDENTIALS_DIRECTORY, where systemd puts what
// LoadCredential= names; where there is no such folder, it is a path like any other.

#ifndef IO_MASTER_KEY_H
#define IO_MASTER_KEY_H

#include "base/err.h"
#include "wire/key_wrap.h"

enum { MASTER_KEY_REASON = 256 };

// Read it into secret memory. Owned: master_key_free(). On error key is untouched, and why names
// path and reason, and nothing of the content.
//   ERR_IO      cannot be read, or is no ordinary file
//   ERR_RANGE   its group or others may read it, or it is another user's. In systemd's folder a
//               right of the group is how the list of who may read it looks.
//   ERR_SYNTAX  no such key
MUST_CHECK enum err master_key_read(const char *path, struct master_key **key,
                                    char why[static MASTER_KEY_REASON]);
void master_key_free(struct master_key *key);

// Draw a new one into a new file that only its owner may read (0600), safely on disk.
//   ERR_IO  cannot be written, or is there already; nothing was overwritten
MUST_CHECK enum err master_key_make(const char *path, char id[static MASTER_KEY_ID_LEN + 1],
                                    char why[static MASTER_KEY_REASON]);

#endif
