// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/dali/ledger.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct ledger ledger_new(const struct street *street, int64_t first_ms, size_t quarter_count,
                         int64_t from_ms)
{
    struct ledger ledger = {
        .street = street,
        .first_ms = first_ms,
        .quarter_count = quarter_count,
        .cells = memory_new(quarter_count * street->feeder_count, sizeof *ledger.cells),
        .draws = memory_new(street->charger_count, sizeof *ledger.draws),
    };
    for (size_t i = 0; i < street->charger_count; i++)
        ledger.draws[i].at_ms = from_ms > first_ms ? from_ms : first_ms;
    return ledger;
}

void ledger_free(struct ledger *ledger)
{
    free(ledger->cells);
    free(ledger->draws);
    *ledger = (struct ledger){0};
}

struct ledger_cell *ledger_cell(const struct ledger *ledger, size_t quarter, size_t feeder)
{
    return &ledger->cells[quarter * ledger->street->feeder_count + feeder];
}

static void run(struct ledger *ledger, size_t charger, int64_t to_ms)
{
    struct ledger_draw *draw = &ledger->draws[charger];
    const struct street *street = ledger->street;
    const struct street_connection *connection =
        &street->connections[street->chargers[charger].connection];
    while (draw->at_ms < to_ms) {
        size_t quarter = (size_t)((draw->at_ms - ledger->first_ms) / LEDGER_QUARTER_MS);
        if (quarter >= ledger->quarter_count) {
            draw->at_ms = to_ms;
            return;
        }
        int64_t until_ms = ledger->first_ms + ((int64_t)quarter + 1) * LEDGER_QUARTER_MS;
        if (until_ms > to_ms)
            until_ms = to_ms;
        struct ledger_cell *cell = ledger_cell(ledger, quarter, connection->feeder);
        for (int i = 0; i < connection->phase_count; i++) {
            cell->with_uj[connection->phases[i]] += draw->p_mw[i] * (until_ms - draw->at_ms);
            cell->free_uj[connection->phases[i]] += draw->free_mw[i] * (until_ms - draw->at_ms);
        }
        draw->at_ms = until_ms;
    }
}

void ledger_run(struct ledger *ledger, int64_t to_ms)
{
    for (size_t i = 0; i < ledger->street->charger_count; i++)
        run(ledger, i, to_ms);
}

void ledger_take(struct ledger *ledger, size_t charger, int64_t at_ms,
                 const int64_t p_mw[STREET_PHASES], const int64_t free_mw[STREET_PHASES])
{
    struct ledger_draw *draw = &ledger->draws[charger];
    run(ledger, charger, at_ms);
    memcpy(draw->p_mw, p_mw, sizeof draw->p_mw);
    memcpy(draw->free_mw, free_mw, sizeof draw->free_mw);
}
