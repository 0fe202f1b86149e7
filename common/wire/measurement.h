// SPDX-License-Identifier: Apache-2.0
// What DALI reports: the mean power (and where known, current and voltage) of one feeder over
// one quarter hour, per grid phase. Two readers for the two ways it comes: a JSON payload with
// its topic, and a line of a CSV file.
//
//   dali/<transformer>/<feeder>/quarter
//   {"quarter":"2026-01-14T16:00:00Z","p_w":[12000,13000,null],"i_a":[..],"u_v":[..],"quality":"good"}
//
//   feeder,quarter,p_l1_w,p_l2_w,p_l3_w[,i_l1_a,..,u_l3_v,quality]     any order: the header
//   decides
//
// Both take what is of the right form and within the range of an instrument; whether it can be
// believed is for others to judge.

#ifndef WIRE_MEASUREMENT_H
#define WIRE_MEASUREMENT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IDENTIFIER_LEN = 64, QUALITY_LEN = 31, PHASES = 3 };

// A value that was not given.
#define MEASURED_NOT INT32_MIN

// Per grid phase L1, L2, L3; each may be MEASURED_NOT.
struct measured {
    int32_t p_w[PHASES];  // mean active power, W; negative: fed back
    int32_t i_ma[PHASES]; // mean current
    int32_t u_mv[PHASES]; // mean voltage to neutral
};

struct measurement {
    char transformer[IDENTIFIER_LEN + 1]; // "" where only the feeder is named (CSV)
    char feeder[IDENTIFIER_LEN + 1];
    int64_t quarter; // its start, seconds since 1970; any second
    struct measured values;
    char quality[QUALITY_LEN + 1]; // what the sender says of it: "good" unless told otherwise
};

// Where and why a reader refused, for a person.
struct measurement_fault {
    int column;     // of the CSV line, from 1; 0 where it is not about a column
    char field[24]; // "p_w[2]", "p_l2_w"; "" for the whole
    char why[120];
};

// The operator's name of a transformer or feeder: 1 to 64 of A-Z a-z 0-9 . _ -, the first a
// letter or digit. len octets of text, no terminator needed.
bool measurement_is_identifier(const char *text, size_t len);

// Read a payload of len octets that came under topic (terminated).
//   ERR_SYNTAX  topic or payload not of the form above      ERR_RANGE  impossible value
// Keys that are not known are skipped.
MUST_CHECK enum err measurement_from_json(const char *topic, const void *payload, size_t len,
                                          struct measurement *out, struct measurement_fault *fault);

enum { MEASUREMENT_COLUMNS = 12 }; // of those that can be known

// Which column of a file holds what.
struct measurement_header {
    int count;                         // columns of the file
    int8_t field[MEASUREMENT_COLUMNS]; // of column i; index into the table of known columns
};

// Read the first line, without its end of line. Column names are as above, each once; feeder,
// quarter and the three powers are needed; others than the known ones are refused.
MUST_CHECK enum err measurement_csv_header(const char *line, size_t len,
                                           struct measurement_header *header,
                                           struct measurement_fault *fault);

// Read a further line. An empty field is a value not given. A field may stand in double quotes.
MUST_CHECK enum err measurement_csv_line(const struct measurement_header *header, const char *line,
                                         size_t len, struct measurement *out,
                                         struct measurement_fault *fault);

#endif
