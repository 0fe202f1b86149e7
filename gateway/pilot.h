// SPDX-License-Identifier: Apache-2.0
// From telegrams to decisions, in order: is the telegram believed, what time is it, does its
// message stand still, is it sealed, is it a profile, which limit follows, what is to be kept
// and told. Pure: the clocks come as arguments, and what is to be done goes out through three
// functions; so a test can fly it through years, faults and power cuts.

#ifndef GATEWAY_PILOT_H
#define GATEWAY_PILOT_H

#include "base/digest.h"
#include "gateway/feed.h"
#include "gateway/meter_clock.h"
#include "gateway/preset.h"
#include "gateway/seal_gate.h"
#include "gateway/setpoint.h"
#include "gateway/state.h"
#include "gateway/trust.h"
#include "wire/long_message.h"
#include "wire/p1_telegram.h"

#include <stdbool.h>
#include <stdint.h>

struct pilot_rules {
    struct trust_rules trust;
    struct meter_clock_rules clock;
    struct seal_gate seal;
    struct setpoint_rules setpoint;
    enum long_message_unit unit; // of the powers in a message
    struct presets presets;      // of a meter whose messages hold codes
};

// The clocks when something happens.
struct pilot_now {
    struct mono mono;
    struct utc system;
    bool system_is_synchronised;
};

// Called from within the functions below.
struct pilot_crew {
    void (*changed)(void *arg); // mode, reason, limit or profile are not what they were
    void (*tell)(void *arg, enum feed_state state, const char *digest, const char *reason,
                 struct utc at);
    void (*save)(void *arg); // pilot->state is not what it was
    void *arg;
};

// Filled in here, read by anyone, changed only through the functions below.
struct pilot {
    const struct pilot_rules *rules;
    struct pilot_crew crew;
    struct pilot_now now; // of the call under way
    struct trust trust;
    char code[TIC_TEXT_MAX + 1]; // shown by the last frames of a TIC port ...
    int code_seen;               // ... so many in a row, up to the repeats
    struct meter_clock clock;
    struct setpoint setpoint;
    struct state state; // to be kept

    const char *refused;               // why the last telegram was not believed; NULL: it was
    char applied[SETPOINT_DIGEST + 1]; // told as applied ...
    int applied_period;                // ... this period
    char digest[DIGEST_TEXT_LEN + 1];  // of the message that stands on P1
    int seal_key;                      // that it is sealed with; -1: none
    bool offer_again;                  // it waits for a certain time
    bool was_accepted;                 // and is to be told
    struct utc accepted;               // when
    struct long_message message;       // it
    bool is_unsaved;
};

// Begin with what was kept, NULL for nothing. The limit is there at once, in pilot->setpoint;
// pilot_step() tells it. rules are borrowed for its life.
void pilot_start(struct pilot *pilot, const struct pilot_rules *rules,
                 const struct pilot_crew *crew, const struct state *kept, struct pilot_now now);

// A telegram came. False: it is not believed, see pilot->refused. Does what pilot_step() does.
bool pilot_take(struct pilot *pilot, const struct p1_telegram *telegram, struct pilot_now now);

// The same for a frame of a TIC port. Each of its groups stands for itself, so the same code must
// stand in several frames; a code that is not known is none.
bool pilot_take_tic(struct pilot *pilot, const struct tic *tic, struct pilot_now now);

// The charger's register shows limit_w, read back; or not: see setpoint.h. A step is due.
void pilot_confirm(struct pilot *pilot, int32_t limit_w);
void pilot_fail(struct pilot *pilot, int32_t limit_w, bool refused, const char *why,
                struct pilot_now now);

// Decide anew: after any of the above, or when pilot_wait() is over.
void pilot_step(struct pilot *pilot, struct pilot_now now);

// Until when time alone changes nothing, in ns from now; INT64_MAX: for ever.
int64_t pilot_wait(const struct pilot *pilot, struct pilot_now now);

// For what is told and kept: the certain time, or else the system's.
struct utc pilot_time(const struct pilot *pilot, struct pilot_now now);

#endif
