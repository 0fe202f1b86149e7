// SPDX-License-Identifier: Apache-2.0
// What this process has learnt of transformers, in memory from round to round, and of which it
// still has to learn. No clock, no I/O.

#ifndef PLANNER_FORESIGHT_STORE_H
#define PLANNER_FORESIGHT_STORE_H

#include "services/planner/foresight.h"

struct foresight_store;

// Owned: foresight_store_free().
struct foresight_store *foresight_store_new(void);
void foresight_store_free(struct foresight_store *store);

// What is known of a transformer, when the quarter hour that starts at `quarter` is decided about.
// NULL: nothing, or too old; then it is wanted. Borrowed until the next put or trim.
struct foresight *foresight_store_get(struct foresight_store *store, int transformer,
                                      int64_t quarter);

// Keep what was recovered of a transformer, in place of what was known of it. Takes it over.
void foresight_store_put(struct foresight_store *store, struct foresight *foresight);

// Forget what has become too old, because another planner has those transformers now.
void foresight_store_trim(struct foresight_store *store, int64_t quarter);

// Is something wanted?
bool foresight_store_wants(const struct foresight_store *store);

// From how many seconds of history one of them is learnt of which nothing was kept: four weeks,
// and less where many are wanted together, down to two days, so that it ends: what is left is
// learnt from what comes.
int64_t foresight_store_history_s(const struct foresight_store *store);

// Take up to `most` transformers off what is wanted, in the order of their numbers; how many.
int foresight_store_take_wanted(struct foresight_store *store, int *transformers, int most);

// That one could not be recovered: it is wanted again.
void foresight_store_want(struct foresight_store *store, int transformer);

#endif
