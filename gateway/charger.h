// SPDX-License-Identifier: Apache-2.0
// The session with one charger, or one socket of it. It is met: probed whether it is what the
// settings say, and told to heed its limit. Then the wanted limit is written, read back and
// compared, and what holds is watched; the charger is kept awake in its own way, and what it
// has forgotten is written again at once. One that opens up in silence is never left to it for
// longer than it can be helped.
//
// Modbus waits for its answers, so each session has a thread of its own, with a letter box in
// each direction: the newest wish goes in, reports come out in the loop's thread. A charger
// that does not answer delays nothing but itself, and those on the same line.

#ifndef GATEWAY_CHARGER_H
#define GATEWAY_CHARGER_H

#include "gateway/amperes.h"
#include "gateway/charger_type.h"
#include "gateway/modbus_link.h"
#include "io/loop.h"

#include <stdbool.h>
#include <stdint.h>

enum { CHARGER_REASON = MODBUS_LINK_REASON, CHARGER_STATE = 33 };

struct charger_settings {
    const struct charger_type *type; // at the point that is meant; borrowed
    struct modbus_link *link;        // borrowed
    int unit;                        // Modbus unit
    int64_t rewrite_s;               // mono: write again at the latest; the type may be sooner
    int64_t watch_s;                 // mono: read back at the latest
    struct amperes_connection connection;
};

enum charger_news {
    CHARGER_CONFIRMED, // it shows what was written
    CHARGER_REFUSED,   // it answered: an exception, another value than was written, not our type
    CHARGER_FAILED,    // it did not answer as it should
    CHARGER_FORGOT,    // it showed another value than it had confirmed; written again
    CHARGER_FOUND,     // met; watchdog and fallback are known
};

struct charger_wish {
    bool is_set;
    int64_t raw;                   // for the limit
    int64_t phase[CHARGER_PHASES]; // for each phase, where it takes several
    bool paused;
    int64_t tag; // the asker's
};

struct charger_report {
    enum charger_news news;
    struct charger_wish wish; // that it is about
    int64_t shown;            // FORGOT: number read
    struct mono at;
    int64_t watchdog_ms, fallback_w; // FOUND; -1: not known
    char state[CHARGER_STATE];       // CONFIRMED, FORGOT: as the charger tells it; "": it does not
    char reason[CHARGER_REASON];     // REFUSED, FAILED
};

struct charger;

// Meets the charger as soon as there is a wish. Owned: charger_free(), which waits for the
// request under way; the charger keeps its limit until its own watchdog.
struct charger *charger_new(struct loop *loop, const struct charger_settings *settings,
                            void (*report)(void *arg, const struct charger_report *report),
                            void *arg);
void charger_free(struct charger *charger);

// From now on this.
void charger_want(struct charger *charger, const struct charger_wish *wish);

#endif
