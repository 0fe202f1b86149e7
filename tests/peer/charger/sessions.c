// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/charger/sessions.h"
#include "base/memory.h"
#include "tests/peer/csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHARGER, ARRIVAL, DEPARTURE, ENERGY, PHASES, MAX_A };

struct row {
    size_t charger;
    struct car_session session;
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

// Turn grid phases into those of the connection.
static bool take_phases(struct csv *csv, const struct street_connection *connection,
                        bool uses[CAR_PHASES])
{
    const char *text = csv_text(csv, PHASES);
    bool any = false;
    if (!*text || strspn(text, "123") != strlen(text))
        return csv_refuse(csv, PHASES, "does not name grid phases such as 231");
    for (int i = 0; i < connection->phase_count; i++)
        any |= uses[i] = strchr(text, '1' + connection->phases[i]);
    return any || csv_refuse(csv, PHASES, "has none of the phases of the connection");
}

static bool take(struct csv *csv, const struct street *street, struct row *row)
{
    int64_t arrival_s, departure_s;
    double energy_wh, max_a;
    row->charger = street_find_charger(street, csv_text(csv, CHARGER));
    if (row->charger == street->charger_count)
        return csv_refuse(csv, CHARGER, "is not in the grid file");
    const struct street_charger *charger = &street->chargers[row->charger];
    struct car_session *session = &row->session;
    if (!csv_time(csv, ARRIVAL, &arrival_s) || !csv_time(csv, DEPARTURE, &departure_s)
        || !csv_number(csv, ENERGY, 0, 1e6, &energy_wh) || !csv_number(csv, MAX_A, 6, 1000, &max_a)
        || !take_phases(csv, &street->connections[charger->connection], session->uses))
        return false;
    if (departure_s <= arrival_s)
        return csv_refuse(csv, DEPARTURE, "is not after the arrival");
    session->arrival_ms = arrival_s * 1000;
    session->departure_ms = departure_s * 1000;
    session->energy_uj = llround(energy_wh * (double)CAR_WH_UJ);
    session->max_ma = least(llround(max_a * 1000), charger->max_ma);
    return true;
}

static int by_charger_and_arrival(const void *a, const void *b)
{
    const struct row *one = a, *other = b;
    if (one->charger != other->charger)
        return one->charger < other->charger ? -1 : 1;
    int64_t later_ms = one->session.arrival_ms - other->session.arrival_ms;
    return (later_ms > 0) - (later_ms < 0);
}

void sessions_free(struct sessions *sessions)
{
    free(sessions->all);
    free(sessions->first);
    *sessions = (struct sessions){0};
}

bool sessions_read(const char *path, const struct street *street, struct sessions *sessions)
{
    struct csv *csv = csv_open(path, "charger,arrival,departure,energy_wh,phases,max_a");
    if (!csv)
        return false;
    struct row *rows = memory_new(1, sizeof *rows);
    size_t count = 0;
    while (csv_next(csv)) {
        rows = memory_grow(rows, count + 1, sizeof *rows);
        rows[count] = (struct row){0};
        if (!take(csv, street, &rows[count]))
            break;
        count++;
    }
    bool good = csv_close(csv);
    qsort(rows, count, sizeof *rows, by_charger_and_arrival);
    sessions->all = memory_new(count, sizeof *sessions->all);
    sessions->first = memory_new(street->charger_count + 1, sizeof *sessions->first);
    for (size_t i = 0, charger = 0; charger <= street->charger_count; charger++) {
        sessions->first[charger] = i;
        for (; i < count && rows[i].charger == charger; i++)
            sessions->all[i] = rows[i].session;
    }
    free(rows);
    if (!good)
        sessions_free(sessions);
    return good;
}
