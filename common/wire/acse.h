// SPDX-License-Identifier: Apache-2.0
// How an association of DLMS/COSEM begins and ends: AARQ, AARE, RLRQ and RLRE in BER.
//
// Of the elements that the standard allows, those named here are read; the others are skipped
// where they stand in their place. An element that is unknown, double or out of order is refused.
// Source: ISO/IEC 15953, 15954; IEC 62056-5-3 (Green Book 8.1, 9.4); as captured.

#ifndef WIRE_ACSE_H
#define WIRE_ACSE_H

#include "base/err.h"
#include "wire/tlv.h"

#include <stddef.h>
#include <stdint.h>

enum {
    ACSE_TITLE_LEN = 8,     // of a system title
    ACSE_CHALLENGE_MIN = 8, // of HLS
    ACSE_CHALLENGE_MAX = 64,
    ACSE_USER_INFORMATION_MAX = 256, // that is written
};

// First octet of each.
enum acse_tag { ACSE_AARQ = 0x60, ACSE_AARE = 0x61, ACSE_RLRQ = 0x62, ACSE_RLRE = 0x63 };

// Application context, always by logical names: the last octet of its identifier.
enum acse_context { ACSE_LN = 1, ACSE_LN_CIPHERED = 3 };

// Authentication mechanism, likewise; ACSE_LOWEST is the absence of one.
enum acse_mechanism { ACSE_LOWEST = 0, ACSE_LLS = 1, ACSE_HLS_GMAC = 5 };

// Who gave the diagnostic.
enum acse_source { ACSE_USER = 1, ACSE_PROVIDER = 2 };

enum acse_result { ACSE_ACCEPTED = 0, ACSE_REJECTED_PERMANENT = 1, ACSE_REJECTED_TRANSIENT = 2 };

// Diagnostics of the service user.
enum acse_diagnostic {
    ACSE_NO_DIAGNOSTIC = 0,
    ACSE_NO_REASON = 1,
    ACSE_CONTEXT_NOT_SUPPORTED = 2,
    ACSE_MECHANISM_NOT_RECOGNISED = 11,
    ACSE_AUTHENTICATION_FAILURE = 13,
    ACSE_AUTHENTICATION_REQUIRED = 14, // normal: HLS passes 3 and 4 follow
};

// Octets are borrowed from what was read; of length 0 where the element is absent.
struct acse_aarq {
    uint8_t context;   // enum acse_context
    uint8_t mechanism; // enum acse_mechanism
    struct octets title;
    struct octets challenge; // or password
    struct octets user_information;
};

struct acse_aare {
    uint8_t context;
    uint8_t result;     // enum acse_result
    uint8_t source;     // enum acse_source
    uint8_t diagnostic; // of that source
    uint8_t mechanism;
    struct octets title;
    struct octets challenge;
    struct octets user_information;
};

enum { ACSE_NO_REASON_GIVEN = -1 };

struct acse_release {
    int reason; // 0 normal; ACSE_NO_REASON_GIVEN
    struct octets user_information;
};

// Write one; what does not fit becomes the cursor's error. A challenge is at most
// ACSE_CHALLENGE_MAX octets, user information at most ACSE_USER_INFORMATION_MAX.
void acse_put_aarq(struct cursor *out, const struct acse_aarq *aarq);
void acse_put_aare(struct cursor *out, const struct acse_aare *aare);
void acse_put_rlrq(struct cursor *out, const struct acse_release *rlrq);
void acse_put_rlre(struct cursor *out, const struct acse_release *rlre);

// Read one that is all of apdu.
//
//   ERR_SYNTAX  not one, or not of its form
//   ERR_SIZE    broken off, or something behind it
//   ERR_RANGE   a value that the standard does not have: title, mechanism, context, result
MUST_CHECK enum err acse_read_aarq(struct octets apdu, struct acse_aarq *aarq);
MUST_CHECK enum err acse_read_aare(struct octets apdu, struct acse_aare *aare);
MUST_CHECK enum err acse_read_rlrq(struct octets apdu, struct acse_release *rlrq);
MUST_CHECK enum err acse_read_rlre(struct octets apdu, struct acse_release *rlre);

#endif
