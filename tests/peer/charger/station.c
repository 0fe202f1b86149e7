// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/charger/station.h"
#include "base/cursor.h"
#include "tests/peer/car.h"

enum { READ_HOLDING = 3, READ_INPUT = 4, WRITE_ONE = 6, MOST_REGISTERS = 125 };
enum {
    ILLEGAL_FUNCTION = 1,
    ILLEGAL_ADDRESS = 2,
    ILLEGAL_VALUE = 3,
    DEVICE_FAILURE = 4,
    EXCEPTION_BIT = 0x80
};
enum { AT_POWER = 0, AT_POINT_POWER = 0x100 };
enum { AT_STATE = 0x101, AT_LIMIT, AT_FALLEN_BACK, AT_PHASE_POWER = 0x110, AT_TOTAL_POWER = 0x113 };
enum { CONNECTED = 1, CHARGING = 2, LIMITED = 4, FAILED = 8 };

uint16_t station_power(const struct station_plate *plate)
{
    return (uint16_t)(plate->max_ma * CAR_VOLT * plate->phase_count / 100000);
}

void station_start(struct station *station, const struct station_plate *plate, struct mono now)
{
    uint16_t power = station_power(plate);
    int64_t fallback = plate->fallback_w / 100;
    *station = (struct station){
        .plate = *plate,
        .faults = station->faults,
        .power = power,
        .percent = 100,
        .imbalance = (uint16_t)(plate->max_ma / 100),
        .fallback_power = fallback < power ? (uint16_t)fallback : power,
        .fallback_percent = 100,
        .timeout_s = (uint16_t)plate->timeout_s,
        .point_power = power,
        .heard = now,
        .mimic = station->mimic,
    };
    const struct mimic_plate mimic = {plate->phase_count, plate->max_ma, plate->fallback_w,
                                      plate->timeout_s};
    if (plate->type)
        mimic_start(&station->mimic, plate->type, &mimic, now);
}

struct mono station_runs_out(const struct station *station)
{
    if (station->plate.type)
        return mimic_runs_out(&station->mimic);
    if (!station->timeout_s || station->fallen_back)
        return (struct mono){INT64_MAX};
    return (struct mono){station->heard.ns + station->timeout_s * SECONDS_NS};
}

bool station_watch(struct station *station, struct mono now)
{
    if (station_runs_out(station).ns > now.ns)
        return false;
    station->fallen_back = true;
    mimic_fall(&station->mimic);
    return true;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t limit_w(const struct station *station)
{
    int64_t plate_w = station_power(&station->plate) * INT64_C(100);
    if (station->fallen_back)
        return least(station->fallback_power * INT64_C(100),
                     plate_w * station->fallback_percent / 100);
    return least(least(station->power, station->point_power) * 100,
                 plate_w * station->percent / 100);
}

int64_t station_limit_ma(const struct station *station, int car_phases)
{
    if (station->faults.error)
        return 0;
    if (station->plate.type)
        return mimic_limit_ma(&station->mimic);
    int64_t ma = car_limit_ma(limit_w(station), station->plate.phase_count);
    bool uneven = car_phases < station->plate.phase_count;
    return uneven ? least(ma, station->imbalance * INT64_C(100)) : ma;
}

static uint16_t state(const struct station *station)
{
    bool charging = station->p_mw[0] || station->p_mw[1] || station->p_mw[2];
    bool limited = limit_w(station) < station_power(&station->plate) * INT64_C(100);
    return (uint16_t)((station->connected ? CONNECTED : 0) | (charging ? CHARGING : 0)
                      | (limited ? LIMITED : 0) | (station->faults.error ? FAILED : 0));
}

static uint16_t total_w(const struct station *station)
{
    return (uint16_t)((station->p_mw[0] + station->p_mw[1] + station->p_mw[2]) / 1000);
}

// The holding register at an address with the most it takes, or NULL.
static uint16_t *holding(struct station *station, uint16_t address, uint16_t *most)
{
    uint16_t power = station_power(&station->plate);
    const struct {
        uint16_t *value;
        uint16_t address, most;
    } registers[] = {
        {&station->power, AT_POWER, power},
        {&station->percent, 1, 100},
        {&station->imbalance, 2, (uint16_t)(station->plate.max_ma / 100)},
        {&station->fallback_power, 3, power},
        {&station->fallback_percent, 4, 100},
        {&station->timeout_s, 5, UINT16_MAX},
        {&station->point_power, AT_POINT_POWER, power},
    };
    for (size_t i = 0; i < sizeof registers / sizeof *registers; i++)
        if (registers[i].address == address) {
            *most = registers[i].most;
            return registers[i].value;
        }
    return NULL;
}

static bool get_holding(struct station *station, uint16_t address, uint16_t *value)
{
    uint16_t most;
    const uint16_t *at = holding(station, address, &most);
    if (!at)
        return false;
    *value = *at;
    if (address == AT_POWER && station->faults.echo) // 1 kW beside what was written
        *value = (uint16_t)(*at >= 10 ? *at - 10 : *at + 10);
    return true;
}

static bool get_input(struct station *station, uint16_t address, uint16_t *value)
{
    if (address == AT_STATE)
        *value = state(station);
    else if (address == AT_LIMIT)
        *value = (uint16_t)(limit_w(station) / 100);
    else if (address == AT_FALLEN_BACK)
        *value = station->fallen_back;
    else if (address >= AT_PHASE_POWER && address < AT_TOTAL_POWER)
        *value = (uint16_t)(station->p_mw[address - AT_PHASE_POWER] / 1000);
    else if (address == AT_TOTAL_POWER)
        *value = total_w(station);
    else
        return false;
    return true;
}

// Each of the three writes what follows the function code, or returns an exception code.
static int read_registers(struct station *station, struct cursor *request, struct cursor *answer,
                          bool (*get)(struct station *, uint16_t, uint16_t *))
{
    uint16_t address = cursor_get_u16(request), count = cursor_get_u16(request);
    if (request->err || cursor_left(request) || count < 1 || count > MOST_REGISTERS)
        return ILLEGAL_VALUE;
    cursor_put_u8(answer, (uint8_t)(2 * count));
    for (uint16_t i = 0; i < count; i++) {
        uint16_t value;
        if (!get(station, (uint16_t)(address + i), &value))
            return ILLEGAL_ADDRESS;
        cursor_put_u16(answer, value);
    }
    return 0;
}

static int write_register(struct station *station, struct cursor *request, struct cursor *answer)
{
    uint16_t address = cursor_get_u16(request), value = cursor_get_u16(request), most;
    if (request->err || cursor_left(request))
        return ILLEGAL_VALUE;
    uint16_t *at = holding(station, address, &most);
    if (!at)
        return ILLEGAL_ADDRESS;
    if (value > most)
        return ILLEGAL_VALUE;
    *at = value;
    cursor_put_u16(answer, address);
    cursor_put_u16(answer, value);
    return 0;
}

// Whether a counted fault strikes this time.
static bool strikes(int *count)
{
    if (*count > 0)
        return (*count)--;
    return *count == STATION_EVER;
}

// The answer of a station of another type.
static size_t answer_as_mimic(struct station *station, const uint8_t *request, size_t len,
                              struct mono now, uint8_t answer[static STATION_PDU_MAX])
{
    struct mimic *mimic = &station->mimic;
    mimic->connected = station->connected;
    mimic->charging = station->p_mw[0] || station->p_mw[1] || station->p_mw[2];
    mimic->echoes = station->faults.echo;
    mimic->is_dumb = station->faults.nan;
    if (strikes(&station->faults.exception)) {
        answer[0] = request[0] | EXCEPTION_BIT;
        answer[1] = DEVICE_FAILURE;
        return 2;
    }
    size_t answer_len = mimic_answer(mimic, request, len, now, answer);
    station->fallen_back = mimic->fallen;
    return answer_len;
}

size_t station_answer(struct station *station, const uint8_t *request, size_t len, struct mono now,
                      uint8_t answer[static STATION_PDU_MAX])
{
    if (!len || strikes(&station->faults.silent))
        return 0;
    if (station->plate.type)
        return answer_as_mimic(station, request, len, now, answer);
    station->heard = now;
    station->fallen_back = false;
    struct cursor in = cursor_reader(request, len);
    struct cursor out = cursor_writer(answer, STATION_PDU_MAX);
    uint8_t function = cursor_get_u8(&in);
    cursor_put_u8(&out, function);
    int exception = ILLEGAL_FUNCTION;
    if (strikes(&station->faults.exception))
        exception = DEVICE_FAILURE;
    else if (function == READ_HOLDING)
        exception = read_registers(station, &in, &out, get_holding);
    else if (function == READ_INPUT)
        exception = read_registers(station, &in, &out, get_input);
    else if (function == WRITE_ONE)
        exception = write_register(station, &in, &out);
    if (!exception)
        return STATION_PDU_MAX - cursor_left(&out);
    answer[0] = function | EXCEPTION_BIT;
    answer[1] = (uint8_t)exception;
    return 2;
}
