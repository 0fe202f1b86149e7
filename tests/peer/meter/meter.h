// SPDX-License-Identifier: Apache-2.0
// One smart meter: the text that it was given and keeps over restarts, what it measures, and
// the telegrams that it sends.

#ifndef PEER_METER_H
#define PEER_METER_H

#include "base/err.h"
#include "tests/peer/keep.h"
#include "tests/peer/meter/head_end.h"
#include "tests/peer/meter/p1_outlet.h"
#include "tests/peer/meter/wattmeter.h"
#include "tests/peer/street.h"
#include "wire/p1_write.h"

enum { METER_EVER = -1 };

// What goes wrong; the counts are times still to come, or METER_EVER.
struct meter_faults {
    int no_route;    // requests answered by retry: the head-end does not reach it
    int silent;      // requests neither carried out nor answered
    int mute;        // requests carried out and not answered
    int deny;        // requests refused: no right to write
    int garble;      // texts stored as another one
    int noise;       // telegrams damaged on the line
    int unplug;      // telegrams not sent
    int64_t slow_ms; // added to each answer, machine time
};

struct meter {
    const char *equipment_id, *head_end; // head_end NULL: reached otherwise, not by us
    int phase_count;
    bool dsmr4;
    enum keep keep;
    char *path; // of the file that keeps the text
    char text[HEAD_END_TEXT_MAX + 1];
    size_t text_len;
    struct wattmeter watt;
    struct p1_outlet *outlet;
    int64_t period; // of telegrams, that was dealt with last
    struct meter_faults faults;
};

// Whether a counted fault strikes this time.
bool meter_strikes(int *count);

// Read back what it kept in folder, if it does.
void meter_load(struct meter *meter, const char *folder);

// Keep another text, as its keep says. ERR_IO: the old one stays.
MUST_CHECK enum err meter_set_text(struct meter *meter, const char *text, size_t len);

// Digest of the text that it holds, as digits; owned: free().
char *meter_digest(const struct meter *meter);

// Send a telegram where one is due at utc_s and somebody reads.
void meter_send(struct meter *meter, int64_t utc_s);

#endif
