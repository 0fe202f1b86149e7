// SPDX-License-Identifier: Apache-2.0
// What the gateway tells over MQTT, where a broker is configured; without one, everything
// below does nothing.
//
//   socmod/v1/gateway/<equipment id>/...
//     receipt  what became of a message; each is kept until the broker has it
//     load     each quarter hour
//     status   retained, with a last will
//   devices/<site>/smart-connect/<equipment id>/data/...   what the meter shows, see
//                                   gateway/metering.h; only where a site is set, QoS 0, and
//                                   never kept
//
// What the broker has not acknowledged is kept over power cuts and sent again when it is back,
// in order: a receipt may come twice, and is the same then, octet for octet. How much is kept,
// and what that wears, is said in gateway/backlog.h.

#ifndef GATEWAY_FEED_H
#define GATEWAY_FEED_H

#include "gateway/quarter_load.h"
#include "gateway/setpoint.h"
#include "io/loop.h"
#include "io/mqtt.h"

#include <stdbool.h>
#include <stdint.h>

struct feed;

enum feed_state { FEED_SEEN, FEED_ACCEPTED, FEED_REFUSED, FEED_APPLIED, FEED_ENDED };

struct feed_receipt {
    struct utc at;
    enum feed_state state;
    const char *digest; // of the message
    enum setpoint_mode mode;
    const char *reason;
    bool has_limit;
    int32_t limit_w;
    const char *reg; // "60 x 100 W"; NULL: nothing confirmed
    int32_t reg_w;
};

struct feed_status {
    struct utc at, since;
    enum setpoint_mode mode;
    const char *reason;
    bool has_limit;
    int32_t limit_w;
};

// NULL where settings name no broker; every function takes NULL. What the broker does not have
// yet stands in a file beside the state file, state_path.receipts; "": only in memory. Settings
// and equipment_id are borrowed. Owned: feed_free().
struct feed *feed_new(struct loop *loop, const struct mqtt_settings *settings,
                      const char *equipment_id, const char *state_path);
void feed_free(struct feed *feed);

void feed_receipt(struct feed *feed, const struct feed_receipt *receipt);
void feed_load(struct feed *feed, const struct quarter_load_result *load,
               const struct feed_status *status);
void feed_status(struct feed *feed, const struct feed_status *status);

// What the meter shows: metric is "power_instant" or "device_counters", payload a JSON text.
void feed_metering(struct feed *feed, const char *site, const char *metric, const char *payload);

// How often the broker was reached, and what became of the payloads.
struct feed_counts {
    int64_t connected, sent, not_sent;
};
struct feed_counts feed_counts(const struct feed *feed);

// "seen", "accepted", "refused", "applied", "ended".
const char *feed_state_name(enum feed_state state);

#endif
