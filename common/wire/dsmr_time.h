// SPDX-License-Identifier: Apache-2.0
// DSMR timestamps: YYMMDDhhmmssX, Dutch wall-clock time, where X tells whether
// summer time was in force (S) or not (W).
// Source: P1 Companion Standard 5.0.2, data format TST.

#ifndef WIRE_DSMR_TIME_H
#define WIRE_DSMR_TIME_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { DSMR_TIME_LEN = 13 };

// Read one timestamp.
//
//   text  DSMR_TIME_LEN characters; only borrowed, no terminator needed
//   utc   seconds since 1970-01-01 00:00:00 UTC; untouched on error
//
//   ERR_SYNTAX  not twelve digits and an S or W
//   ERR_RANGE   no such day or time; meters send 632525252525W for "never read"
//
// The letter is believed, never recomputed: it alone tells the two 02:30s of the
// last Sunday of October apart.
MUST_CHECK enum err dsmr_time_parse(const char text[static DSMR_TIME_LEN], int64_t *utc);

// Is summer time in force at utc, which lies in 2000 to 2099? By the rule of the European
// Union: from the last Sunday of March to the last of October, each at 01:00 UTC.
// Source: Directive 2000/84/EC. For writing; what is read has its own letter.
bool dsmr_time_is_summer(int64_t utc);

// Write utc, which lies in 2000 to 2099, as a meter shows it, with a terminator.
void dsmr_time_format(int64_t utc, bool summer, char text[static DSMR_TIME_LEN + 1]);

#endif
