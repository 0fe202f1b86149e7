// SPDX-License-Identifier: Apache-2.0
// What is read of an APDU lies within it, and written it is the same octets again, but for
// lengths that were not written the shortest way.

#include "wire/xdlms.h"

#include <assert.h>
#include <string.h>

enum { OUT_MAX = 70000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[OUT_MAX];
    struct xdlms pdu = {.kind = XDLMS_KINDS}, again;
    struct octets string = {0};
    uint32_t number;
    enum err err = xdlms_read((struct octets){data, size}, &pdu);
    assert((pdu.kind == XDLMS_KINDS) == (err != ERR_NONE));
    if (!xdlms_read_string((struct octets){data, size}, &string))
        assert(string.len < size && (!string.len || string.at + string.len == data + size));
    if (!xdlms_read_u32((struct octets){data, size}, &number))
        assert(size == 5);
    if (err)
        return 0;
    assert(!pdu.data.len || (pdu.data.at > data && pdu.data.at + pdu.data.len == data + size));
    struct cursor out = cursor_writer(room, sizeof room);
    xdlms_put(&out, &pdu);
    size_t len = (size_t)(out.at - room);
    assert(!out.err && len <= size);
    if (len == size && pdu.kind != XDLMS_INITIATE_REQUEST)
        assert(!memcmp(room, data, size));
    err = xdlms_read((struct octets){room, len}, &again);
    assert(!err && again.kind == pdu.kind && again.block == pdu.block
           && again.data.len == pdu.data.len && again.dedicated_key.len == pdu.dedicated_key.len);
    return 0;
}
