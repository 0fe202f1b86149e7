// SPDX-License-Identifier: Apache-2.0
// Where everything meets: telegrams come in, the wanted limit goes out to the charger, and what
// happens is logged, stored and told. The decisions are made in pilot and amperes; here are the
// clocks, the files and the timers.

#ifndef GATEWAY_CONTROL_H
#define GATEWAY_CONTROL_H

#include "gateway/amperes.h"
#include "gateway/charger.h"
#include "gateway/feed.h"
#include "gateway/pilot.h"
#include "io/loop.h"
#include "wire/p1_reader.h"

#include <stdbool.h>
#include <stdint.h>

struct control_settings {
    struct pilot_rules pilot;
    bool system_is_synchronised; // whatever the kernel says: the hands of a test are right
    struct amperes_connection connection;
    bool hold_least;        // see amperes_from_watts()
    const char *state_path; // "": nothing is kept
    struct charger_link link;
    const struct charger_type *type;
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

#endif
