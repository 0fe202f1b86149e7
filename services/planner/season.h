// SPDX-License-Identifier: Apache-2.0
// The seasonal profile of one load: what is usual at a quarter hour of a workday, a Saturday, a
// Sunday or holiday. A slot seen only a few times is smoothed with its neighbours, because a day
// or two of a street are mostly noise; one not yet seen is taken from the other kinds of day, and
// before there are any from the level of the load times a standard day that all series share.

#ifndef PLANNER_SEASON_H
#define PLANNER_SEASON_H

#include "services/planner/calendar.h"

struct season {
    float level;                                   // W, of a standard day's mean
    uint32_t seen;                                 // measurements learnt from
    float usual[CALENDAR_KINDS][CALENDAR_SLOTS];   // W; of no meaning where count is 0
    uint8_t count[CALENDAR_KINDS][CALENDAR_SLOTS]; // measurements in it, stops at 255
};

// What is usual then, in W; 0 before anything was learnt.
float season_usual(const struct season *season, struct calendar when);

// Learn a measurement, a finite number. A struct season of zeros has learnt nothing.
void season_learn(struct season *season, struct calendar when, float power_w);

// The standard day, mean 1 over the slots 0 to 95.
float season_shape(int slot);

#endif
