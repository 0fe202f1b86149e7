// SPDX-License-Identifier: Apache-2.0
// A bad line: telegrams with flipped bits, bursts, cuts, insertions, joins and doubled parts, read
// as the gateway reads them, up to the message that it would obey. For the test of it and for
// measuring how often that goes wrong.

#ifndef PEER_NOISE_H
#define PEER_NOISE_H

#include <stdbool.h>
#include <stdint.h>

struct noise_settings {
    uint64_t seed; // not 0
    int64_t telegrams;
    int good_percent; // that arrive as they were sent
    int repeats;      // as in gateway/trust.h
    bool is_sealed;   // messages are sealed, and only such are obeyed
    bool is_cunning;  // the CRC of each damaged telegram is put right again
};

struct noise_counts {
    int64_t damaged;    // telegrams sent that were
    int64_t good;       // and those that were not,
    int64_t good_read;  // of which so many came out
    int64_t passed;     // damaged ones whose CRC matches
    int64_t obeyed;     // messages obeyed that stood on P1
    int64_t wrong;      // messages obeyed that nobody sent
    int64_t seals_read; // that had to be verified
};

void noise_run(const struct noise_settings *settings, struct noise_counts *counts);

#endif
