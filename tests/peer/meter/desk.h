// SPDX-License-Identifier: Apache-2.0
// The desk of the head-ends: takes set requests over MQTT 5 (p3/<head-end>/set, with response
// topic and correlation data), does one at a time for each meter, reads the text back from
// what the meter holds, and answers.

#ifndef PEER_DESK_H
#define PEER_DESK_H

#include "io/mqtt.h"
#include "tests/peer/meter/meter.h"

struct desk;

struct desk_settings {
    int64_t answer_ms; // machine time that a meter takes
    bool reads_back;   // else the answer is "written", without a digest
};

// For all head-ends of the meters, which stay the caller's. Owned: desk_free().
struct desk *desk_new(struct loop *loop, const struct mqtt_settings *mqtt,
                      const struct desk_settings *settings, struct meter *meters, size_t count);
void desk_free(struct desk *desk);

#endif
