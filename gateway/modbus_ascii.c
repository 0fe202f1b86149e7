// SPDX-License-Identifier: Apache-2.0

#include "gateway/modbus_ascii.h"

#include <assert.h>
#include <string.h>

enum { LEAST = 3 }; // unit, function, sum

static uint8_t sum_of(const uint8_t *octets, size_t len)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum = (uint8_t)(sum + octets[i]);
    return (uint8_t)-sum;
}

static char *put_octet(char *at, uint8_t octet)
{
    static const char digits[] = "0123456789ABCDEF";
    *at++ = digits[octet >> 4];
    *at++ = digits[octet & 15];
    return at;
}

size_t modbus_ascii_put(uint8_t unit, const uint8_t *pdu, size_t len,
                        char frame[static MODBUS_ASCII_MAX])
{
    assert(len <= MODBUS_PDU_MAX);
    char *at = frame;
    *at++ = ':';
    at = put_octet(at, unit);
    for (size_t i = 0; i < len; i++)
        at = put_octet(at, pdu[i]);
    at = put_octet(at, (uint8_t)(sum_of(pdu, len) - unit));
    *at++ = '\r';
    *at++ = '\n';
    return (size_t)(at - frame);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum err modbus_ascii_take(uint8_t unit, const char *text, size_t len,
                           uint8_t pdu[static MODBUS_PDU_MAX], size_t *pdu_len)
{
    const char *end = memchr(text, '\n', len);
    if (!end)
        return ERR_MORE;
    const char *start = memchr(text, ':', (size_t)(end - text));
    if (!start || end[-1] != '\r' || (end - start) % 2)
        return ERR_SYNTAX;

    uint8_t octets[MODBUS_PDU_MAX + 2];
    size_t count = (size_t)(end - start - 2) / 2;
    if (count < LEAST || count > sizeof octets)
        return ERR_SYNTAX;
    for (size_t i = 0; i < count; i++) {
        int high = digit(start[1 + 2 * i]), low = digit(start[2 + 2 * i]);
        if (high < 0 || low < 0)
            return ERR_SYNTAX;
        octets[i] = (uint8_t)(high << 4 | low);
    }
    if (sum_of(octets, count))
        return ERR_CHECKSUM;
    if (octets[0] != unit)
        return ERR_SYNTAX;
    *pdu_len = count - 2;
    memcpy(pdu, octets + 1, *pdu_len);
    return ERR_NONE;
}
