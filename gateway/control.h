// SPDX-License-Identifier: Apache-2.0
// Where everything meets: telegrams come in, the wanted limit goes out to the charger, and what
// happens is logged, stored and told. The decisions are made in pilot and amperes; here are the
// clocks, the files and the timers.

#ifndef GATEWAY_CONTROL_H
#define GATEWAY_CONTROL_H

#include "gateway/charger_group.h"
#include "gateway/feed.h"
#include "gateway/pilot.h"
#include "io/loop.h"
#include "wire/p1_reader.h"
#include "wire/tic.h"

#include <stdbool.h>
#include <stdint.h>

struct control_settings {
    struct pilot_rules pilot;
    bool system_is_synchronised; // whatever the kernel says: the hands of a test are right
    const char *state_path;      // "": nothing is kept
    struct charger_group_settings chargers;
};

struct control;

// Reads the stored state, and lets the charger have its first limit at once. settings and feed
// (NULL for none) are borrowed for its life. Owned: control_free().
struct control *control_new(struct loop *loop, const struct control_settings *settings,
                            struct feed *feed);
void control_free(struct control *control);

// A telegram: see wire/p1_reader.h.
void control_take(struct control *control, const struct p1_frame *frame, const char *telegram,
                  size_t len);

// A frame of a TIC port.
void control_take_tic(struct control *control, const struct tic *tic);

// What was taken last, for who only looks at its values: NULL where it was damaged or is of
// another meter. Borrowed until the next.
const struct p1_telegram *control_metered(const struct control *control);

// What holds, and why. Texts are borrowed until the loop goes on.
struct feed_status control_status(const struct control *control);
const struct charger_group *control_chargers(const struct control *control);

// What became of messages, the newest is 0. False: there is none that old.
struct control_message {
    struct utc at;
    enum feed_state state;
    char reason[SETPOINT_REASON];
};
bool control_message(const struct control *control, int i, struct control_message *message);

#endif
