// SPDX-License-Identifier: Apache-2.0
// Where the settings hold a key of the operator, only what he has sealed is obeyed: for this
// very meter, under a key that is good now, and newer than any that was sealed so. Pure.

#ifndef GATEWAY_SEAL_GATE_H
#define GATEWAY_SEAL_GATE_H

#include "wire/seal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEAL_GATE_KEYS = 2, SEAL_GATE_DIGEST = 64 };

struct seal_gate_key {
    bool is_set;
    struct seal_public key;
    int64_t from, to; // UTC seconds when it is good, the second not included
};

struct seal_gate {
    struct seal_gate_key keys[SEAL_GATE_KEYS]; // two while one takes over from the other
    const char *equipment_id;                  // of our meter. Borrowed
};

// The newest message that was sealed for this meter under a key that was good, obeyed or not. Kept
// over power cuts; where that is lost, only its own end stops an older message.
struct seal_gate_last {
    int64_t seq; // 0: none yet
    char digest[SEAL_GATE_DIGEST + 1];
};

// Is a seal asked for at all?
bool seal_gate_is_set(const struct seal_gate *gate);

// The key under which this text is sealed for our meter, from 0; -1: none.
int seal_gate_key_of(const struct seal_gate *gate, const char *text, size_t len);

// Why a message must not be obeyed, a text that stays; NULL: it may. The newest may be
// obeyed again: it stands on P1 until the next one comes. Without a key everything may.
//
//   key     seal_gate_key_of() its text
//   seq     its Header.Seq
//   digest  of its text
const char *seal_gate_refuses(const struct seal_gate *gate, int key, int64_t seq,
                              const char *digest, const struct seal_gate_last *last);

// The same for the key's own time.
const char *seal_gate_refuses_at(const struct seal_gate *gate, int key, int64_t utc);

#endif
