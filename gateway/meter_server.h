// SPDX-License-Identifier: Apache-2.0
// Plays an energy meter over Modbus TCP, for chargers that balance themselves by reading one.
// Any unit is answered, several clients at once; all registers of one answer are of one
// telegram. When the telegram is old, the answer is an exception, never the last values.

#ifndef GATEWAY_METER_SERVER_H
#define GATEWAY_METER_SERVER_H

#include "gateway/meter_map.h"
#include "io/loop.h"

#include <stdbool.h>
#include <stdint.h>

enum { METER_SERVER_CLIENTS = 32 };

struct meter_server_settings {
    const struct meter_map *map; // borrowed
    const char *address;         // numeric
    int port;                    // 0: any free one
    int clients;     // at most, up to METER_SERVER_CLIENTS; who comes after is sent away
    int64_t hold_ns; // mono: how old a telegram may be
};

struct meter_server;

// NULL when it cannot listen, which was logged. Settings are borrowed for its life. Owned:
// meter_server_free(); both functions below take NULL.
struct meter_server *meter_server_new(struct loop *loop,
                                      const struct meter_server_settings *settings);
void meter_server_free(struct meter_server *server);

int meter_server_port(const struct meter_server *server);

// From now on these values, of a telegram that came just now.
void meter_server_tell(struct meter_server *server, const struct meter_values *values);

#endif
