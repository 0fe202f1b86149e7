// SPDX-License-Identifier: Apache-2.0
// What the trail needs from time to time: partitions for the months to come.

#ifndef AUDIT_UPKEEP_H
#define AUDIT_UPKEEP_H

#include "io/loop.h"

struct upkeep;

// At once and then each hour, with a connection that it lets go in between. Owned: upkeep_free(),
// before the loop.
struct upkeep *upkeep_new(struct loop *loop, const char *connection);
void upkeep_free(struct upkeep *upkeep);

#endif
