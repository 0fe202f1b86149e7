// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/dali/loads.h"
#include "base/memory.h"
#include "tests/peer/csv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { FEEDER, QUARTER, P_L1, MOST_QUARTERS = 100000 };

struct row {
    size_t feeder;
    int64_t quarter_s;
    struct load load;
};

struct rows {
    struct row *all;
    size_t count;
    int64_t first_s, last_s;
};

struct load *loads_at(const struct loads *loads, size_t quarter, size_t feeder)
{
    return &loads->all[quarter * loads->feeder_count + feeder];
}

static bool take(struct csv *csv, const struct street *street, struct row *row)
{
    row->feeder = street_find_feeder(street, csv_text(csv, FEEDER));
    if (row->feeder == street->feeder_count)
        return csv_refuse(csv, FEEDER, "is not in the grid file");
    if (!csv_time(csv, QUARTER, &row->quarter_s))
        return false;
    if (row->quarter_s % LOADS_QUARTER_S)
        return csv_refuse(csv, QUARTER, "is not the start of a quarter hour");
    for (size_t i = 0; i < STREET_PHASES; i++) {
        double w;
        row->load.measured[i] = *csv_text(csv, P_L1 + i);
        if (!row->load.measured[i])
            continue;
        if (!csv_number(csv, P_L1 + i, -1e8, 1e8, &w))
            return false;
        row->load.p_w[i] = llround(w);
    }
    return true;
}

static bool read_rows(const char *path, const struct street *street, struct rows *rows)
{
    struct csv *csv = csv_open(path, "feeder,quarter,p_l1_w,p_l2_w,p_l3_w");
    if (!csv)
        return false;
    while (csv_next(csv)) {
        rows->all = memory_grow(rows->all, rows->count + 1, sizeof *rows->all);
        struct row *row = &rows->all[rows->count];
        *row = (struct row){0};
        if (!take(csv, street, row))
            break;
        rows->count++;
        if (rows->count == 1 || row->quarter_s < rows->first_s)
            rows->first_s = row->quarter_s;
        if (rows->count == 1 || row->quarter_s > rows->last_s)
            rows->last_s = row->quarter_s;
    }
    return csv_close(csv);
}

// On a straight line between the measured neighbours, level beyond the outermost.
static void fill(struct loads *loads, size_t feeder, int phase)
{
    size_t before = loads->quarter_count;
    for (size_t q = 0; q < loads->quarter_count; q++) {
        struct load *load = loads_at(loads, q, feeder);
        if (load->measured[phase]) {
            before = q;
            continue;
        }
        size_t after = q;
        while (after < loads->quarter_count && !loads_at(loads, after, feeder)->measured[phase])
            after++;
        bool has_before = before < loads->quarter_count, has_after = after < loads->quarter_count;
        if (!has_before && !has_after)
            return;
        int64_t from_w = loads_at(loads, has_before ? before : after, feeder)->p_w[phase];
        int64_t to_w = loads_at(loads, has_after ? after : before, feeder)->p_w[phase];
        load->p_w[phase] =
            has_before && has_after
                ? from_w + (to_w - from_w) * (int64_t)(q - before) / (int64_t)(after - before)
                : from_w;
    }
}

static bool place(const char *path, const struct street *street, const struct rows *rows,
                  struct loads *loads)
{
    int64_t span = rows->count ? (rows->last_s - rows->first_s) / LOADS_QUARTER_S + 1 : 0;
    if (span < 1 || span > MOST_QUARTERS) {
        fprintf(stderr, "%s: spans %jd quarter hours, but 1 to %d can be played\n", path,
                (intmax_t)span, MOST_QUARTERS);
        return false;
    }
    *loads = (struct loads){
        .first_s = rows->first_s,
        .quarter_count = (size_t)span,
        .feeder_count = street->feeder_count,
        .all = memory_new((size_t)span * street->feeder_count, sizeof *loads->all),
        .has_measurements = memory_new(street->feeder_count, sizeof *loads->has_measurements),
    };
    for (size_t i = 0; i < rows->count; i++) {
        const struct row *row = &rows->all[i];
        size_t quarter = (size_t)((row->quarter_s - loads->first_s) / LOADS_QUARTER_S);
        *loads_at(loads, quarter, row->feeder) = row->load;
        for (int phase = 0; phase < STREET_PHASES; phase++)
            loads->has_measurements[row->feeder] |= row->load.measured[phase];
    }
    for (size_t feeder = 0; feeder < loads->feeder_count; feeder++)
        for (int phase = 0; phase < STREET_PHASES; phase++)
            fill(loads, feeder, phase);
    return true;
}

bool loads_read(const char *path, const struct street *street, struct loads *loads)
{
    struct rows rows = {0};
    bool good = read_rows(path, street, &rows) && place(path, street, &rows, loads);
    free(rows.all);
    return good;
}

void loads_free(struct loads *loads)
{
    free(loads->all);
    free(loads->has_measurements);
    *loads = (struct loads){0};
}
