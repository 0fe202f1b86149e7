// SPDX-License-Identifier: Apache-2.0
// The folder of an authority: ca.key, ca.pem, crl.pem, index.csv, and NAME.pem, perhaps NAME.key,
// of what it signed. One process at a time; each file is always whole. What is wrong is told on
// standard error with the file's name: ERR_IO where the system fails, ERR_SYNTAX for content,
// ERR_RANGE where others may read what is secret.

#ifndef ADMIN_PKI_FOLDER_H
#define ADMIN_PKI_FOLDER_H

#include "services/admin/pki_index.h"

struct pki_folder {
    const char *path; // borrowed
    int lock;
    struct pki_index index;
};

// Lock it and read its index. With make, it is made where it is missing, only for its owner, and
// must not hold an authority. Owned: pki_folder_close().
MUST_CHECK enum err pki_folder_open(const char *path, bool make, struct pki_folder *folder);
void pki_folder_close(struct pki_folder *folder);

// Its authority; passphrase_file "": the key is not encrypted. A name without a slash is looked for
// in $CREDENTIALS_DIRECTORY first. Owned: authority_free().
MUST_CHECK enum err pki_folder_authority(const struct pki_folder *folder,
                                         const char *passphrase_file, struct authority **authority);

// The first line of that file, which others cannot read; "": NULL. Owned: wipe, then free().
MUST_CHECK enum err pki_passphrase_read(const char *file, char **passphrase);

// Is there such a file of it?
bool pki_folder_has(const struct pki_folder *folder, const char *name, const char *suffix);

// Write name with its suffix, ".pem" or ".key"; the latter only its owner can read.
MUST_CHECK enum err pki_folder_put(const struct pki_folder *folder, const char *name,
                                   const char *suffix, const char *text);
MUST_CHECK enum err pki_folder_put_index(const struct pki_folder *folder);

// A whole file of it, or of anywhere else where folder is NULL. Owned: free().
MUST_CHECK enum err pki_file_read(const struct pki_folder *folder, const char *name, char **text,
                                  size_t *len);

enum err pki_complain(enum err err, const char *what, const char *why);

#endif
