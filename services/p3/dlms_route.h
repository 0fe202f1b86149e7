// SPDX-License-Identifier: Apache-2.0
// The route straight to the meter: a DLMS session for each errand, thousands of them at a time.
// Keys and counters come from the database, a batch of errands at a time, just before they are
// used; without them nothing is sent.
//
// Causes of its own, besides those of a session (session.h) and of keys (key_table.h):
//   no-answer    it took the connection and never said anything
//   unread       with ROUTE_WRITTEN: taken, and the line broke before it was read back
//   key-used-up  the counters of this key are at their end: the key must be changed
//   too-late     its time ran out before it was written

#ifndef P3_DLMS_ROUTE_H
#define P3_DLMS_ROUTE_H

#include "io/db.h"
#include "io/loop.h"
#include "services/p3/counter_table.h"
#include "services/p3/key_table.h"
#include "services/p3/route.h"
#include "services/p3/wake.h"

struct dlms_route;

// All borrowed for its life.
struct dlms_route_settings {
    struct db *db;
    struct key_table *keys;
    struct counter_table *counters;
    struct wake *wake;        // NULL: no meter is woken
    int64_t longest_s;        // machine seconds that a session may take in all
    void (*ready)(void *arg); // called in the loop when counters are given (again)
    void *arg;
};

// Owned: dlms_route_free(), which answers what is under way with a retry.
struct dlms_route *dlms_route_new(struct loop *loop, const struct dlms_route_settings *settings);
void dlms_route_free(struct dlms_route *route);

// The route of its kind; valid as long as it is. Ready while counters are given.
struct route dlms_route_of(struct dlms_route *route);

// The connection to the database is a new one: is it still the database that we know?
void dlms_route_look(struct dlms_route *route);

// What has been done since the start.
struct dlms_figures {
    int64_t sessions; // under way, connection wanted or there
    uint64_t ended, resynchronised, round_trips, blocks_written, octets_sent, octets_received;
    uint64_t counters; // reserved
    bool is_given;     // are counters given now?
};
const struct dlms_figures *dlms_route_figures(const struct dlms_route *route);

// What a session's result says to who sent the errand. Pure.
void dlms_route_answer(const struct session_result *result, bool reads_back,
                       struct route_answer *answer);

#endif
