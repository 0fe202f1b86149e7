// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/charger/mimic.h"
#include "base/cursor.h"
#include "tests/peer/car.h"

#include <string.h>

enum { READ_HOLDING = 3, READ_INPUT = 4, WRITE_COIL = 5, WRITE_ONE = 6, WRITE_MANY = 16 };
enum { ILLEGAL_FUNCTION = 1, ILLEGAL_ADDRESS = 2, ILLEGAL_VALUE = 3, EXCEPTION_BIT = 0x80 };
enum { FIELDS = 16, ROOM = 253, COIL_ON = 0xFF00 };
static const int64_t MICRO = 1000000, MILLI = 1000;

// ---- limits

static int64_t watts_of(const struct mimic *mimic, enum amperes_unit unit, int64_t step_micro,
                        int64_t number)
{
    const struct amperes_scale scale = {.unit = unit, .step_micro = step_micro};
    const struct amperes_connection connection = {mimic->plate.phase_count, CAR_VOLT * MILLI,
                                                  mimic->plate.max_ma * CAR_VOLT
                                                      * mimic->plate.phase_count / MILLI};
    return amperes_to_watts(&scale, &connection, number);
}

static int64_t to_ma(const struct mimic *mimic, enum amperes_unit unit, int64_t step_micro,
                     int64_t number)
{
    int64_t ma = number * step_micro / MILLI;
    if (unit != AMPERES_A)
        ma = car_limit_ma(watts_of(mimic, unit, step_micro, number), mimic->plate.phase_count);
    return ma < mimic->plate.max_ma ? ma : mimic->plate.max_ma;
}

static bool is_paused(const struct mimic *mimic)
{
    const struct charger_type *type = mimic->type;
    bool by_number = type->pause.address == CHARGER_NOWHERE
                     && (mimic->raw < type->scale.least || mimic->raw > type->scale.most
                         || mimic->raw == type->scale.pause);
    return mimic->is_off || (mimic->is_set && by_number);
}

static int64_t fallback_ma(const struct mimic *mimic)
{
    const struct charger_type *type = mimic->type;
    int64_t plate_ma = car_limit_ma(mimic->plate.fallback_w, mimic->plate.phase_count);
    if (type->fallback.read.address == CHARGER_NOWHERE)
        return plate_ma;
    return to_ma(mimic, type->fallback_unit, type->fallback.read.step_micro, mimic->fallback);
}

int64_t mimic_limit_ma(const struct mimic *mimic)
{
    const struct charger_type *type = mimic->type;
    if (mimic->fallen && type->silence == CHARGER_RESTRICTS)
        return fallback_ma(mimic);
    bool is_free =
        !mimic->is_set || !mimic->heeds || (mimic->fallen && type->silence == CHARGER_OPENS);
    if (is_paused(mimic) && !(mimic->fallen && type->silence == CHARGER_OPENS))
        return 0;
    return is_free ? mimic->plate.max_ma
                   : to_ma(mimic, type->scale.unit, type->scale.step_micro, mimic->raw);
}

// ---- silence

static int64_t timeout_ns(const struct mimic *mimic)
{
    const struct charger_type *type = mimic->type;
    if (type->watchdog.write.address == CHARGER_NOWHERE)
        return (type->watchdog_s ? type->watchdog_s : mimic->plate.timeout_s) * SECONDS_NS;
    if (type->choices)
        return charger_type_watchdog_s(type, mimic->timeout) * SECONDS_NS;
    return mimic->timeout == type->watchdog_off
               ? 0
               : mimic->timeout * type->watchdog.write.step_micro * (SECONDS_NS / MICRO);
}

struct mono mimic_runs_out(const struct mimic *mimic)
{
    int64_t ns = timeout_ns(mimic);
    bool never = ns <= 0 || mimic->fallen || mimic->type->silence == CHARGER_KEEPS;
    return (struct mono){never ? INT64_MAX : mimic->heard.ns + ns};
}

void mimic_fall(struct mimic *mimic)
{
    mimic->fallen = true;
}

static void wake(struct mimic *mimic, struct mono now)
{
    mimic->heard = now;
    mimic->fallen = false;
}

void mimic_start(struct mimic *mimic, const struct charger_type *type,
                 const struct mimic_plate *plate, struct mono now)
{
    bool is_new = !mimic->type;
    struct mimic fresh = {.type = type, .plate = *plate, .heard = now};
    fresh.heeds = type->enable.address == CHARGER_NOWHERE;
    fresh.has_committed = mimic->has_committed;
    fresh.commits = mimic->commits;
    fresh.kept_timeout = mimic->kept_timeout;
    fresh.kept_fallback = mimic->kept_fallback;
    fresh.echoes = mimic->echoes;
    if (is_new || (type->commit.address != CHARGER_NOWHERE && !fresh.has_committed)) {
        int64_t number = 0, step_micro = type->fallback.read.step_micro;
        if (charger_type_watchdog_number(type, plate->timeout_s, &number))
            number = type->choices ? type->choice[0].number : type->watchdog.most;
        fresh.timeout = number;
        fresh.fallback =
            type->fallback_unit == AMPERES_W
                ? plate->fallback_w * MICRO / step_micro
                : car_limit_ma(plate->fallback_w, plate->phase_count) * MILLI / step_micro;
    } else if (type->commit.address != CHARGER_NOWHERE) {
        fresh.timeout = fresh.kept_timeout;
        fresh.fallback = fresh.kept_fallback;
    } else {
        fresh.timeout = mimic->timeout;
        fresh.fallback = mimic->fallback;
    }
    *mimic = fresh;
}

// ---- what stands where

struct field {
    const struct charger_number *number;
    int64_t value;
    int words;
    const uint16_t *text; // in place of the value
    int64_t address;      // of the number, or of the one of its phase
};

static const uint16_t state_text[2][8] = {{('B' << 8) | '1'}, {('C' << 8) | '2'}};

// As NaN is told: Alfen's manual, for what is absent.
static const uint16_t no_number[] = {0x7FC0, 0};

static int64_t applied_of(const struct mimic *mimic)
{
    return mimic_limit_ma(mimic) * MILLI / mimic->type->applied.step_micro;
}

static int64_t state_of(const struct mimic *mimic)
{
    const struct charger_type *type = mimic->type;
    int64_t first = type->probe.address == type->state.address ? type->probe_least : 1;
    return first + (mimic->charging ? 2 : mimic->connected ? 1 : 0);
}

// What is read with a function, in fields; returns how many.
static int fields_of(const struct mimic *mimic, int function, struct field fields[static FIELDS])
{
    const struct charger_type *type = mimic->type;
    const struct field all[] = {
        {.number = &type->readback},
        {.number = &type->applied,
         .value = applied_of(mimic),
         .text = mimic->is_dumb && type->applied.type == REGISTERS_F32 ? no_number : NULL},
        {.number = &type->state,
         .value = state_of(mimic),
         .text = type->state_registers ? state_text[mimic->charging] : NULL},
        {.number = &type->watchdog.read, .value = mimic->timeout},
        {.number = &type->fallback.read, .value = mimic->fallback},
        {.number = &type->probe, .value = type->probe_least},
    };
    int count = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const struct charger_number *number = all[i].number;
        if (number->address == CHARGER_NOWHERE || number->function != function)
            continue;
        bool is_text = number == &type->state && type->state_registers;
        int words = is_text ? (int)type->state_registers : registers_count(number->type);
        int repeats = number == &type->readback ? type->numbers : 1;
        for (int n = 0; n < repeats; n++) {
            fields[count] = all[i];
            if (number == &type->readback)
                fields[count].value = mimic->phase[n] + mimic->echoes;
            fields[count].words = words;
            fields[count++].address = number->address + (int64_t)n * words;
        }
    }
    return count;
}

// The register at an address, of the first field that has it.
static bool register_at(const struct field *fields, int count, int64_t address, uint16_t *word)
{
    for (int i = 0; i < count; i++) {
        const struct field *field = &fields[i];
        int64_t at = address - field->address;
        if (at < 0 || at >= field->words)
            continue;
        uint16_t words[REGISTERS_MAX] = {0};
        registers_pack(field->number->type, field->number->low_word_first, field->value,
                       field->number->step_micro, words);
        *word = field->text ? field->text[at] : words[at];
        return true;
    }
    return false;
}

static bool is_one_value(const struct field *fields, int count, int64_t address, int words)
{
    for (int i = 0; i < count; i++)
        if (fields[i].address == address)
            return fields[i].words == words;
    return false;
}

// Each of the handlers returns an exception code, or 0.
static int read_registers(const struct mimic *mimic, int function, struct cursor *request,
                          struct cursor *answer)
{
    struct field fields[FIELDS];
    uint16_t address = cursor_get_u16(request), words = cursor_get_u16(request);
    if (request->err || cursor_left(request) || words < 1 || words > mimic->type->most_registers)
        return ILLEGAL_VALUE;
    int count = fields_of(mimic, function, fields);
    if (mimic->type->one_value && !is_one_value(fields, count, address, words))
        return ILLEGAL_ADDRESS;
    cursor_put_u8(answer, (uint8_t)(2 * words));
    for (int i = 0; i < words; i++) {
        uint16_t word;
        if (!register_at(fields, count, address + i, &word))
            return ILLEGAL_ADDRESS;
        cursor_put_u16(answer, word);
    }
    return 0;
}

// ---- what is written

static int set_limit(struct mimic *mimic, const uint16_t *words, int count, struct mono now)
{
    const struct charger_type *type = mimic->type;
    int each = registers_count(type->limit.type);
    if (count != type->numbers * each)
        return ILLEGAL_ADDRESS;
    int64_t least = 0;
    for (int i = 0; i < type->numbers; i++) {
        uint16_t one[REGISTERS_MAX] = {0};
        memcpy(one, words + (ptrdiff_t)i * each, (size_t)each * sizeof *one);
        int64_t raw = registers_unpack(type->limit.type, type->limit.low_word_first,
                                       type->limit.step_micro, one);
        bool is_pause = type->pause.address == CHARGER_NOWHERE && raw == type->scale.pause;
        if (!is_pause && (raw < type->scale.least || raw > type->scale.most))
            return ILLEGAL_VALUE;
        least = i && least < raw ? least : raw;
        mimic->phase[i] = raw;
    }
    mimic->raw = least;
    mimic->is_set = true;
    if (type->keepalive == CHARGER_REWRITE)
        wake(mimic, now);
    return 0;
}

static int set_failsafe(const struct charger_failsafe *to, const uint16_t *words, int count,
                        int64_t special, int64_t *number)
{
    uint16_t all[REGISTERS_MAX] = {0};
    if (count != registers_count(to->write.type))
        return ILLEGAL_ADDRESS;
    memcpy(all, words, (size_t)count * sizeof *all);
    int64_t value =
        registers_unpack(to->write.type, to->write.low_word_first, to->write.step_micro, all);
    if (value != special && (value < to->least || value > to->most))
        return ILLEGAL_VALUE;
    *number = value;
    return 0;
}

static int set_token(struct mimic *mimic, uint16_t word, struct mono now)
{
    if (word != (uint16_t)mimic->type->token.on)
        return ILLEGAL_VALUE;
    wake(mimic, now);
    return 0;
}

static int set_commit(struct mimic *mimic, uint16_t word)
{
    if (word != mimic->type->commit.on)
        return ILLEGAL_VALUE;
    mimic->has_committed = true;
    mimic->commits++;
    mimic->kept_timeout = mimic->timeout;
    mimic->kept_fallback = mimic->fallback;
    return 0;
}

static bool is_at(const struct charger_switch *one, int function, int address)
{
    return one->address == address && one->function == function;
}

static int write_words(struct mimic *mimic, int function, int address, const uint16_t *words,
                       int count, struct mono now)
{
    const struct charger_type *type = mimic->type;
    if (address == type->limit.address && function == type->limit.function)
        return set_limit(mimic, words, count, now);
    if (address == type->watchdog.write.address && function == type->watchdog.write.function)
        return set_failsafe(&type->watchdog, words, count, type->watchdog_off, &mimic->timeout);
    if (address == type->fallback.write.address && function == type->fallback.write.function)
        return set_failsafe(&type->fallback, words, count, 0, &mimic->fallback);
    if (count != 1)
        return ILLEGAL_ADDRESS;
    if (is_at(&type->pause, function, address)) {
        if (words[0] != type->pause.on && words[0] != type->pause.off)
            return ILLEGAL_VALUE;
        mimic->is_off = words[0] == type->pause.off;
        return 0;
    }
    if (is_at(&type->enable, function, address)) {
        mimic->heeds = words[0] == type->enable.on;
        return 0;
    }
    if (is_at(&type->token, function, address))
        return set_token(mimic, words[0], now);
    if (is_at(&type->arm, function, address))
        return words[0] == type->arm.on ? 0 : ILLEGAL_VALUE;
    if (is_at(&type->commit, function, address))
        return set_commit(mimic, words[0]);
    return ILLEGAL_ADDRESS;
}

static int write_one(struct mimic *mimic, int function, struct cursor *request,
                     struct cursor *answer, struct mono now)
{
    uint16_t address = cursor_get_u16(request), word = cursor_get_u16(request);
    if (request->err || cursor_left(request) || (function == WRITE_COIL && word && word != COIL_ON))
        return ILLEGAL_VALUE;
    cursor_put_u16(answer, address);
    cursor_put_u16(answer, word);
    if (function == WRITE_COIL)
        word = word != 0;
    return write_words(mimic, function, address, &word, 1, now);
}

static int write_many(struct mimic *mimic, struct cursor *request, struct cursor *answer,
                      struct mono now)
{
    uint16_t words[CHARGER_WORDS] = {0};
    uint16_t address = cursor_get_u16(request), count = cursor_get_u16(request);
    uint8_t octets = cursor_get_u8(request);
    if (request->err || count < 1 || octets != 2 * count || cursor_left(request) != octets)
        return ILLEGAL_VALUE;
    if (count > CHARGER_WORDS)
        return ILLEGAL_ADDRESS;
    for (int i = 0; i < count; i++)
        words[i] = cursor_get_u16(request);
    cursor_put_u16(answer, address);
    cursor_put_u16(answer, count);
    return write_words(mimic, WRITE_MANY, address, words, count, now);
}

size_t mimic_answer(struct mimic *mimic, const uint8_t *request, size_t len, struct mono now,
                    uint8_t answer[])
{
    struct cursor in = cursor_reader(request, len), out = cursor_writer(answer, ROOM);
    uint8_t function = cursor_get_u8(&in);
    int exception = ILLEGAL_FUNCTION;
    mimic->is_awake = mimic->type->twice && !mimic->is_awake;
    if (mimic->is_awake)
        return 0;
    if (mimic->type->keepalive == CHARGER_ANY)
        wake(mimic, now);
    cursor_put_u8(&out, function);
    if (function == READ_HOLDING || function == READ_INPUT)
        exception = read_registers(mimic, function, &in, &out);
    else if (function == WRITE_COIL || function == WRITE_ONE)
        exception = write_one(mimic, function, &in, &out, now);
    else if (function == WRITE_MANY)
        exception = write_many(mimic, &in, &out, now);
    if (!exception)
        return ROOM - cursor_left(&out);
    answer[0] = function | EXCEPTION_BIT;
    answer[1] = (uint8_t)exception;
    return 2;
}
