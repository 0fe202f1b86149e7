// SPDX-License-Identifier: Apache-2.0
// Messages that the broker must have, each until it has. In order, as far as they are due.

#ifndef PEER_OUTBOX_H
#define PEER_OUTBOX_H

#include "io/mqtt.h"

#include <jansson.h>

struct outbox;

// changed(arg) is called when the broker took one, also in outbox_free(). Owned: outbox_free(),
// after which only outbox_to_json() of before knows what was still waiting.
struct outbox *outbox_new(struct loop *loop, const struct mqtt_settings *mqtt,
                          void (*changed)(void *arg), void *arg);
void outbox_free(struct outbox *outbox);

// Take a text to be published when the clock shows due_ms UTC, but not before the next
// outbox_send(), so that the caller can keep it first.
void outbox_add(struct outbox *outbox, const char *topic, const char *text, int64_t due_ms);

void outbox_send(struct outbox *outbox);

size_t outbox_count(const struct outbox *outbox);

// What waits, for the state file, and back. New reference.
json_t *outbox_to_json(const struct outbox *outbox);
void outbox_from_json(struct outbox *outbox, const json_t *list);

#endif
