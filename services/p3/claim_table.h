// SPDX-License-Identifier: Apache-2.0
// Which deliveries leave next: the most urgent that are due, within caps and rates that hold over
// all processes together.
//
// What is under way is what stands as connecting in p3.delivery, whoever claimed it, and one
// process at a time claims: so a cap is exact, needs nobody to know how many processes there are,
// and what a killed process held counts until its lease ends. Rates are token buckets in p3.pace.

#ifndef P3_CLAIM_TABLE_H
#define P3_CLAIM_TABLE_H

#include "io/db.h"
#include "services/p3/route.h"

#include <stddef.h>

enum { CLAIM_LANE_LEN = ROUTE_NAME_LEN + 16, CLAIM_ROUTES_MAX = 4 };

// What a bound counts.
enum claim_scope {
    CLAIM_ALL,         // everything
    CLAIM_ROUTE,       // one route
    CLAIM_LANE,        // each lane of a route: a head-end, or a cell
    CLAIM_DESTINATION, // each host of a route
    CLAIM_SCOPES,
};

struct claim_bound {
    enum claim_scope scope;
    const char *route; // "" for CLAIM_ALL
    int64_t most;      // under way at once; 0: any number
    int64_t per_s;     // begun in a second of machine time, and a tenth of it more after a pause;
                       // 0: any number
};

struct claim_order {
    const char *name;          // of this process
    const char *const *routes; // those that would leave now; count of them
    size_t route_count;
    const struct claim_bound *bounds; // count of them
    size_t bound_count;
    int most;         // to claim at once, shared by the lanes
    int64_t lease_ns; // on our clocks; then others may take them
};

// One claimed delivery: the errand, and why it is not to be submitted.
struct claim {
    struct errand errand;
    char lane[CLAIM_LANE_LEN + 1];
    const char *fault; // to be refused, with this cause; NULL: fine
};

// Claim: owned, free(). None when none is due, no bound has room, or another process is just
// claiming: then ask again soon. Of one lane the lowest priority goes first, then who is valid
// soonest. ERR_IO: nothing is claimed (or, of a commit whose answer was lost, until the lease
// ends).
MUST_CHECK enum err claim_table_take(struct db *db, const struct claim_order *order,
                                     struct claim **claims, size_t *count);

// When the next one of these routes is due, as UTC ns; 0 when none waits. *due_now: one is, and
// waits for room or for another of its meter.
MUST_CHECK enum err claim_table_next_due(struct db *db, const struct claim_order *order,
                                         struct utc now, int64_t *next_ns, bool *due_now);

// Of those that a process has under way, the profiles that a newer one waits to replace, as
// uuids: owned, PQclear(); NULL: ERR_IO.
PGresult *claim_table_overtaken(struct db *db, const char *name, struct utc now);

#endif
