// SPDX-License-Identifier: Apache-2.0
// The Modbus session with one charger: the wanted limit is written, read back and compared,
// written again before the charger's watchdog runs out, and again at once when the charger
// has forgotten it.
//
// libmodbus waits for its answers. So the session has a thread of its own, with a letter box
// in each direction: the newest wish goes in, reports come out in the loop's thread. A charger
// that does not answer delays nothing but itself, and each request of it by the time-out only.

#ifndef GATEWAY_CHARGER_H
#define GATEWAY_CHARGER_H

#include "gateway/charger_type.h"
#include "io/loop.h"

#include <stdbool.h>
#include <stdint.h>

enum { CHARGER_REASON = 128 };

struct charger_link {
    const char *address; // "tcp://host[:port]" or the device of a serial line; borrowed
    const char *line;    // serial: "19200/8E1"; borrowed
    int unit;            // Modbus unit
    int64_t timeout_ms;  // machine time for one answer
    int64_t rewrite_s;   // mono: write again at the latest; the type or its watchdog may be sooner
    int64_t watch_s;     // mono: read back at the latest
};

enum charger_news {
    CHARGER_CONFIRMED, // the register shows what was written
    CHARGER_REFUSED,   // it answered: an exception, or another value than was written
    CHARGER_FAILED,    // it did not answer as it should
    CHARGER_FORGOT,    // it showed another value than it had confirmed; written again
    CHARGER_FOUND,     // connected; watchdog and fallback are known
};

struct charger_report {
    enum charger_news news;
    int32_t limit_w; // of the wish that it is about
    int64_t raw;     // register value written
    int64_t shown;   // CONFIRMED, REFUSED by another value, FORGOT: register value read
    struct mono at;
    int64_t watchdog_ms, fallback_w; // FOUND; -1: not known
    char reason[CHARGER_REASON];     // REFUSED, FAILED
};

struct charger;

// Is it like "19200/8E1"?
bool charger_line_is_sound(const char *line);

// Begins to connect at once. type and link are borrowed for its life. Owned: charger_free(),
// which waits for the request under way; the charger keeps its limit until its own watchdog.
struct charger *charger_new(struct loop *loop, const struct charger_type *type,
                            const struct charger_link *link,
                            void (*report)(void *arg, const struct charger_report *report),
                            void *arg);
void charger_free(struct charger *charger);

// From now on this register value, which stands for limit_w.
void charger_want(struct charger *charger, int64_t raw, int32_t limit_w);

#endif
