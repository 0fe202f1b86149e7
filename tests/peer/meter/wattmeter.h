// SPDX-License-Identifier: Apache-2.0
// What a meter measures: the power of its phases as told, and energy that grows with it in two
// registers, by the Dutch double tariff. Pure; power in mW, energy in uJ, time in ms UTC.

#ifndef PEER_WATTMETER_H
#define PEER_WATTMETER_H

#include <stdint.h>

enum { WATTMETER_PHASES = 3, WATTMETER_TARIFFS = 2 };

struct wattmeter {
    int64_t at_ms; // how far energy_uj was counted; 0: not begun
    int64_t p_mw[WATTMETER_PHASES];
    int64_t energy_uj[WATTMETER_TARIFFS]; // tariff 1 (low), 2 (normal)
};

// The tariff in force: 2 on working days from 7 to 23 o'clock Dutch time, else 1.
int wattmeter_tariff(int64_t utc_s);

// Count up to at_ms; never back.
void wattmeter_run(struct wattmeter *meter, int64_t at_ms);

// From at_ms on another power; what lies before is counted with the old one.
void wattmeter_take(struct wattmeter *meter, int64_t at_ms, const int64_t p_mw[WATTMETER_PHASES]);

#endif
