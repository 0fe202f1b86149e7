// SPDX-License-Identifier: Apache-2.0
// Values -> P1 telegram, as a meter would send them. For the peers and the tests.
// Source: P1 Companion Standards 4.2.2 and 5.0.2, 6.12.

#ifndef WIRE_P1_WRITE_H
#define WIRE_P1_WRITE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    P1_WRITE_MAX = 4096,     // octets of the longest telegram written here
    P1_WRITE_MESSAGE = 1024, // octets of the longest message
    P1_WRITE_IDENTIFIER = 48,
};

enum p1_write_version { P1_WRITE_DSMR_42, P1_WRITE_SMR_50 };

// All in whole units of the meter's display or finer; what a telegram cannot show is rounded
// down, as meters do. Texts are borrowed during the call.
struct p1_write {
    enum p1_write_version version;
    const char *identification; // "XXX5..." without '/': printable, at most 64 characters
    int64_t utc;                // s, 2000 to 2099
    bool summer;
    const char *equipment_id;                              // at most P1_WRITE_IDENTIFIER characters
    int phases;                                            // 1 or 3
    int tariff;                                            // 1 or 2, the one in force
    int64_t energy_delivered_wh[2], energy_returned_wh[2]; // per tariff, below 10^9
    int64_t power_delivered_w[3], power_returned_w[3];     // per phase, below 10^5 in sum
    int64_t voltage_mv[3];                                 // below 10^6
    int64_t current_ma[3];                                 // below 10^6; shown in A
    int failures, long_failures;                           // counts, below 10^5
    const void *message;                                   // any octets
    size_t message_len;                                    // at most P1_WRITE_MESSAGE
    const char *gas_id; // NULL: no gas meter; at most P1_WRITE_IDENTIFIER characters
    int64_t gas_utc;    // of the reading
    bool gas_summer;
    int64_t gas_dm3; // below 10^8
};

// Write a telegram from '/' to the line end behind its CRC, with a terminator. len is without.
//   ERR_RANGE  a value that does not fit its place, as told above; nothing useful in text
MUST_CHECK enum err p1_write(const struct p1_write *values, char text[static P1_WRITE_MAX + 1],
                             size_t *len);

#endif
