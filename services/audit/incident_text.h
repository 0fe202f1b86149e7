// SPDX-License-Identifier: Apache-2.0
// The lines of an export of the trail; recipe/README.txt tells their form. Pure but for the stream
// that they go to.

#ifndef AUDIT_INCIDENT_TEXT_H
#define AUDIT_INCIDENT_TEXT_H

#include "wire/seal.h"
#include "wire/trail_link.h"

#include <stdio.h>

// An event; its data as the database has it.
void incident_event(FILE *out, const struct trail_event *event);

// A link of the chain; content NULL for the one before the first.
void incident_link(FILE *out, int shard, int64_t sequence, const struct digest *content,
                   const struct digest *hash);

// A public key as PEM (SubjectPublicKeyInfo, RFC 8410).
void incident_key(FILE *out, const struct seal_public *key);

#endif
