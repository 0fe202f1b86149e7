// SPDX-License-Identifier: Apache-2.0
// What clients of the meter that is played send: whole requests are answered as they are asked, in
// order; an answer bears the request's number and unit and is as long as it says.

#include "gateway/meter_frame.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct meter_map map;
    static struct meter_values values;
    if (!map.count) {
        enum err err = meter_map_read("gateway/meters/countis-e2x.ini", &map);
        assert(!err);
        for (int q = 0; q < METER_UNTOLD; q++) {
            values.is_known[q] = q % 3 != 0;
            values.milli[q] = INT64_C(-1000000000) * q;
        }
    }
    bool is_stale = size && data[0] & 1;
    for (size_t at = size ? 1 : 0, used = 0, len = 0; at < size; at += used) {
        uint8_t frame[METER_FRAME_MAX];
        enum err err = meter_frame_answer(&map, is_stale ? NULL : &values, data + at, size - at,
                                          &used, frame, &len);
        if (err) {
            assert(err == ERR_SYNTAX || err == ERR_MORE);
            break;
        }
        assert(used > METER_FRAME_HEAD && used <= size - at && len <= sizeof frame);
        assert(!memcmp(frame, data + at, 4) && frame[6] == data[at + 6]);
        assert(len == 6 + (size_t)(frame[4] << 8 | frame[5]));
        assert(!is_stale || frame[7] & 0x80);
    }
    return 0;
}
