// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/charger/station.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct station_plate three_phases = {
    .phase_count = 3, .max_ma = 16000, .fallback_w = 4200, .timeout_s = 60};

static struct mono at_s(int64_t s)
{
    return (struct mono){s * SECONDS_NS};
}

static void write(struct station *station, uint8_t address, uint8_t value, struct mono now)
{
    const uint8_t request[] = {6, 0, address, 0, value};
    uint8_t answer[STATION_PDU_MAX];
    size_t len = station_answer(station, request, sizeof request, now, answer);
    cr_assert_eq(len, sizeof request);
    cr_assert_eq(memcmp(answer, request, len), 0, "a write is answered by itself");
}

struct exchange {
    uint8_t request[8], request_len;
    uint8_t answer[16], answer_len;
    char why[48];
};

ParameterizedTestParameters(station, answers)
{
    static struct exchange cases[] = {
        {{3, 0, 0, 0, 1}, 5, {3, 2, 0, 110}, 4, "starts at the power on its plate"},
        {{3, 0, 0, 0, 6}, 5, {3, 12, 0, 110, 0, 100, 0, 160, 0, 42, 0, 100, 0, 60}, 14, "all"},
        {{3, 1, 0, 0, 1}, 5, {3, 2, 0, 110}, 4, "its point"},
        {{6, 0, 0, 0, 60}, 5, {6, 0, 0, 0, 60}, 5, "takes a limit"},
        {{6, 0, 0, 0, 0}, 5, {6, 0, 0, 0, 0}, 5, "takes a pause"},
        {{6, 0, 0, 0, 111}, 5, {0x86, 3}, 2, "above the power of the station"},
        {{6, 0, 1, 0, 101}, 5, {0x86, 3}, 2, "more than all"},
        {{6, 0, 3, 0xFF, 0xFF}, 5, {0x86, 3}, 2, "a fallback above the power"},
        {{6, 0, 6, 0, 1}, 5, {0x86, 2}, 2, "no such register"},
        {{3, 0, 0, 0, 7}, 5, {0x83, 2}, 2, "one beyond the last"},
        {{3, 0xFF, 0xFF, 0, 2}, 5, {0x83, 2}, 2, "beyond the end of addresses"},
        {{3, 0, 0, 0, 0}, 5, {0x83, 3}, 2, "no register at all"},
        {{3, 0, 0, 0, 126}, 5, {0x83, 3}, 2, "too many"},
        {{3, 0, 0, 0}, 4, {0x83, 3}, 2, "cut off"},
        {{3, 0, 0, 0, 1, 0}, 6, {0x83, 3}, 2, "too long"},
        {{16, 0, 0, 0, 1}, 5, {0x90, 1}, 2, "no such function"},
        {{4, 1, 1, 0, 3}, 5, {4, 6, 0, 0, 0, 110, 0, 0}, 8, "state, limit, watchdog"},
        {{4, 1, 0x10, 0, 4}, 5, {4, 8}, 10, "no power yet"},
        {{4, 0, 0, 0, 1}, 5, {0x84, 2}, 2, "no such input"},
    };
    return cr_make_param_array(struct exchange, cases, COUNT(cases));
}

ParameterizedTest(struct exchange *c, station, answers)
{
    struct station station = {0};
    station_start(&station, &three_phases, at_s(0));
    uint8_t answer[STATION_PDU_MAX];
    size_t len = station_answer(&station, c->request, c->request_len, at_s(1), answer);
    cr_assert_eq(len, c->answer_len, "%s: %zu octets", c->why, len);
    cr_expect_eq(memcmp(answer, c->answer, len), 0, "%s", c->why);
}

struct limit {
    uint8_t address, value;
    int car_phases;
    int64_t ma;
    char why[48];
};

ParameterizedTestParameters(station, least_register_limits)
{
    static struct limit cases[] = {
        {0, 110, 3, 15942, "11.0 kW on three phases"},
        {0, 60, 3, 8695, "6 kW on three phases"},
        {0, 60, 1, 8695, "a car on one phase gets no more on it"},
        {0, 41, 3, 5942, "just too little to charge"},
        {1, 50, 3, 7971, "half of the station"},
        {2, 100, 1, 10000, "uneven by 10 A at most"},
        {2, 100, 3, 15942, "no matter for three phases"},
        {3, 20, 3, 15942, "fallback does not count yet"},
    };
    return cr_make_param_array(struct limit, cases, COUNT(cases));
}

ParameterizedTest(struct limit *c, station, least_register_limits)
{
    struct station station = {0};
    station_start(&station, &three_phases, at_s(0));
    write(&station, c->address, c->value, at_s(1));
    int64_t ma = station_limit_ma(&station, c->car_phases);
    cr_expect_eq(ma, c->ma, "%s: %jd mA", c->why, (intmax_t)ma);
}

Test(station, falls_back_when_nobody_asks)
{
    struct station station = {0};
    station_start(&station, &three_phases, at_s(0));
    write(&station, 5, 20, at_s(10));
    cr_expect_not(station_watch(&station, at_s(29)));
    cr_expect_eq(station_runs_out(&station).ns, at_s(30).ns);
    cr_expect(station_watch(&station, at_s(30)));
    cr_expect_eq(station_limit_ma(&station, 3), 6086, "4.2 kW");
    cr_expect_eq(station_runs_out(&station).ns, INT64_MAX, "only once");

    write(&station, 1, 100, at_s(40));
    cr_expect_eq(station_limit_ma(&station, 3), 15942, "any request ends it");
    cr_expect_eq(station_runs_out(&station).ns, at_s(60).ns);
    write(&station, 5, 0, at_s(41));
    cr_expect_eq(station_runs_out(&station).ns, INT64_MAX, "0 switches it off");
}

Test(station, faults_strike)
{
    struct station station = {0};
    station_start(&station, &three_phases, at_s(0));
    write(&station, 0, 60, at_s(1));
    const uint8_t read_limit[] = {3, 0, 0, 0, 1};
    uint8_t answer[STATION_PDU_MAX];

    station.faults.exception = 1;
    cr_expect_eq(station_answer(&station, read_limit, 5, at_s(2), answer), 2);
    cr_expect_eq(answer[1], 4);
    cr_expect_eq(station_answer(&station, read_limit, 5, at_s(2), answer), 4, "only once");

    station.faults.echo = true;
    station_answer(&station, read_limit, 5, at_s(3), answer);
    cr_expect_eq(answer[3], 50, "another value");
    station.faults.echo = false;

    station.faults.silent = STATION_EVER;
    cr_expect_eq(station_answer(&station, read_limit, 5, at_s(30), answer), 0);
    cr_expect_eq(station_answer(&station, read_limit, 5, at_s(40), answer), 0);
    cr_expect_eq(station_runs_out(&station).ns, at_s(63).ns, "it hears nothing either");
    station.faults.silent = 0;

    station.faults.error = true;
    cr_expect_eq(station_limit_ma(&station, 3), 0);
    station_start(&station, &three_phases, at_s(50));
    station.faults.error = false;
    cr_expect_eq(station_limit_ma(&station, 3), 15942, "a restart forgets the limit");
}
