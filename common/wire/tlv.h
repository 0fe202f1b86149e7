// SPDX-License-Identifier: Apache-2.0
// Lengths, and octets that carry theirs, as both BER and A-XDR write them: below 128 as one
// octet, else 0x81 or 0x82 and one or two octets. Nothing in an APDU is longer than 65535.
//
// What is wrong goes into the cursor's error, like what is too short.
// Source: ITU-T X.690 8.1.3; IEC 61334-6.

#ifndef WIRE_TLV_H
#define WIRE_TLV_H

#include "base/cursor.h"

enum { TLV_MAX = 65535 };

// A piece of what somebody else holds: borrowed, as long as that.
struct octets {
    const uint8_t *at;
    size_t len;
};

// A form that was just found wrong: the cursor's error becomes err unless it has one.
void tlv_refuse(struct cursor *cursor, enum err err);

// ERR_SYNTAX: an indefinite length, or one of more than two octets.
size_t tlv_get_len(struct cursor *cursor);
struct octets tlv_get_octets(struct cursor *cursor); // length, then so many
struct octets tlv_get_rest(struct cursor *cursor);   // all that is left

// len is at most TLV_MAX.
size_t tlv_len_size(size_t len);
void tlv_put_len(struct cursor *cursor, size_t len);
void tlv_put_octets(struct cursor *cursor, struct octets octets);

#endif
