// SPDX-License-Identifier: Apache-2.0
// What a client asks for, word by word: the value of one query or path parameter checked and
// turned into the text that goes to the database as a statement's parameter. Pure.

#ifndef AUDIT_PARAMETER_H
#define AUDIT_PARAMETER_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum parameter_kind {
    PARAMETER_TIME,         // RFC 3339; given on as "2026-01-14 16:15:00.25Z"
    PARAMETER_UUID,         // given on in lower case
    PARAMETER_IDENTIFIER,   // of a transformer, feeder or charger
    PARAMETER_EAN,          // 18 digits
    PARAMETER_EQUIPMENT_ID, // of a meter
    PARAMETER_STATE,        // of a delivery, or "planned"
    PARAMETER_RECEIPT_STATE,
    PARAMETER_MODE,       // of a gateway
    PARAMETER_TRUTH,      // "true" or "false"
    PARAMETER_NUMBER,     // 1 to 999,999,999
    PARAMETER_EVENT_KIND, // "thing.happened"
    PARAMETER_WORDS,      // printable, up to 200 octets
    PARAMETER_KINDS
};

enum { PARAMETER_MAX = 200 };

// 0001-01-01T00:00:00Z, seconds since 1970: the database has no year 0.
#define PARAMETER_TIME_FIRST INT64_C(-62135596800)

// Take given, of any content, as a value of that kind.
//
//   value  untouched on error
//
//   ERR_SYNTAX  not of the form       ERR_RANGE  no such time
MUST_CHECK enum err parameter_parse(enum parameter_kind kind, const char *given,
                                    char value[static PARAMETER_MAX + 1]);

// What is wanted instead, for a person: "18 digits" ...
const char *parameter_form(enum parameter_kind kind);

// A page's size: given, or 100 where NULL. ERR_RANGE outside 1 to 1000.
enum { PAGE_ITEMS = 100, PAGE_ITEMS_MAX = 1000 };
MUST_CHECK enum err parameter_limit(const char *given, int *limit);

// A span of time that is asked about, seconds UTC, its end not included. from is a day before to
// where not given, to is now. ERR_SYNTAX with *what naming the one that is wrong; ERR_RANGE where
// it does not end after it begins or is longer than days_max (*what is "from").
struct span {
    int64_t from, to;
};
MUST_CHECK enum err parameter_span(const char *from, const char *to, int64_t now, int64_t days_max,
                                   struct span *span, const char **what);

// Text as it may stand in a URL's query: all but RFC 3986's unreserved characters as %XX. Owned.
char *parameter_escape(const char *text);

// Text of a client for a log or the trail: printable ASCII, the rest '?', cut at PARAMETER_MAX.
void parameter_tame(const char *text, char tame[static PARAMETER_MAX + 1]);

#endif
