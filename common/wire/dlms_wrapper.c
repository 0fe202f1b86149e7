// SPDX-License-Identifier: Apache-2.0

#include "wire/dlms_wrapper.h"
#include "base/cursor.h"

enum { WRAPPER_VERSION = 1 };

void dlms_wrapper_write(const struct dlms_wrapper *wrapper, uint8_t octets[static DLMS_WRAPPER_LEN])
{
    struct cursor out = cursor_writer(octets, DLMS_WRAPPER_LEN);
    cursor_put_u16(&out, WRAPPER_VERSION);
    cursor_put_u16(&out, wrapper->source);
    cursor_put_u16(&out, wrapper->destination);
    cursor_put_u16(&out, wrapper->len);
}

enum err dlms_wrapper_read(const uint8_t *octets, size_t len, size_t max,
                           struct dlms_wrapper *wrapper, struct octets *apdu)
{
    struct cursor in = cursor_reader(octets, len);
    if (len >= 2 && cursor_get_u16(&in) != WRAPPER_VERSION)
        return ERR_SYNTAX;
    if (len < DLMS_WRAPPER_LEN)
        return ERR_MORE;
    struct dlms_wrapper found = {
        .source = cursor_get_u16(&in),
        .destination = cursor_get_u16(&in),
        .len = cursor_get_u16(&in),
    };
    if (!found.len)
        return ERR_SYNTAX;
    if (found.len > max)
        return ERR_SIZE;
    *wrapper = found;
    if (cursor_left(&in) < found.len)
        return ERR_MORE;
    *apdu = (struct octets){cursor_get(&in, found.len), found.len};
    return ERR_NONE;
}
