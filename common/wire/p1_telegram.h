// SPDX-License-Identifier: Apache-2.0
// A P1 telegram -> values by OBIS code.
//
// Metering is lenient: lines in any order, unknown and bad lines are skipped, and a bad field
// spoils nothing but itself. Control is strict: p1_telegram_trust() tells whether the message
// in it may be obeyed. Energies are in mWh, powers in mW, voltages in mV, currents in mA.
// Sources: P1 Companion Standard 5.0.2, 6.12, with the older ones and e-MUCS (Belgium), and
// telegrams from the field for what is tolerated.

#ifndef WIRE_P1_TELEGRAM_H
#define WIRE_P1_TELEGRAM_H

#include "wire/obis.h"
#include "wire/p1_reader.h"

#include <stddef.h>
#include <stdint.h>

enum {
    P1_TEXT_MAX = 100,
    P1_MESSAGE_MAX = 1024, // octets
    P1_PHASES = 3,
    P1_TARIFFS = 5, // 0 is the sum of all
    P1_CHANNELS = 4,
    P1_FAILURES = 10,
};

enum p1_status {
    P1_ABSENT = 0, // no such line
    P1_EMPTY,      // "()": nothing to tell
    P1_BAD,        // a line that cannot be read, or a time that does not exist
    P1_VALUE,
};

struct p1_number {
    enum p1_status status;
    int64_t value; // in the unit the name of the field tells
};

struct p1_time {
    enum p1_status status; // bad also without S or W: then nobody knows which hour it is
    int64_t utc;           // s since 1970
};

struct p1_text {
    enum p1_status status;
    int len;
    char text[P1_TEXT_MAX + 1]; // terminated; may hold any octet that the meter sent
};

enum p1_message_status {
    P1_MESSAGE_ABSENT = 0, // no 0-0:96.13.0 line
    P1_MESSAGE_EMPTY,
    P1_MESSAGE_BAD, // not pairs of hex digits on one line
    P1_MESSAGE_TOO_LONG,
    P1_MESSAGE_PRESENT,
};

// The text message. Of several lines, the first.
struct p1_message {
    enum p1_message_status status;
    int lines;         // seen in the telegram
    size_t at, digits; // of the raw text between the parentheses, from the '/' on
    size_t len;        // octets; PRESENT only
    uint8_t octets[P1_MESSAGE_MAX];
};

struct p1_mbus {
    struct p1_number type; // device type of EN 13757-3: 3 gas, 4 heat, 7 water ...
    struct p1_text id;
    struct p1_time time;    // of the value
    struct p1_number value; // thousandths of unit
    enum obis_unit unit;
};

struct p1_failure {
    struct p1_time end;
    struct p1_number duration_s;
};

struct p1_telegram {
    enum p1_crc crc; // as the reader found it
    int crc_digits;
    int lines, unknown, bad; // with data; of these without meaning to us; not readable

    struct p1_text identification; // of the header, without '/'
    struct p1_text version;        // "42", "50", "50217" ...
    struct p1_time time;
    struct p1_text equipment_id; // octets of 0-0:96.1.1 (or .0) where these are text, or else raw
    struct p1_text ean;          // 0-0:96.1.2, likewise (Belgium)
    struct p1_number tariff;

    struct p1_number energy_delivered_mwh[P1_TARIFFS]; // to the client
    struct p1_number energy_returned_mwh[P1_TARIFFS];
    struct p1_number power_delivered_mw, power_returned_mw;
    struct p1_number power_delivered_phase_mw[P1_PHASES], power_returned_phase_mw[P1_PHASES];
    struct p1_number voltage_mv[P1_PHASES], current_ma[P1_PHASES];
    struct p1_number voltage_sags[P1_PHASES], voltage_swells[P1_PHASES];

    struct p1_number failures, long_failures;
    struct p1_number failures_logged; // as the log says
    int failure_count;                // as they stand in it
    struct p1_failure failure[P1_FAILURES];

    struct p1_mbus mbus[P1_CHANNELS]; // channels 1 to 4
    struct p1_text short_code;        // 0-0:96.13.1
    struct p1_message message;        // last: its octets are not cleared
};

// Read a telegram, '/' up to its '!' or its end, as p1_reader_telegram() gives it.
// All input is allowed; telegram holds copies and borrows nothing.
void p1_telegram_read(const char *text, size_t len, const struct p1_frame *frame,
                      struct p1_telegram *telegram);

enum p1_trust {
    P1_TRUSTED,
    P1_TRUST_CRC_BAD,
    P1_TRUST_CRC_ABSENT,
    P1_TRUST_CRC_SHORT,   // matches, but has fewer than four digits
    P1_TRUST_VERSION,     // none, or not 40, 42, 50 or 502xx
    P1_TRUST_NO_MESSAGE,  // no message line
    P1_TRUST_MESSAGES,    // more than one
    P1_TRUST_MESSAGE_HEX, // not pairs of hex digits
    P1_TRUST_MESSAGE_SIZE,
};

// May what this telegram says be used for control? An empty message is as good as any.
enum p1_trust p1_telegram_trust(const struct p1_telegram *telegram);
const char *p1_trust_name(enum p1_trust trust); // as one word: "ok", "crc_bad" ...

#endif
