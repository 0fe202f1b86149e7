// SPDX-License-Identifier: Apache-2.0
// What an authority has signed: one line each, in the order of signing. The first line names the
// columns:
//
//   serial,use,name,addresses,from,to,revoked
//
// use is authority, server or client; addresses have blanks between them; times are RFC 3339;
// revoked is empty while it is not. Pure.

#ifndef ADMIN_PKI_INDEX_H
#define ADMIN_PKI_INDEX_H

#include "services/admin/authority.h"

enum { PKI_SERIAL_TEXT = 2 * AUTHORITY_SERIAL };
#define PKI_INDEX_HEAD "serial,use,name,addresses,from,to,revoked\n"

enum pki_use { PKI_AUTHORITY, PKI_SERVER, PKI_CLIENT };

struct pki_entry {
    uint8_t serial[AUTHORITY_SERIAL];
    enum pki_use use;
    char name[TLS_NAME + 1];
    char *addresses; // "" unless a server. Owned
    int64_t from, to;
    int64_t revoked; // 0: it is not
};

struct pki_index {
    struct pki_entry *entries;
    size_t count;
};

// Read a whole index; what is wrong is a finding "line N: why", and nothing is read then.
// Owned: pki_index_clear().
//   ERR_SYNTAX  told in why
MUST_CHECK enum err pki_index_read(const char *text, size_t len, struct pki_index *index,
                                   char why[static 128]);
void pki_index_clear(struct pki_index *index);

// Owned: free().
char *pki_index_format(const struct pki_index *index);

// The addresses are copied. A serial stands in it once: false, and nothing is added, when it is
// there already.
bool pki_index_add(struct pki_index *index, const struct pki_entry *entry);

// The newest of that name that is neither revoked nor of an authority; NULL: there is none. One
// that has ended counts.
struct pki_entry *pki_index_newest(const struct pki_index *index, const char *name);

void pki_serial_format(const uint8_t serial[static AUTHORITY_SERIAL],
                       char text[static PKI_SERIAL_TEXT + 1]);

// Of an entry, when it is now: "revoked", "ended", "replaced" (good, but there is a newer one of
// that name), "ends-soon" (within so many seconds), "good".
const char *pki_index_state(const struct pki_index *index, const struct pki_entry *entry,
                            int64_t now, int64_t soon_s);

#endif
