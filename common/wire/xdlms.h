// SPDX-License-Identifier: Apache-2.0
// What is said inside an association of DLMS/COSEM: Initiate, GET, SET and ACTION, whole and in
// blocks, and the two ways to fail, in A-XDR. Both directions; no lists, no selective access.
//
//                           fields besides kind and, for GET, SET, ACTION, invoke
//   INITIATE_REQUEST        dedicated_key, response_allowed, quality, conformance, max_pdu
//   INITIATE_RESPONSE       quality, conformance, max_pdu
//   GET_REQUEST             target
//   GET_NEXT                block (the one received)
//   GET_RESPONSE            payload: data or access
//   GET_BLOCK               last, block, payload: data (a piece of it) or access
//   SET_REQUEST             target, data
//   SET_FIRST               target, last, block, data (a piece of it)
//   SET_NEXT                last, block, data (a piece of it)
//   SET_RESPONSE            result
//   SET_BLOCK_TAKEN         block
//   SET_LAST_TAKEN          result, block
//   ACTION_REQUEST          target, payload: data or nothing
//   ACTION_NEXT             block
//   ACTION_FIRST            target, last, block, data (a piece of it)
//   ACTION_BLOCK            last, block, data (a piece of it)
//   ACTION_RESPONSE         result, payload: data, access or nothing
//   ACTION_RESPONSE_BLOCK   last, block, data (a piece of it)
//   ACTION_BLOCK_TAKEN      block
//   SERVICE_ERROR           service, error_kind, error
//   EXCEPTION               state, error, counter (XDLMS_EXCEPTION_COUNTER only)
//
// Source: IEC 62056-5-3 (Green Book 8.1, 9.5), as captured; counter: later books.

#ifndef WIRE_XDLMS_H
#define WIRE_XDLMS_H

#include "base/err.h"
#include "wire/tlv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum xdlms_kind {
    XDLMS_INITIATE_REQUEST,
    XDLMS_INITIATE_RESPONSE,
    XDLMS_GET_REQUEST,
    XDLMS_GET_NEXT,
    XDLMS_GET_RESPONSE,
    XDLMS_GET_BLOCK,
    XDLMS_SET_REQUEST,
    XDLMS_SET_FIRST,
    XDLMS_SET_NEXT,
    XDLMS_SET_RESPONSE,
    XDLMS_SET_BLOCK_TAKEN,
    XDLMS_SET_LAST_TAKEN,
    XDLMS_ACTION_REQUEST,
    XDLMS_ACTION_NEXT,
    XDLMS_ACTION_FIRST,
    XDLMS_ACTION_BLOCK,
    XDLMS_ACTION_RESPONSE,
    XDLMS_ACTION_RESPONSE_BLOCK,
    XDLMS_ACTION_BLOCK_TAKEN,
    XDLMS_SERVICE_ERROR,
    XDLMS_EXCEPTION,
    XDLMS_KINDS,
};

// First octet of each.
enum xdlms_tag {
    XDLMS_TAG_INITIATE_REQUEST = 0x01,
    XDLMS_TAG_INITIATE_RESPONSE = 0x08,
    XDLMS_TAG_SERVICE_ERROR = 0x0e,
    XDLMS_TAG_GET_REQUEST = 0xc0,
    XDLMS_TAG_SET_REQUEST = 0xc1,
    XDLMS_TAG_ACTION_REQUEST = 0xc3,
    XDLMS_TAG_GET_RESPONSE = 0xc4,
    XDLMS_TAG_SET_RESPONSE = 0xc5,
    XDLMS_TAG_ACTION_RESPONSE = 0xc7,
    XDLMS_TAG_EXCEPTION = 0xd8,
};

enum {
    XDLMS_OBJECT_LEN = 6,
    XDLMS_VERSION = 6,
    XDLMS_LOGICAL_NAMES = 7, // the "VAA name" of an association by logical names
    XDLMS_INVOKE_ID = 0x0f,  // its bits in invoke
    XDLMS_INVOKE = 0xc1,     // id 1, confirmed, high priority
    XDLMS_NO_QUALITY = -1,
};

// Conformance: what an association may use; bit 0 of the standard is the greatest of 24.
enum {
    XDLMS_CAN_GET_BLOCKS = 1 << 12,
    XDLMS_CAN_SET_BLOCKS = 1 << 11,
    XDLMS_CAN_ACTION_BLOCKS = 1 << 10,
    XDLMS_CAN_LISTS = 1 << 9,
    XDLMS_CAN_GET = 1 << 4,
    XDLMS_CAN_SET = 1 << 3,
    XDLMS_CAN_SELECT = 1 << 2,
    XDLMS_CAN_ACT = 1 << 0,
};

// Data access results, which SET and GET share; those of ACTION are the same numbers.
enum xdlms_access {
    XDLMS_SUCCESS = 0,
    XDLMS_HARDWARE_FAULT = 1,
    XDLMS_TEMPORARY_FAILURE = 2,
    XDLMS_READ_WRITE_DENIED = 3,
    XDLMS_OBJECT_UNDEFINED = 4,
    XDLMS_OBJECT_CLASS_INCONSISTENT = 9,
    XDLMS_OBJECT_UNAVAILABLE = 11,
    XDLMS_TYPE_UNMATCHED = 12,
    XDLMS_SCOPE_VIOLATED = 13,
    XDLMS_DATA_BLOCK_UNAVAILABLE = 14,
    XDLMS_LONG_GET_ABORTED = 15,
    XDLMS_NO_LONG_GET = 16,
    XDLMS_LONG_SET_ABORTED = 17,
    XDLMS_NO_LONG_SET = 18,
    XDLMS_BLOCK_NUMBER_INVALID = 19,
    XDLMS_OTHER_REASON = 250,
};

// The last octet of an exception.
enum xdlms_exception {
    XDLMS_EXCEPTION_NOT_POSSIBLE = 1,
    XDLMS_EXCEPTION_NOT_SUPPORTED = 2,
    XDLMS_EXCEPTION_OTHER = 3,
    XDLMS_EXCEPTION_TOO_LONG = 4,
    XDLMS_EXCEPTION_DECIPHERING = 5,
    XDLMS_EXCEPTION_COUNTER = 6,
};
enum { XDLMS_STATE_NOT_ALLOWED = 1, XDLMS_STATE_UNKNOWN = 2 };

// Confirmed service error: initiate.
enum { XDLMS_SERVICE_INITIATE = 1, XDLMS_ERROR_INITIATE = 6 };

// An attribute or method of an object.
struct xdlms_target {
    uint16_t class_id;
    uint8_t object[XDLMS_OBJECT_LEN];
    uint8_t member;
};

bool xdlms_is_target(const struct xdlms_target *a, const struct xdlms_target *b);

enum xdlms_payload { XDLMS_NOTHING, XDLMS_DATA, XDLMS_ACCESS };

// Octets are borrowed from what was read.
struct xdlms {
    enum xdlms_kind kind;
    uint8_t invoke; // id and priority; an answer repeats the id
    struct xdlms_target target;
    uint8_t result; // of SET or ACTION
    bool last;
    uint32_t block;
    enum xdlms_payload payload;
    uint8_t access;     // why there is no data
    struct octets data; // A-XDR, not looked into, or a piece of it

    struct octets dedicated_key; // none: len 0
    bool response_allowed;
    int quality; // of service: -128 to 127, or XDLMS_NO_QUALITY
    uint32_t conformance;
    uint16_t max_pdu;

    uint8_t state, service, error_kind, error;
    uint32_t counter;
};

// Write one; what does not fit becomes the cursor's error.
void xdlms_put(struct cursor *out, const struct xdlms *pdu);

// Read one that is all of apdu; pdu stays untouched on error.
//
//   ERR_SYNTAX  another one, or not of its form; selective access
//   ERR_SIZE    broken off, or something behind it
//   ERR_RANGE   another version of DLMS, or not by logical names
MUST_CHECK enum err xdlms_read(struct octets apdu, struct xdlms *pdu);

// Data that we know: an octet string, and a double-long-unsigned. The readers take all of data.
enum { XDLMS_OCTET_STRING = 0x09, XDLMS_U32 = 0x06 };
void xdlms_put_string(struct cursor *out, struct octets string);
void xdlms_put_u32(struct cursor *out, uint32_t value);
MUST_CHECK enum err xdlms_read_string(struct octets data, struct octets *string);
MUST_CHECK enum err xdlms_read_u32(struct octets data, uint32_t *value);

#endif
