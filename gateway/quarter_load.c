// SPDX-License-Identifier: Apache-2.0

#include "gateway/quarter_load.h"

#include <string.h>

static const int64_t QUARTER_NS = QUARTER_S * SECONDS_NS;
static const int64_t GAP_NS = 60 * SECONDS_NS; // longer than six periods of DSMR 4

static void count(struct quarter_load *load, const struct quarter_load_reading *reading, int64_t ns)
{
    for (int p = 0; p < QUARTER_LOAD_PHASES; p++)
        if (reading->has_power[p]) {
            load->energy_wus[p] += reading->power_w[p] * (ns / 1000);
            load->measured_ns[p] += ns;
        }
}

static void finish(const struct quarter_load *load, const struct quarter_load_reading *reading,
                   bool is_next, struct quarter_load_result *result)
{
    *result = (struct quarter_load_result){.quarter = load->quarter};
    for (int p = 0; p < QUARTER_LOAD_PHASES; p++)
        if (2 * load->measured_ns[p] >= QUARTER_NS) {
            result->has_power[p] = true;
            result->power_w[p] = (int32_t)(load->energy_wus[p] / (load->measured_ns[p] / 1000));
        }
    result->has_energy = is_next && load->has_first_wh && reading->has_energy;
    if (result->has_energy)
        result->energy_wh = reading->energy_wh - load->first_wh;
}

static void open_quarter(struct quarter_load *load, int64_t quarter,
                         const struct quarter_load_reading *reading)
{
    memset(load, 0, sizeof *load);
    load->is_open = true;
    load->quarter = quarter;
    load->has_first_wh = reading->has_energy && reading->at.ns - quarter * SECONDS_NS <= GAP_NS;
    load->first_wh = reading->energy_wh;
}

bool quarter_load_take(struct quarter_load *load, const struct quarter_load_reading *reading,
                       struct quarter_load_result *result)
{
    int64_t quarter = reading->at.ns / QUARTER_NS * QUARTER_S;
    struct utc last = load->last;
    int64_t since = reading->at.ns - last.ns;
    bool is_gap = !load->is_open || since <= 0 || since > GAP_NS;
    if (load->is_open && quarter == load->quarter) {
        if (!is_gap)
            count(load, reading, since);
        load->last = reading->at;
        return false;
    }
    // The time since the last reading is shared between the quarter before and this one.
    bool is_over = load->is_open && quarter > load->quarter;
    int64_t start_ns = quarter * SECONDS_NS;
    if (is_over) {
        bool is_next = quarter == load->quarter + QUARTER_S && reading->at.ns - start_ns <= GAP_NS;
        if (!is_gap)
            count(load, reading, start_ns - last.ns);
        finish(load, reading, is_next, result);
    }
    open_quarter(load, quarter, reading);
    if (is_over && !is_gap)
        count(load, reading, reading->at.ns - start_ns);
    load->last = reading->at;
    return is_over;
}
