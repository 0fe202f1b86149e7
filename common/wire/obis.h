// SPDX-License-Identifier: Apache-2.0
// The two halves of a P1 line: an OBIS code, and a number with its unit.
//
//   1-0:1.8.1(000051.775*kWh)
//
// Meters of other makes write Wh, W or mA, or leave the '*' out. All numbers are signed 64-bit
// in thousandths of the base unit, so 51.775 kWh is 51,775,000 mWh. No floating point.
// Source: P1 Companion Standard 5.0.2, 6.4 (formats) and 6.12 (representation).

#ifndef WIRE_OBIS_H
#define WIRE_OBIS_H

#include "base/err.h"

#include <stdint.h>

// A-B:C.D.E as one number, for tables: A and B in the top two half octets, below them the
// characters of C.D.E, the first in the lowest octet. So a code is read in one step, without
// reading its numbers. A and B up to 15, C, D and E up to 99, in all at most two of two digits.
#define OBIS_SIZE(n) ((n) < 10 ? 1 : 2)
#define OBIS_CHARS(n) ((uint64_t)((n) < 10 ? '0' + (n) : ('0' + (n) / 10) | ('0' + (n) % 10) << 8))
#define OBIS(a, b, c, d, e)                                                                        \
    ((uint64_t)(a) << 60 | (uint64_t)(b) << OBIS_CHANNEL | OBIS_CHARS(c)                           \
     | (uint64_t)'.' << 8 * OBIS_SIZE(c) | OBIS_CHARS(d) << 8 * (OBIS_SIZE(c) + 1)                 \
     | (uint64_t)'.' << 8 * (OBIS_SIZE(c) + OBIS_SIZE(d) + 1)                                      \
     | OBIS_CHARS(e) << 8 * (OBIS_SIZE(c) + OBIS_SIZE(d) + 2))
enum { OBIS_CHANNEL = 56 };    // where B stands in it
#define OBIS_OTHER UINT64_C(0) // no code

// Read a code up to its '('; a "*F" behind it is passed over.
//
//   at    first character; afterwards just behind the '('. Untouched on error
//   end   one behind the last character that may be read
//   code  OBIS() of it where it is written without zeros in front and within those bounds;
//         anything else gives a number that no OBIS() of a table has
//
//   ERR_SYNTAX  surely not a code
MUST_CHECK enum err obis_code(const char **at, const char *end, uint64_t *code);

enum obis_unit {
    OBIS_PLAIN, // no unit: a count
    OBIS_WH,
    OBIS_W,
    OBIS_V,
    OBIS_A,
    OBIS_M3,
    OBIS_J,
    OBIS_S,
};
const char *obis_unit_name(enum obis_unit unit); // of the base unit: "Wh", "W" ...; "" for none

// Read a number with its unit, up to but not including the ')'.
//
//   at     first character behind the '('; afterwards at the ')'. Untouched on error
//   milli  thousandths of the base unit, more decimals are dropped; a plain number too
//   unit   found behind the number
//
//   ERR_SYNTAX  no digits, no such unit, or no ')' behind it      ERR_RANGE  does not fit
MUST_CHECK enum err obis_number(const char **at, const char *end, int64_t *milli,
                                enum obis_unit *unit);

// A unit on its own, up to but not including the ')': one of it is 10^exponent thousandths of
// the base unit.
MUST_CHECK enum err obis_unit(const char **at, const char *end, enum obis_unit *unit,
                              int *exponent);

#endif
