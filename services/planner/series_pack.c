// SPDX-License-Identifier: Apache-2.0

#include "services/planner/series_pack.h"
#include "wire/crc16.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 32000, HOLE = INT16_MIN };
// What rounding can take from a covariance that is just positive definite, its diagonal gives back.
static const float STIFFEN = 1.001F;

static void put_float(struct cursor *out, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    cursor_put_u32(out, bits);
}

static float get_float(struct cursor *in)
{
    uint32_t bits = cursor_get_u32(in);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void put_floats(struct cursor *out, const float *values, int count)
{
    for (int i = 0; i < count; i++)
        put_float(out, values[i]);
}

static void get_floats(struct cursor *in, float *values, int count)
{
    for (int i = 0; i < count; i++)
        values[i] = get_float(in);
}

static void put_time(struct cursor *out, int64_t time)
{
    cursor_put_u32(out, (uint32_t)((uint64_t)time >> 32));
    cursor_put_u32(out, (uint32_t)time);
}

static int64_t get_time(struct cursor *in)
{
    uint64_t high = cursor_get_u32(in);
    return (int64_t)(high << 32 | cursor_get_u32(in));
}

// A number of -1 to 1, or NAN, in two octets.
static void put_part(struct cursor *out, float part)
{
    long steps = isnan(part) ? HOLE : lroundf(fminf(fmaxf(part, -1), 1) * STEPS);
    cursor_put_u16(out, (uint16_t)steps);
}

static float get_part(struct cursor *in)
{
    int16_t steps = (int16_t)cursor_get_u16(in);
    return steps == HOLE ? NAN : (float)steps / STEPS;
}

// The greatest size, then each as a part of it.
static void put_loads(struct cursor *out, const float *values, int count)
{
    float most = 0;
    for (int i = 0; i < count; i++)
        most = fmaxf(most, fabsf(values[i])); // which passes a NAN over
    put_float(out, most);
    for (int i = 0; i < count; i++)
        put_part(out, most > 0 ? values[i] / most : values[i]);
}

static void get_loads(struct cursor *in, float *values, int count)
{
    float most = get_float(in);
    for (int i = 0; i < count; i++)
        values[i] = get_part(in) * most;
}

static int packed_at(int row, int column)
{
    return row * (row + 1) / 2 + column;
}

static void put_ridge(struct cursor *out, const struct ridge *ridge)
{
    put_floats(out, &ridge->theta[0][0], RIDGE_INPUTS * RIDGE_LANES);
    put_floats(out, ridge->error, RIDGE_LANES);
    for (int lane = 0; lane < RIDGE_LANES; lane++) {
        float deviation[RIDGE_INPUTS];
        cursor_put_u32(out, ridge->seen[lane]);
        for (int row = 0; row < RIDGE_INPUTS; row++) {
            put_float(out, ridge->packed[packed_at(row, row)][lane]);
            deviation[row] = sqrtf(ridge->packed[packed_at(row, row)][lane]);
        }
        for (int row = 0; row < RIDGE_INPUTS; row++)
            for (int column = 0; column < row; column++)
                put_part(out, ridge->packed[packed_at(row, column)][lane]
                                  / (deviation[row] * deviation[column]));
    }
}

static void get_ridge(struct cursor *in, struct ridge *ridge)
{
    get_floats(in, &ridge->theta[0][0], RIDGE_INPUTS * RIDGE_LANES);
    get_floats(in, ridge->error, RIDGE_LANES);
    for (int lane = 0; lane < RIDGE_LANES; lane++) {
        float deviation[RIDGE_INPUTS];
        ridge->seen[lane] = cursor_get_u32(in);
        for (int row = 0; row < RIDGE_INPUTS; row++) {
            float own = get_float(in);
            deviation[row] = sqrtf(own);
            ridge->packed[packed_at(row, row)][lane] = own * STIFFEN;
        }
        for (int row = 0; row < RIDGE_INPUTS; row++)
            for (int column = 0; column < row; column++)
                ridge->packed[packed_at(row, column)][lane] =
                    get_part(in) * deviation[row] * deviation[column];
    }
}

static void put_season(struct cursor *out, const struct season *season)
{
    put_float(out, season->level);
    cursor_put_u32(out, season->seen);
    put_loads(out, &season->usual[0][0], CALENDAR_KINDS * CALENDAR_SLOTS);
    cursor_put(out, season->count, sizeof season->count);
}

static void get_season(struct cursor *in, struct season *season)
{
    season->level = get_float(in);
    season->seen = cursor_get_u32(in);
    get_loads(in, &season->usual[0][0], CALENDAR_KINDS * CALENDAR_SLOTS);
    const uint8_t *count = cursor_get(in, sizeof season->count);
    if (count)
        memcpy(season->count, count, sizeof season->count);
}

static void put_band(struct cursor *out, const struct band *band)
{
    put_floats(out, band->error, RIDGE_LANES);
    put_floats(out, band->recent, RIDGE_LANES);
    put_loads(out, &band->block[0][0], RIDGE_LANES * BAND_BLOCKS);
    put_loads(out, &band->factor[0][0][0], BAND_LEVELS * RIDGE_LANES * BAND_BLOCKS);
    for (int lane = 0; lane < RIDGE_LANES; lane++)
        cursor_put_u32(out, band->seen[lane]);
}

static void get_band(struct cursor *in, struct band *band)
{
    get_floats(in, band->error, RIDGE_LANES);
    get_floats(in, band->recent, RIDGE_LANES);
    get_loads(in, &band->block[0][0], RIDGE_LANES * BAND_BLOCKS);
    get_loads(in, &band->factor[0][0][0], BAND_LEVELS * RIDGE_LANES * BAND_BLOCKS);
    for (int lane = 0; lane < RIDGE_LANES; lane++)
        band->seen[lane] = cursor_get_u32(in);
}

void series_pack(const struct series *series, struct cursor *out)
{
    const uint8_t *start = out->at;
    cursor_put_u8(out, SERIES_PACK_VERSION);
    put_time(out, series->newest);
    put_time(out, series->origin);
    cursor_put_u32(out, series->measured);
    put_float(out, series->last_w);
    cursor_put_u32(out, (uint32_t)series->same);
    put_float(out, series->mean_w);
    put_float(out, series->spread_w);
    put_season(out, &series->season);
    put_loads(out, series->history, SERIES_WEEK);
    put_loads(out, series->residual, SERIES_RECENT);
    put_loads(out, series->brief, SERIES_RECENT);
    put_loads(out, series->lasting, SERIES_RECENT);
    put_floats(out, series->product, SERIES_LANES);
    put_floats(out, series->square, SERIES_LANES);
    put_ridge(out, &series->ridge);
    put_loads(out, series->issued, SERIES_ISSUED);
    put_band(out, &series->band);
    if (!out->err)
        cursor_put_u16(out, crc16_update(CRC16_START, start, (size_t)(out->at - start)));
}

static bool is_sound(const struct series *series)
{
    if (series->newest < 0 || series->origin < 0 || series->origin > series->newest
        || series->newest % CALENDAR_QUARTER_S || series->same < 0
        || (series->measured && !(series->spread_w > 0)))
        return false;
    float sum = series->mean_w + series->last_w + series->season.level;
    for (int lane = 0; lane < SERIES_LANES; lane++)
        sum += series->product[lane] + series->square[lane] + series->band.error[lane]
               + series->band.recent[lane] + series->ridge.error[lane];
    for (int i = 0; i < RIDGE_PACKED; i++)
        for (int lane = 0; lane < RIDGE_LANES; lane++)
            sum += series->ridge.packed[i][lane];
    return isfinite(sum);
}

enum err series_unpack(struct cursor *in, struct series *series)
{
    const uint8_t *start = in->at;
    if (cursor_get_u8(in) != SERIES_PACK_VERSION)
        return in->err ? in->err : ERR_RANGE;
    struct series got;
    series_start(&got);
    got.newest = get_time(in);
    got.origin = get_time(in);
    got.measured = cursor_get_u32(in);
    got.last_w = get_float(in);
    got.same = (int32_t)cursor_get_u32(in);
    got.mean_w = get_float(in);
    got.spread_w = get_float(in);
    get_season(in, &got.season);
    get_loads(in, got.history, SERIES_WEEK);
    get_loads(in, got.residual, SERIES_RECENT);
    get_loads(in, got.brief, SERIES_RECENT);
    get_loads(in, got.lasting, SERIES_RECENT);
    get_floats(in, got.product, SERIES_LANES);
    get_floats(in, got.square, SERIES_LANES);
    get_ridge(in, &got.ridge);
    get_loads(in, got.issued, SERIES_ISSUED);
    get_band(in, &got.band);
    if (in->err)
        return in->err;
    uint16_t sum = crc16_update(CRC16_START, start, (size_t)(in->at - start));
    uint16_t kept = cursor_get_u16(in);
    if (in->err)
        return in->err;
    if (sum != kept || !is_sound(&got))
        return ERR_CHECKSUM;
    *series = got;
    return ERR_NONE;
}
