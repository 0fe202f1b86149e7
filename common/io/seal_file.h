// SPDX-License-Identifier: Apache-2.0
// The operator's private key, with which long messages are sealed, as a PEM file. It may be
// what systemd hands over (LoadCredential), so its owner is not asked about; but a key that
// everybody can read is none.

#ifndef IO_SEAL_FILE_H
#define IO_SEAL_FILE_H

#include "base/err.h"
#include "wire/seal.h"

enum { SEAL_FILE_REASON = 256 };

// Read the key of a file. Owned: seal_key_free(). On error key is untouched, and why names path
// and reason.
//   ERR_IO  cannot be read     ERR_RANGE  may be read by others     ERR_SYNTAX  no such key
MUST_CHECK enum err seal_file_read(const char *path, struct seal_key **key,
                                   char why[static SEAL_FILE_REASON]);

// Make a key pair; the private one goes to a new file that only its owner can read.
//   ERR_IO  cannot be written, or is there already; nothing was overwritten
MUST_CHECK enum err seal_file_make(const char *path, struct seal_public *public_key,
                                   char why[static SEAL_FILE_REASON]);

#endif
