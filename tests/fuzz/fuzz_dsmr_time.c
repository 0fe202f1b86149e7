// SPDX-License-Identifier: Apache-2.0
// A time stamp that is read is written back the same, and the letter makes an hour.

#include "wire/dsmr_time.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < DSMR_TIME_LEN)
        return 0;
    char text[DSMR_TIME_LEN], back[DSMR_TIME_LEN + 1];
    memcpy(text, data, sizeof text);
    int64_t utc = -1, other = -1;
    if (dsmr_time_parse(text, &utc)) {
        assert(utc == -1);
        return 0;
    }
    bool summer = text[DSMR_TIME_LEN - 1] == 'S';
    dsmr_time_format(utc, summer, back);
    assert(!memcmp(text, back, sizeof text));
    text[DSMR_TIME_LEN - 1] = summer ? 'W' : 'S';
    assert(!dsmr_time_parse(text, &other));
    assert(other - utc == (summer ? 3600 : -3600));
    return 0;
}
