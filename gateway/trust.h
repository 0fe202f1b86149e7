// SPDX-License-Identifier: Apache-2.0
// May this telegram be believed, and may its message be obeyed? Pure.
//
// A telegram is believed when its version is known, its CRC matches in full, and it is of
// the meter that the settings name. Its message counts once the same octets, or the same
// lack of them, stood in several telegrams in a row; then it is judged once, until it changes.

#ifndef GATEWAY_TRUST_H
#define GATEWAY_TRUST_H

#include "wire/p1_telegram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trust_rules {
    const char *equipment_id; // that the telegram must show; "": any. Borrowed
    int repeats;              // telegrams in a row with the same message, 1 or more
};

struct trust {
    struct trust_rules rules;
    int seen; // telegrams in a row with what follows, up to repeats
    enum p1_trust verdict;
    size_t len;
    uint8_t octets[P1_MESSAGE_MAX];
};

void trust_start(struct trust *trust, const struct trust_rules *rules);

// Why a telegram is not to be believed, a text that stays; NULL: it is. Whatever is wrong
// with the message alone is no reason.
const char *trust_refuses(const struct trust *trust, const struct p1_telegram *telegram);

// Take the message of a telegram that is believed. True when it has just settled, which is
// the time to judge it: trust->octets, len of them, unless trust_message_fault() names a fault.
bool trust_settles(struct trust *trust, const struct p1_telegram *telegram);

// Does the message that settled last still stand, as of the last telegram taken?
bool trust_is_settled(const struct trust *trust);

// Why there is no message to read, a text that stays; NULL: there is one, maybe empty.
const char *trust_message_fault(const struct trust *trust);

#endif
