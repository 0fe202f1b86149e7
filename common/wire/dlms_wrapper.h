// SPDX-License-Identifier: Apache-2.0
// The wrapper that carries one APDU over TCP: version 1, source and destination port ("SAP"),
// length of the APDU, each two octets. A reply has the ports swapped.
// Source: DLMS/COSEM over TCP/UDP (IEC 62056-47), as captured.

#ifndef WIRE_DLMS_WRAPPER_H
#define WIRE_DLMS_WRAPPER_H

#include "base/err.h"
#include "wire/tlv.h"

#include <stddef.h>
#include <stdint.h>

enum { DLMS_WRAPPER_LEN = 8 };

struct dlms_wrapper {
    uint16_t source, destination;
    uint16_t len; // of the APDU
};

void dlms_wrapper_write(const struct dlms_wrapper *wrapper,
                        uint8_t octets[static DLMS_WRAPPER_LEN]);

// Look for a whole frame at the start of what has come so far.
//
//   max      octets of the longest APDU taken
//   wrapper  set as soon as the header is whole and fine
//   apdu     borrowed from octets
//
//   ERR_MORE    so far right, not yet whole
//   ERR_SYNTAX  another version, or an APDU of nothing
//   ERR_SIZE    an APDU of more than max octets
MUST_CHECK enum err dlms_wrapper_read(const uint8_t *octets, size_t len, size_t max,
                                      struct dlms_wrapper *wrapper, struct octets *apdu);

#endif
