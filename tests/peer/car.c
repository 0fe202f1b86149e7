// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/car.h"

int64_t car_limit_ma(int64_t limit_w, int phase_count)
{
    return limit_w * 1000 / (CAR_VOLT * phase_count);
}

const struct car_session *car_here(const struct car_socket *socket)
{
    if (socket->next == socket->count)
        return NULL;
    const struct car_session *session = &socket->sessions[socket->next];
    bool here = session->arrival_ms <= socket->at_ms && socket->at_ms < session->departure_ms;
    return here ? session : NULL;
}

int64_t car_draw(const struct car_socket *socket, int64_t limit_ma, int64_t p_mw[CAR_PHASES])
{
    const struct car_session *session = car_here(socket);
    int64_t ma = 0, total_mw = 0;
    if (session && socket->taken_uj < session->energy_uj)
        ma = limit_ma < session->max_ma ? limit_ma : session->max_ma;
    if (ma < CAR_LEAST_MA)
        ma = 0;
    for (int i = 0; i < CAR_PHASES; i++) {
        p_mw[i] = session && session->uses[i] ? ma * CAR_VOLT : 0;
        total_mw += p_mw[i];
    }
    return total_mw;
}

int64_t car_next_ms(const struct car_socket *socket, int64_t limit_ma)
{
    if (socket->next == socket->count)
        return INT64_MAX;
    const struct car_session *session = car_here(socket);
    if (!session)
        return socket->sessions[socket->next].arrival_ms;
    int64_t p_mw[CAR_PHASES];
    int64_t total_mw = car_draw(socket, limit_ma, p_mw);
    if (!total_mw)
        return session->departure_ms;
    int64_t left_uj = session->energy_uj - socket->taken_uj;
    int64_t full_ms = socket->at_ms + (left_uj + total_mw - 1) / total_mw;
    return full_ms < session->departure_ms ? full_ms : session->departure_ms;
}

// Take what is drawn in ms; the battery's last millisecond may be less than a whole one.
static void take(struct car_socket *socket, int64_t ms, int64_t limit_ma,
                 int64_t energy_uj[CAR_PHASES])
{
    int64_t p_mw[CAR_PHASES];
    int64_t total_mw = car_draw(socket, limit_ma, p_mw);
    if (!total_mw)
        return;
    int64_t taken_uj = total_mw * ms;
    int64_t left_uj = socket->sessions[socket->next].energy_uj - socket->taken_uj;
    int64_t over_uj = taken_uj > left_uj ? taken_uj - left_uj : 0;
    socket->taken_uj += taken_uj - over_uj;
    for (int i = 0; i < CAR_PHASES && energy_uj; i++)
        energy_uj[i] += p_mw[i] * ms;
    for (int i = 0; i < CAR_PHASES && energy_uj && over_uj; i++) {
        int64_t less_uj = over_uj < p_mw[i] * ms ? over_uj : p_mw[i] * ms;
        energy_uj[i] -= less_uj;
        over_uj -= less_uj;
    }
}

static void leave_where_time_is_up(struct car_socket *socket)
{
    while (socket->next < socket->count
           && socket->sessions[socket->next].departure_ms <= socket->at_ms) {
        socket->next++;
        socket->taken_uj = 0;
    }
}

void car_step(struct car_socket *socket, int64_t to_ms, int64_t limit_ma,
              int64_t energy_uj[CAR_PHASES])
{
    leave_where_time_is_up(socket);
    while (socket->at_ms < to_ms) {
        int64_t until_ms = car_next_ms(socket, limit_ma);
        if (until_ms > to_ms)
            until_ms = to_ms;
        take(socket, until_ms - socket->at_ms, limit_ma, energy_uj);
        socket->at_ms = until_ms;
        leave_where_time_is_up(socket);
    }
}
