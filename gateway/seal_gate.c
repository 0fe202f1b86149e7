// SPDX-License-Identifier: Apache-2.0

#include "gateway/seal_gate.h"

#include <string.h>

bool seal_gate_is_set(const struct seal_gate *gate)
{
    return gate->keys[0].is_set || gate->keys[1].is_set;
}

int seal_gate_key_of(const struct seal_gate *gate, const char *text, size_t len)
{
    struct seal seal;
    if (!seal_gate_is_set(gate) || seal_read(text, len, &seal))
        return -1;
    for (int i = 0; i < SEAL_GATE_KEYS; i++)
        if (gate->keys[i].is_set
            && seal_is_true(text, &seal, gate->equipment_id, &gate->keys[i].key))
            return i;
    return -1;
}

const char *seal_gate_refuses(const struct seal_gate *gate, int key, int64_t seq,
                              const char *digest, const struct seal_gate_last *last)
{
    if (!seal_gate_is_set(gate))
        return NULL;
    if (key < 0)
        return "not sealed for this meter by a known key";
    if (seq < 1)
        return "the seal has no sequence number";
    if (seq < last->seq)
        return "older than the newest sealed message";
    if (seq == last->seq && strcmp(digest, last->digest) != 0)
        return "the sequence number of another message";
    return NULL;
}

const char *seal_gate_refuses_at(const struct seal_gate *gate, int key, int64_t utc)
{
    if (!seal_gate_is_set(gate))
        return NULL;
    if (utc < gate->keys[key].from)
        return "sealed by a key that is not good yet";
    if (utc >= gate->keys[key].to)
        return "sealed by a key that is not good any more";
    return NULL;
}
