// SPDX-License-Identifier: Apache-2.0
// Requests to the meter that is played: an answer is always there, fits, and is either an
// exception of two octets or as long as was asked.

#include "gateway/meter_map.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct meter_map map;
    static struct meter_values values;
    if (!map.count) {
        enum err err = meter_map_read("gateway/meters/eem-ma370.ini", &map);
        assert(!err);
        for (int q = 0; q < METER_UNTOLD; q++) {
            values.is_known[q] = true;
            values.milli[q] = 1000 * q;
        }
    }
    uint8_t answer[METER_MAP_PDU];
    size_t len = meter_map_answer(&map, &values, data, size, answer);
    assert(len >= 2 && len <= sizeof answer);
    if (answer[0] & 0x80)
        assert(len == 2 && answer[1] >= 1 && answer[1] <= 4);
    else
        assert(size == 5 && len == 2 + 2 * (size_t)(data[3] << 8 | data[4])
               && answer[0] == data[0]);
    return 0;
}
