// SPDX-License-Identifier: Apache-2.0
// The street that the peers play: transformers, feeders, connections, meters and chargers as
// socmod-admin imports them, in the order of the file. The peers take from it what they need
// and refuse what they cannot play; the other keys are the administrator's business.

#ifndef PEER_STREET_H
#define PEER_STREET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STREET_PHASES = 3, STREET_VOLT = 230 };

struct street_feeder {
    const char *id;
    const char *transformer;
};

struct street_connection {
    const char *ean;
    size_t feeder;             // index in feeders
    int phase_count;           // 1 to 3
    int phases[STREET_PHASES]; // grid phase, 0 to 2, behind L1, L2, L3 of the connection
    bool has_meter;
};

struct street_meter {
    const char *equipment_id;
    size_t connection;
    const char *head_end; // NULL where the route is another one
    bool dsmr4;           // a telegram each ten seconds, else each second
};

struct street_charger {
    const char *id;
    size_t connection;
    int64_t max_ma; // per phase
};

struct street {
    struct street_feeder *feeders;
    struct street_connection *connections;
    struct street_meter *meters;
    struct street_charger *chargers;
    size_t feeder_count, connection_count, meter_count, charger_count;
    void *file; // holds the texts
    void *connection_index, *meter_index;
};

// NULL when the file cannot be read or will not do; why stands then on standard error, with
// file and place. Owned: street_free().
struct street *street_read(const char *path);

// The same from a text of len octets that was found under name.
struct street *street_parse(const char *name, const char *text, size_t len);

void street_free(struct street *street);

// Index of what has that id, or the count where nothing has.
size_t street_find_charger(const struct street *street, const char *id);
size_t street_find_feeder(const struct street *street, const char *id);
size_t street_find_meter(const struct street *street, const char *equipment_id);

#endif
