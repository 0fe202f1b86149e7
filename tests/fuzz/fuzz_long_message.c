// SPDX-License-Identifier: Apache-2.0
// Whatever a meter shows: a profile that is read can be checked, asked and written, what
// was written never limits less, and reads back the same, letter by letter.
// The first octet picks the unit of power and the room for a seal.

#include "wire/long_message.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

static void expect_not_above(const struct profile *low, const struct profile *high, int64_t utc)
{
    struct profile_limits a = profile_at(low, utc), b = profile_at(high, utc);
    for (enum profile_field f = 0; f < PROFILE_FIELDS; f++)
        if (profile_has(&b, f))
            assert(profile_has(&a, f) && a.value[f] <= b.value[f]);
}

static void write_and_read(const struct profile *profile, enum long_message_unit unit,
                           size_t reserved)
{
    char text[LONG_MESSAGE_MAX + 1], again[LONG_MESSAGE_MAX + 1];
    struct profile written, rewritten;
    if (long_message_write(profile, unit, reserved, text, &written)) {
        assert(reserved > 0); // a message that was read fits in all the room
        return;
    }
    size_t len = strlen(text);
    assert(len + reserved <= LONG_MESSAGE_MAX);
    for (int i = 0; i < profile->count; i++)
        expect_not_above(&written, profile, profile->periods[i].start);
    expect_not_above(&written, profile, profile->valid_from);
    expect_not_above(&written, profile, profile->valid_to - 1);

    static struct long_message back;
    long_message_read(text, len, unit, &back);
    assert(back.kind == LONG_MESSAGE_PROFILE);
    assert(profile_equal(&back.profile, &written));
    assert(!long_message_write(&back.profile, unit, reserved, again, &rewritten));
    assert(!strcmp(text, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    enum long_message_unit unit = data[0] & 1 ? LONG_MESSAGE_100_W : LONG_MESSAGE_W;
    size_t reserved = (size_t)(data[0] >> 1) * 8;
    static struct long_message message;
    long_message_read((const char *)data + 1, size - 1, unit, &message);
    for (const char *c = message.reason; *c; c++)
        assert(*c >= ' ' && *c <= '~');
    if (message.kind != LONG_MESSAGE_PROFILE)
        return 0;
    char reason[PROFILE_REASON];
    assert(!profile_check(&message.profile, reason));
    write_and_read(&message.profile, unit, reserved);
    return 0;
}
