// SPDX-License-Identifier: Apache-2.0
// All SQL of the planner. A batch of transformers is claimed, read, planned and written in one
// transaction; whatever ends it early, or a second planner, leaves nothing half and nothing
// doubled. Reads are a handful of statements a batch, whatever it holds, and look back a few
// hours at most, so that a round costs the same after years.

#ifndef PLANNER_PLAN_TABLE_H
#define PLANNER_PLAN_TABLE_H

#include "base/id.h"
#include "io/db.h"
#include "services/planner/facts.h"
#include "services/planner/foresight_table.h"
#include "services/planner/round.h"
#include "services/planner/shift_table.h"
#include "wire/seal.h"

// The profiles behind facts_connection.told and .coming, and what a seal needs to know.
struct plan_sent {
    char equipment_id[SEAL_EQUIPMENT_MAX + 1]; // of the meter
    int64_t seq;                               // greatest of its seals so far; 0: none
    struct id told_id, coming_id;
    struct horizon_plan told, coming;
};

// One transformer claimed.
struct plan_job {
    int transformer;
    // Of its last round; quarter and basis -1 for none.
    int64_t quarter, basis, revision;
    enum facts_sight sight;
    bool deaf; // a feeder has chargers that nobody hears
    // Of what is known now.
    int64_t known_basis, known_revision;
    int64_t hands; // the limits by hand in force, as one number
    bool complete; // every feeder has its last quarter, and every gateway that spoke last time
    struct facts facts;
    struct foresight *foresight; // borrowed from the store; NULL: nothing learnt yet
    struct plan_sent *sent;      // by connection
    struct round *round;         // filled in by the caller where it is planned; NULL: not this time
};

struct plan_batch {
    struct plan_job *jobs;
    int count;
    struct facts_feeder *feeders;
    struct facts_connection *connections;
    struct plan_sent *sent;
};

// Which transformers to claim.
struct plan_claim {
    const int *named; // these, where not NULL ...
    int named_count;
    int after;          // ... else those with a greater number, in order, at most `limit`,
    bool only_due;      // only those without a round for the quarter hour, and of these
    bool incomplete;    // also those whose feeders have not all reported
    bool congested;     // of all these only those that were congested in their last round
    struct shift shift; // ... and are ours; count 1: all are
    int limit;
};

struct plan_counts {
    int rounds, feeders, connections, profiles;
};

// Where the rows of rounds go that are made at `now` and in the days after it: makes what is
// missing, and remembers that in *made (0 at first). Not in a transaction, for others would wait.
MUST_CHECK enum err plan_table_make_months(struct db *db, int64_t now, int64_t *made);

// A turn for every transformer that has none.
MUST_CHECK enum err plan_table_add_turns(struct db *db);

// Claim, and read what is known for the quarter hour that starts at `quarter`. In a transaction.
// Transformers that another planner has claimed are passed over. Owned, also on error (then
// empty): plan_batch_clear().
MUST_CHECK enum err plan_table_read(struct db *db, const struct plan_claim *claim, int64_t quarter,
                                    int64_t now, struct foresight_store *store,
                                    struct plan_batch *batch);
void plan_batch_clear(struct plan_batch *batch);

// Write the rounds of a batch. In the same transaction. hold_s as in the rules: a message is of
// no use later than that. seal: the key that messages are sealed with, or NULL. started,
// finished: of the planning.
MUST_CHECK enum err plan_table_write(struct db *db, const struct plan_batch *batch, int64_t quarter,
                                     int64_t hold_s, const struct seal_key *seal,
                                     struct utc started, struct utc finished, const char *planner,
                                     struct plan_counts *counts);

// Pass over a transformer until the next quarter hour, because its round cannot be written.
MUST_CHECK enum err plan_table_pass_over(struct db *db, int transformer, int64_t quarter,
                                         struct utc now, const char *why);

// Does any transformer still lack a round for this quarter hour? ERR_MORE: yes.
MUST_CHECK enum err plan_table_is_done(struct db *db, int64_t quarter);

#endif
