// SPDX-License-Identifier: Apache-2.0

#include "gateway/line_look.h"

#include <stdbool.h>

enum { FEW = 64 }; // octets from which nothing can be concluded

static bool is_text(uint8_t octet)
{
    return (octet >= ' ' && octet <= '~') || octet == '\r' || octet == '\n' || octet == '\t';
}

void line_look_take(struct line_look *look, const void *octets, size_t len)
{
    const uint8_t *at = octets;
    look->octets += len;
    for (size_t i = 0; i < len; i++) {
        look->zero += at[i] == 0;
        look->high += at[i] >= 0x80;
        look->even += __builtin_parity(at[i]) == 0;
        look->plain_text += is_text(at[i]);
        look->masked_text += is_text(at[i] & 0x7f);
    }
}

static bool is_most(uint64_t part, uint64_t all)
{
    return part * 20 >= all * 19;
}

const char *line_look_verdict(const struct line_look *look)
{
    uint64_t all = look->octets;
    if (all == 0)
        return "nothing arrives: is the cable in, and Data Request high?";
    if (all < FEW)
        return "only a few octets arrive: a loose cable, or Data Request drops?";
    if (is_most(look->plain_text, all))
        return "text arrives, but no telegram: another device, or damaged ones only?";
    if (is_most(look->masked_text, all) && is_most(look->even, all))
        return "text of seven bits with even parity arrives: is the line 7E1?";
    if (is_most(look->zero, all))
        return "only zeros arrive: the signal is held low, or much slower than the line";
    return "all garbage: an inverted signal, or another speed?";
}
