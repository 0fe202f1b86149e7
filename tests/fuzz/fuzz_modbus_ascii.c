// SPDX-License-Identifier: Apache-2.0
// What came on a serial line: what is taken for an answer is, written again, the same.

#include "gateway/modbus_ascii.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t pdu[MODBUS_PDU_MAX];
    char frame[MODBUS_ASCII_MAX];
    size_t len;
    if (modbus_ascii_take(1, (const char *)data, size, pdu, &len))
        return 0;
    assert(len >= 1 && len <= sizeof pdu);
    size_t frame_len = modbus_ascii_put(1, pdu, len, frame);
    assert(memmem(data, size, frame, frame_len));
    return 0;
}
