// SPDX-License-Identifier: Apache-2.0
// CRC-16/ARC, the checksum of a P1 telegram: x16 + x15 + x2 + 1, least significant bit
// first, start value 0, no final xor. A telegram's covers '/' up to and including '!'.
// Source: P1 Companion Standard 5.0.2, 6.2. The sums printed in its examples are wrong.

#ifndef WIRE_CRC16_H
#define WIRE_CRC16_H

#include <stddef.h>
#include <stdint.h>

enum { CRC16_START = 0 };

// The sum so far, with len more octets: crc16_update(crc16_update(CRC16_START, a), b) is the
// sum of a followed by b. data may be NULL when len is 0.
uint16_t crc16_update(uint16_t crc, const void *data, size_t len);

#endif
