// SPDX-License-Identifier: Apache-2.0
// What each charger is told once, when it is put up: after how much silence it falls back, and
// to which limit. These registers often wear; so this is done by hand, shows what stands there
// and what would, asks, writes only what differs, and reads it back. Never while the gateway runs.

#ifndef GATEWAY_COMMISSION_H
#define GATEWAY_COMMISSION_H

#include "gateway/charger_group.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct commission_settings {
    struct charger_group_settings chargers;
    int64_t watchdog_s; // 0: leave it
    int64_t fallback_w; // -1: leave it; of each charger
    bool asks;          // else it writes at once
};

// NULL, or why the type cannot be told that, a text that stays.
const char *commission_fault(const struct commission_settings *settings);

// Ask on in and tell on out. True: all chargers have it, or had it before.
bool commission_run(const struct commission_settings *settings, FILE *in, FILE *out);

#endif
