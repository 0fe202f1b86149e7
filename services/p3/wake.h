// SPDX-License-Identifier: Apache-2.0
// Wakes a meter before it is called: by a program of the operator's, or a message over MQTT that
// somebody turns into an SMS. What comes of it is not told to us: the meter is called afterwards in
// any case.
//
// The program gets the words of the setting, without a shell in between, of which {meter} is
// replaced by the equipment identifier and {address} by host:port; the message is
// {"equipment_id":"..","address":".."}.

#ifndef P3_WAKE_H
#define P3_WAKE_H

#include "io/loop.h"
#include "io/mqtt.h"
#include "services/p3/route.h"

#include <stdbool.h>

struct wake;

enum wake_when {
    WAKE_MISSED, // only meters whose last attempt did not reach them
    WAKE_ALWAYS,
};

struct wake_settings {
    const char *command; // "" for none: words separated by blanks
    const char *topic;   // "" for none
    struct mqtt *mqtt;   // where a topic is given
    enum wake_when when;
    int64_t pause_ms;   // machine time between it and the call
    int64_t timeout_ms; // for the program, which is then killed
    int most;           // programs at once; further ones wait
};

// Borrows settings' texts. Owned: wake_free(), which lets programs that run go on.
struct wake *wake_new(struct loop *loop, const struct wake_settings *settings);
void wake_free(struct wake *wake);

// Is a meter that was missed so often in a row to be woken?
bool wake_wants(const struct wake *wake, int failures);

// One meter being woken; done(arg) is called when it may be called, unless stopped before.
struct wake_up;
// errand is borrowed until then.
struct wake_up *wake_begin(struct wake *wake, const struct errand *errand, void (*done)(void *arg),
                           void *arg);
// Owned until done is called, or this; NULL is fine.
void wake_stop(struct wake_up *up);

#endif
