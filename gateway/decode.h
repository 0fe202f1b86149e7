// SPDX-License-Identifier: Apache-2.0
// socmod-gateway --decode: the telegrams of a file or of standard input, one JSON line each.
//
//   {"offset":0,"octets":913,"identification":"...","version":"50","crc":"ok","time":"...Z", ...}
//
// The keys and their order are fixed; see gateway/decode.c. What a telegram does not tell, or
// tells badly, is null. Energies are listed by tariff ("0": the sum), as far as they are sent.
// A telegram whose CRC does not match is shown with "crc":"bad"; octets between telegrams
// are skipped. Powers of a message are read in W.

#ifndef GATEWAY_DECODE_H
#define GATEWAY_DECODE_H

#include "wire/p1_reader.h"
#include "wire/p1_telegram.h"

#include <stdio.h>

// Print one telegram as a line.
void decode_print(const struct p1_frame *frame, const struct p1_telegram *telegram, FILE *out);

// Read in to its end, from where its descriptor stands, and print what is found as soon as it
// is found. Returns the exit status: 0, also when there was no telegram; 1 if reading or
// writing failed, which is logged.
int decode_run(FILE *in, FILE *out);

#endif
