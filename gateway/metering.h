// SPDX-License-Identifier: Apache-2.0
// What the meter shows, as JSON for who wants the data: the payloads of a Xemex Smart Connect
// (its manual, 5.4), null where the telegram does not tell. Pure.

#ifndef GATEWAY_METERING_H
#define GATEWAY_METERING_H

#include "base/clock.h"
#include "wire/p1_reader.h"
#include "wire/p1_telegram.h"

#include <stdint.h>

// "power_instant". Powers in W, voltages in V, currents in A, energies in Wh. The apparent power
// is the sum of the phases' powers, and the power factor that of the total to it, to a tenth,
// as in the manual's example; reactive powers are not told by any telegram.
//
//   phase  before the number of a phase, in the key of its object
//   otherwise  time where the telegram has none
//
// Owned: free().
char *metering_power(const struct p1_telegram *telegram, const char *phase, struct utc otherwise);

// "device_counters". Owned: free().
struct metering_counters {
    int64_t uptime_s;
    const struct p1_counts *p1;
    int64_t connected, sent, not_sent; // to the broker: connections, payloads
};
char *metering_counters(const struct metering_counters *counters);

#endif
