// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/charger/pole.h"

#include <string.h>

#define MS_NS INT64_C(1000000)

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t limit_ma(const struct pole *pole)
{
    const struct car_session *session = car_here(&pole->car);
    int phases = pole->station.plate.phase_count;
    if (session)
        phases = session->uses[0] + session->uses[1] + session->uses[2];
    return pole->dark_until_ms ? 0 : station_limit_ma(&pole->station, phases);
}

static struct mono mono_at(struct pole_now now, int64_t utc_ms)
{
    return (struct mono){now.mono.ns + (utc_ms - now.utc_ms) * MS_NS};
}

// The moment, rounded up to whole ms, at which the watchdog runs out.
static int64_t watchdog_ms(const struct pole *pole, struct pole_now now)
{
    struct mono out = station_runs_out(&pole->station);
    if (out.ns == INT64_MAX || pole->dark_until_ms)
        return INT64_MAX;
    int64_t ahead_ns = out.ns - now.mono.ns;
    return now.utc_ms + (ahead_ns > 0 ? (ahead_ns + MS_NS - 1) / MS_NS : ahead_ns / MS_NS);
}

int64_t pole_next_ms(const struct pole *pole, struct pole_now now)
{
    int64_t next_ms = earlier(car_next_ms(&pole->car, pole->limit_ma),
                              car_next_ms(&pole->shadow, pole->station.plate.max_ma));
    next_ms = earlier(next_ms, watchdog_ms(pole, now));
    return pole->dark_until_ms ? earlier(next_ms, pole->dark_until_ms) : next_ms;
}

// Let everything that holds follow from where we stand; true when something became another.
static bool settle(struct pole *pole)
{
    int64_t ma = limit_ma(pole), p_mw[CAR_PHASES], free_mw[CAR_PHASES];
    car_draw(&pole->car, ma, p_mw);
    car_draw(&pole->shadow, pole->station.plate.max_ma, free_mw);
    bool changed = ma != pole->limit_ma || memcmp(p_mw, pole->p_mw, sizeof p_mw)
                   || memcmp(free_mw, pole->free_mw, sizeof free_mw);
    pole->limit_ma = ma;
    memcpy(pole->p_mw, p_mw, sizeof p_mw);
    memcpy(pole->free_mw, free_mw, sizeof free_mw);
    pole->station.connected = car_here(&pole->car);
    memcpy(pole->station.p_mw, p_mw, sizeof p_mw);
    return changed;
}

void pole_start(struct pole *pole, const struct station_plate *plate,
                const struct car_session *sessions, size_t count, struct pole_now now)
{
    bool stood = pole->car.at_ms;
    pole->car.sessions = pole->shadow.sessions = sessions;
    pole->car.count = pole->shadow.count = count;
    car_step(&pole->car, now.utc_ms, stood ? pole->limit_ma : plate->max_ma, NULL);
    car_step(&pole->shadow, now.utc_ms, plate->max_ma, NULL);
    station_start(&pole->station, plate, now.mono);
    settle(pole);
}

void pole_run(struct pole *pole, struct pole_now now, void (*changed)(void *arg, int64_t at_ms),
              void *arg)
{
    int64_t to_ms;
    do {
        if (settle(pole))
            changed(arg, pole->car.at_ms);
        to_ms = earlier(pole_next_ms(pole, now), now.utc_ms);
        car_step(&pole->car, to_ms, pole->limit_ma, NULL);
        car_step(&pole->shadow, to_ms, pole->station.plate.max_ma, NULL);
        if (pole->dark_until_ms && pole->dark_until_ms <= to_ms) {
            pole->dark_until_ms = 0;
            station_start(&pole->station, &pole->station.plate, mono_at(now, to_ms));
        }
        if (watchdog_ms(pole, now) <= to_ms)
            station_watch(&pole->station, mono_at(now, to_ms));
    } while (to_ms < now.utc_ms);
    if (settle(pole))
        changed(arg, pole->car.at_ms);
}

void pole_reboot(struct pole *pole, struct pole_now now, int64_t dark_ms)
{
    pole->dark_until_ms = now.utc_ms + dark_ms;
}
