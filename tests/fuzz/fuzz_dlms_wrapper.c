// SPDX-License-Identifier: Apache-2.0
// A frame is found only where one is, within what has come; and a header that was read is the
// header that is written.

#include "wire/dlms_wrapper.h"

#include <assert.h>
#include <string.h>

enum { MAX = 2048 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dlms_wrapper wrapper;
    struct octets apdu;
    enum err err = dlms_wrapper_read(data, size, MAX, &wrapper, &apdu);
    if (err == ERR_NONE) {
        uint8_t header[DLMS_WRAPPER_LEN];
        assert(apdu.len && apdu.len <= MAX && apdu.len == wrapper.len);
        assert(apdu.at == data + DLMS_WRAPPER_LEN && size >= DLMS_WRAPPER_LEN + apdu.len);
        dlms_wrapper_write(&wrapper, header);
        assert(!memcmp(header, data, sizeof header));
    }
    // What is wrong stays wrong whatever follows; what lacks something was not judged yet.
    for (size_t len = 0; len < size && len < DLMS_WRAPPER_LEN; len++) {
        enum err early = dlms_wrapper_read(data, len, MAX, &wrapper, &apdu);
        assert(early == ERR_MORE || early == err);
    }
    return 0;
}
