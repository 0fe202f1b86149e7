// SPDX-License-Identifier: Apache-2.0

#include "services/planner/foresight_pack.h"
#include "base/memory.h"
#include "wire/crc16.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum { SHARE_STEPS = 100000 }; // of a limit
static const float GROWTH_STEPS = 1000, MOST_GROWTH = 1e6F;

static void put_margin(struct cursor *out, const struct margin *margin)
{
    for (int block = 0; block < MARGIN_BLOCKS; block++) {
        cursor_put_u32(out, (uint32_t)lroundf(margin->share[block] * SHARE_STEPS));
        cursor_put_u32(out, margin->seen[block]);
    }
}

static void get_margin(struct cursor *in, struct margin *margin)
{
    for (int block = 0; block < MARGIN_BLOCKS; block++) {
        margin->share[block] = (float)cursor_get_u32(in) / SHARE_STEPS;
        margin->seen[block] = cursor_get_u32(in);
    }
}

static void put_promise(struct cursor *out, const struct foresight_promise *promise)
{
    cursor_put_u32(out, (uint32_t)((uint64_t)promise->quarter >> 32));
    cursor_put_u32(out, (uint32_t)promise->quarter);
    for (int phase = 0; phase < PHASES; phase++) {
        float growth = fminf(promise->growth[phase], MOST_GROWTH);
        cursor_put_u32(out, (uint32_t)promise->power_w[phase]);
        cursor_put_u32(out, (uint32_t)lroundf(growth * GROWTH_STEPS));
    }
}

static void get_promise(struct cursor *in, struct foresight_promise *promise)
{
    uint64_t high = cursor_get_u32(in);
    promise->quarter = (int64_t)(high << 32 | cursor_get_u32(in));
    for (int phase = 0; phase < PHASES; phase++) {
        promise->power_w[phase] = (int32_t)cursor_get_u32(in);
        promise->growth[phase] = fmaxf((float)cursor_get_u32(in) / GROWTH_STEPS, 1);
    }
}

size_t foresight_pack(const struct foresight_place *place, uint8_t octets[static FORESIGHT_PACKED])
{
    struct cursor out = cursor_writer(octets, FORESIGHT_PACKED);
    cursor_put_u8(&out, FORESIGHT_PACK_VERSION);
    for (int i = 0; i < FORESIGHT_PROMISES; i++)
        put_promise(&out, &place->promises[i]);
    for (int phase = 0; phase < PHASES; phase++) {
        put_margin(&out, &place->margin[phase]);
        series_pack(&place->series[phase], &out);
    }
    uint16_t sum = crc16_update(CRC16_START, octets, (size_t)(out.at - octets));
    cursor_put_u16(&out, sum);
    assert(!out.err);
    return (size_t)(out.at - octets);
}

static enum err get_place(struct cursor *in, struct foresight_place *place)
{
    for (int i = 0; i < FORESIGHT_PROMISES; i++)
        get_promise(in, &place->promises[i]);
    for (int phase = 0; phase < PHASES; phase++) {
        get_margin(in, &place->margin[phase]);
        enum err err = in->err ? in->err : series_unpack(in, &place->series[phase]);
        if (err)
            return err;
    }
    return ERR_NONE;
}

enum err foresight_unpack(const uint8_t *octets, size_t len, struct foresight_place *place)
{
    struct cursor in = cursor_reader(octets, len);
    if (cursor_get_u8(&in) != FORESIGHT_PACK_VERSION)
        return in.err ? in.err : ERR_RANGE;
    struct foresight_place *got = memory_new(1, sizeof *got);
    enum err err = get_place(&in, got);
    if (!err) {
        uint16_t sum = crc16_update(CRC16_START, octets, (size_t)(in.at - octets));
        bool is_same = cursor_get_u16(&in) == sum;
        err = in.err ? in.err : is_same ? ERR_NONE : ERR_CHECKSUM;
    }
    if (!err) {
        got->number = place->number;
        *place = *got;
    }
    free(got);
    return err;
}
