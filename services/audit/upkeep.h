// SPDX-License-Identifier: Apache-2.0
// What the trail needs from time to time: partitions for the months to come, and how many clients
// were turned away at the door before they could say who they are.

#ifndef AUDIT_UPKEEP_H
#define AUDIT_UPKEEP_H

#include "io/loop.h"

struct upkeep;

// Months at once and then each hour; refusals at most once in a quarter of an hour, as one event
// "tls.refused" with their number, so that who knocks does not fill the trail. With a connection
// that it lets go in between. What could not be written is written later; a stop loses what was
// not. Owned: upkeep_free(), before the loop.
struct upkeep *upkeep_new(struct loop *loop, const char *connection);
void upkeep_free(struct upkeep *upkeep);

#endif
