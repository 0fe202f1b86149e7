// SPDX-License-Identifier: Apache-2.0
// What is wrong with a line from which octets come but no telegram? Looks at the octets alone:
// text of seven bits with parity, text without telegrams, or no text at all. Pure.

#ifndef GATEWAY_LINE_LOOK_H
#define GATEWAY_LINE_LOOK_H

#include <stddef.h>
#include <stdint.h>

// Zero before the first octets.
struct line_look {
    uint64_t octets;
    uint64_t zero, high;  // 0x00; 0x80 and above
    uint64_t even;        // with an even number of bits
    uint64_t plain_text;  // printable, CR, LF or HT as they are
    uint64_t masked_text; // likewise without their top bit
};

void line_look_take(struct line_look *look, const void *octets, size_t len);

// A sentence for whoever stands at the cable; stays.
const char *line_look_verdict(const struct line_look *look);

#endif
