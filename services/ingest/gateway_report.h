// SPDX-License-Identifier: Apache-2.0
// What gateways report over MQTT: the payloads of socmod/v1/gateway/<equipment id>/receipt, load
// and status, read strictly. Pure.

#ifndef INGEST_GATEWAY_REPORT_H
#define INGEST_GATEWAY_REPORT_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EQUIPMENT_ID_LEN = 48, REPORT_WHY_LEN = 120 };

enum report_kind { REPORT_RECEIPT, REPORT_LOAD, REPORT_STATUS, REPORT_KINDS };

// Which kind of report a topic carries, and of which meter (its equipment identifier).
//   ERR_SYNTAX  not socmod/v1/gateway/<equipment id>/receipt, load or status
MUST_CHECK enum err report_topic(const char *topic, enum report_kind *kind,
                                 char equipment_id[static EQUIPMENT_ID_LEN + 1]);

// Read a payload of len octets. report is an object with exactly the keys of its kind, checked
// as the tables want them, null where nothing was given; owned by the caller: json_decref().
//
//   receipt  at state digest mode reason limit_w register register_w
//   load     quarter (RFC 3339) p_w (three) energy_wh limit_w mode
//   status   online mode reason since limit_w at; of a last will only online and null
//
// At ERR_SYNTAX and ERR_RANGE why tells the key and what is wrong with it.
MUST_CHECK enum err report_read(enum report_kind kind, const void *payload, size_t len,
                                json_t **report, char why[static REPORT_WHY_LEN]);

// The quarter of a load that was read, seconds since 1970.
int64_t report_quarter(const json_t *load);

#endif
