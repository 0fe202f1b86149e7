// SPDX-License-Identifier: Apache-2.0
// What the hours ahead leave to those who charge now, by the rule of sharing that also decides
// about the quarter hour at hand. Room: the limit of a phase less base load and margin as foreseen,
// in the worst quarter of the hour, for as many cars as will be there then: some of those that are
// there will have left, and others will have come. Pure.

#ifndef PLANNER_TAIL_H
#define PLANNER_TAIL_H

#include "services/planner/facts.h"
#include "services/planner/sharing.h"

// What a phase leaves for chargers in an hour, all together, W; 1 is the hour that begins one hour
// after the quarter decided about, HORIZON_TAIL the last.
int64_t tail_room(const struct facts_outlook *outlook, int32_t limit_w, int hour);

// How many will draw in that hour, of `now` that do at `connections` that see `arrivals` cars a day
// each; slot of the local day, 0 to 95, of the quarter decided about. At least 1.
double tail_cars(int now, int connections, double arrivals, int slot, int hour);

// Share the room of an hour out among users as sharing_fill() had them for the quarter at hand:
// nobody pauses, and nobody is out of reach then. places as there, with what is left of the room of
// the hour for those users; levels into level_w, one for each user.
void tail_share(struct sharing_place *places, int feeder_count, const struct sharing_user *users,
                int user_count, int32_t *level_w);

#endif
