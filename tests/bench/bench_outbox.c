// SPDX-License-Identifier: Apache-2.0
// The outbox on a real PostgreSQL: profiles taken in, and messages claimed in batches and settled
// as verified, with attempts and doorbells, by one process on one connection; the route answers at
// once. tests/bench/outbox.sh makes the database with so many meters; without an argument it does
// nothing.
//
//   bench_outbox CONNINFO COUNT

#include "base/memory.h"
#include "services/p3/claim_table.h"
#include "services/p3/delivery_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 400 }; // as the courier claims

static struct db *db;
static struct delivery_table *table;

static double seconds_since(struct mono start)
{
    return (double)(clock_mono().ns - start.ns) / 1e9;
}

static bool take_in_all(void)
{
    for (bool more = true; more;)
        if (delivery_table_take_in(table, LOOK_NEW, clock_utc(), &more))
            return false;
    return true;
}

// As many as are due, at most a batch; -1 when the database fails.
static int64_t deliver_some(void)
{
    const struct claim_bound bounds[] = {{CLAIM_ALL, "", 2000, 0},
                                         {CLAIM_LANE, "head-end", BATCH, 0}};
    const struct claim_order order = {
        .name = "bench",
        .routes = (const char *[]){"head-end"},
        .route_count = 1,
        .bounds = bounds,
        .bound_count = sizeof bounds / sizeof *bounds,
        .most = BATCH,
        .lease_ns = 60 * SECONDS_NS,
    };
    struct claim *claims;
    size_t count;
    if (claim_table_take(db, &order, &claims, &count))
        return -1;
    struct delivery_result *results = memory_new(count + 1, sizeof *results);
    for (size_t i = 0; i < count; i++) {
        memcpy(results[i].profile, claims[i].errand.profile, sizeof results[i].profile);
        results[i].attempt = claims[i].errand.attempt;
        results[i].finished = clock_utc();
        results[i].answer.status = ROUTE_VERIFIED;
        results[i].verdict.state = OUTBOX_VERIFIED;
    }
    enum err err = count ? delivery_table_settle(table, results, count, clock_utc()) : ERR_NONE;
    free(results);
    free(claims);
    return err ? -1 : (int64_t)count;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return EXIT_SUCCESS;
    int64_t wanted = strtoll(argv[2], NULL, 10), delivered = 0;
    db = db_new(argv[1], "bench_outbox");
    table = delivery_table_new(db, "bench", "head-end");
    struct mono start = clock_mono();
    bool fine = !delivery_table_own_name(table) && take_in_all();
    printf("outbox_taken_in_per_second %.0f 1/s\n", (double)wanted / seconds_since(start));

    start = clock_mono();
    for (int64_t some = 1; fine && some > 0; delivered += some) {
        some = deliver_some();
        fine = some >= 0;
    }
    printf("outbox_messages_per_second %.0f 1/s\n", (double)delivered / seconds_since(start));
    if (fine && delivered != wanted)
        fprintf(stderr, "delivered %" PRId64 " of %" PRId64 "\n", delivered, wanted);
    delivery_table_free(table);
    db_free(db);
    return fine && delivered == wanted ? EXIT_SUCCESS : EXIT_FAILURE;
}
