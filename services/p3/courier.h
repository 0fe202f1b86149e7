// SPDX-License-Identifier: Apache-2.0
// Keeps messages moving: takes in what is wanted, claims what is due, submits it to its route
// within the caps, and writes down how it ended. Does nothing by itself: the loop's timer and
// the doorbells drive it. Without a database it keeps what has ended and tries again.

#ifndef P3_COURIER_H
#define P3_COURIER_H

#include "io/db.h"
#include "io/loop.h"
#include "services/p3/claim_table.h"
#include "services/p3/outbox.h"
#include "services/p3/route.h"

#include <stddef.h>

struct courier_settings {
    const char *name;           // of this process
    const struct route *routes; // count of them, at most CLAIM_ROUTES_MAX
    size_t route_count;
    int64_t max_under_way;            // of this process
    const struct claim_bound *bounds; // of all processes together; count of them
    size_t bound_count;
    int64_t lease_s; // machine seconds; more than any route takes to answer
};

struct courier;

enum { COURIER_CAUSES = 48 };

// Settings, but for the bounds, and db are borrowed. Owned: courier_free(), after the routes have
// ended.
struct courier *courier_new(struct loop *loop, struct db *db,
                            const struct courier_settings *settings);
void courier_free(struct courier *courier);

// Something may have changed: a profile was planned, a receipt came, the database is back
// (doorbells may have been missed), a route became ready.
enum courier_news { COURIER_PROFILE, COURIER_RECEIPT, COURIER_DATABASE, COURIER_ROUTE };
void courier_tell(struct courier *courier, enum courier_news news);

// How it goes, since the start, for who watches it. Borrowed until the next turn of the loop.
struct courier_figures {
    int64_t under_way;
    uint64_t claimed, overtaken;
    uint64_t ended[OUTBOX_STATES]; // attempts, by the state that they led to
    struct courier_cause {
        char route[16], cause[ROUTE_CAUSE_LEN + 1];
        uint64_t count;
    } causes[COURIER_CAUSES]; // of retries and refusals; the last one holds what found no room
    size_t cause_count;
    double seconds; // sum of the machine time between claim and end
};
const struct courier_figures *courier_figures(const struct courier *courier);

// Would any route take a message now?
bool courier_is_ready(const struct courier *courier);

// Claim nothing more; tell the routes to end; loop_stop() once all under way has ended and is
// written down. What has not when the program ends anyway is tried again: by the next of our name
// at once, by others after its lease.
void courier_stop(struct courier *courier);

#endif
