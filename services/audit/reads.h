// SPDX-License-Identifier: Apache-2.0
// Who read what of a single connection, for the trail. Each such access is told there, as
// "access.read": the first by a reader of a subject within a second, those repeated within five
// minutes together, with how many there were. So a page that stays open does not fill the trail,
// and none goes untold. Safe from any thread but for new and free.

#ifndef AUDIT_READS_H
#define AUDIT_READS_H

#include "io/loop.h"

#include <stdbool.h>

struct reads;

// Tells from the loop's thread, with a connection of its own. Owned: reads_free(), which tells what
// is untold where the database answers. NULL loop: at reads_free() only.
struct reads *reads_new(struct loop *loop, const char *connection);
void reads_free(struct reads *reads);

// An access, now. False: so many are untold that this one may not happen.
bool reads_note(struct reads *reads, const char *reader, const char *client, const char *subject,
                const char *path);

#endif
