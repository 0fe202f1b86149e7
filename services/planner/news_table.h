// SPDX-License-Identifier: Apache-2.0
// What the planner tells the audit trail and the log besides its rounds: changes of how well it
// sees, each once, when it begins and when it is over; and what happens to the planner itself.

#ifndef PLANNER_NEWS_TABLE_H
#define PLANNER_NEWS_TABLE_H

#include "services/planner/facts.h"
#include "services/planner/sql_list.h"

// Of a batch of rounds, told in one statement. Stays where it was opened.
struct news {
    struct sql_list kinds, transformers, rounds, befores, counts;
};
void news_open(struct news *news);

// plan.late, plan.blind, plan.lost: the measurements of a transformer are old; plan.sees_again.
// Nothing where `now` is as `before`.
void news_add_sight(struct news *news, const char *transformer, const char *round,
                    enum facts_sight before, enum facts_sight now);

// plan.unheard: at so many feeders nobody hears what most chargers draw; plan.hears_again.
void news_add_hearing(struct news *news, const char *transformer, const char *round, bool before,
                      int feeders);

// Write them in the transaction of the rounds, and close.
MUST_CHECK enum err news_write(struct news *news, struct db *db, struct utc now);

// planner.started: with how far it is behind, the seconds since the start of the newest quarter
// hour that was planned by anybody. Logged too.
MUST_CHECK enum err news_started(struct db *db, const char *planner, struct utc now);

// planner.behind: so many transformers still lack the round of the quarter hour, `late_s` after
// it began; planner.in_time: all have it again.
MUST_CHECK enum err news_behind(struct db *db, const char *planner, int64_t quarter, bool behind,
                                int64_t late_s, struct utc now);

#endif
