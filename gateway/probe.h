// SPDX-License-Identifier: Apache-2.0
// socmod-gateway --probe: which device shows a meter, at which speed and parity? For whoever stands
// at the pole.

#ifndef GATEWAY_PROBE_H
#define GATEWAY_PROBE_H

#include <stdint.h>
#include <stdio.h>

// Try each line on a serial device, at most wait_ns (real time) each, and print what is found as
// the settings that read it; NULL: on each device that has a name in /dev/serial/by-id. Returns
// the exit status: 0 if a meter was found on any; else 1, and what seems to be wrong was printed.
int probe_run(const char *device, int64_t wait_ns, FILE *out);

#endif
