// SPDX-License-Identifier: Apache-2.0
// Time stamps as RFC 3339 writes them, UTC only: 2026-01-14T16:15:00Z.

#ifndef BASE_RFC3339_H
#define BASE_RFC3339_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { RFC3339_LEN = 20, RFC3339_MS_LEN = 24 };
// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what four digits can write.
#define RFC3339_FIRST INT64_C(-62167219200)
#define RFC3339_LAST INT64_C(253402300799)

// Read "YYYY-MM-DDThh:mm:ss" with an optional fraction, then "Z" or "+00:00"-like offset.
//
//   text  len characters; only borrowed
//   utc   whole seconds since 1970, the fraction dropped; untouched on error
//
//   ERR_SYNTAX  not of that form, or no offset
//   ERR_RANGE   no such time; leap seconds too; in UTC not within the years 0000 to 9999
MUST_CHECK enum err rfc3339_parse(const char *text, size_t len, int64_t *utc);

// Write utc (years 0000 to 9999) with a terminator: seconds; or ns, or ms, with three decimals.
void rfc3339_format(int64_t utc, char text[static RFC3339_LEN + 1]);
void rfc3339_format_ms(int64_t utc_ns, char text[static RFC3339_MS_LEN + 1]);
void rfc3339_format_of_ms(int64_t utc_ms, char text[static RFC3339_MS_LEN + 1]);

#endif
