// SPDX-License-Identifier: Apache-2.0
// The route over a head-end: MQTT 5 request and response.
//
//   p3/<head-end>/set             {"id","equipment_id","object","text","not_after"}, with
//                                 response topic and correlation data
//   p3/<head-end>/answer/<name>   {"id","status","cause","digest"}, the same correlation data
//
// status verified: read back by the head-end, and believed only when its digest is that of the
// text sent (else a retry, cause digest-differs). written: accepted. retry, refused: with a
// cause. Anything else, or nothing within the answer time-out, is a retry.

#ifndef P3_HEAD_END_H
#define P3_HEAD_END_H

#include "io/mqtt.h"
#include "services/p3/route.h"

struct head_end;

// Borrowed for its life: settings, object.
//
//   settings  whose client_id is <name>; session_expiry_s is set here
//   object    OBIS identifier of the text in the meter
//   timeout_s machine seconds for an answer
//   ready     called in the loop when the broker is there (again)
//
// Owned: head_end_free(), which answers what is under way with a retry.
struct head_end *head_end_new(struct loop *loop, const struct mqtt_settings *settings,
                              const char *object, int64_t timeout_s, void (*ready)(void *arg),
                              void *arg);
void head_end_free(struct head_end *head_end);

// The route of its kind; valid as long as head_end.
struct route head_end_route(struct head_end *head_end);

// Judge what a head-end said about errand. Pure: for tests and fuzzing too.
//
//   payload  len octets from outside
void head_end_read_answer(const struct errand *errand, const void *payload, size_t len,
                          struct route_answer *answer);

#endif
