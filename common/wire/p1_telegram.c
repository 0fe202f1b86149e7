// SPDX-License-Identifier: Apache-2.0

#include "wire/p1_telegram.h"
#include "wire/dsmr_time.h"
#include "wire/hex.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { TEXT_DIGITS = 2 * P1_TEXT_MAX };

// What is left to read. A value ends within its line, but to look further does no harm.
struct rest {
    const char *at;
    const char *line_end; // at the line feed, or at the end of all
    const char *end;
};

// Step over c, if it comes next.
static bool skip(struct rest *c, char wanted)
{
    if (c->at >= c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

// The rest of a value: up to its ')', which is stepped over, within the line. -1: there is none.
static ptrdiff_t value_length(struct rest *c)
{
    const char *from = c->at;
    if (from >= c->line_end)
        return -1;
    const char *close = memchr(from, ')', (size_t)(c->line_end - from));
    c->at = close ? close + 1 : c->line_end;
    return close ? close - from : -1;
}

// A number in the given unit.
static enum p1_status read_milli(struct rest *c, enum obis_unit wanted, int64_t *milli)
{
    if (skip(c, ')'))
        return P1_EMPTY;
    enum obis_unit unit;
    int64_t found;
    if (obis_number(&c->at, c->end, &found, &unit) || unit != wanted)
        return P1_BAD;
    c->at++;
    *milli = found;
    return P1_VALUE;
}

static void read_number(struct rest *c, enum obis_unit unit, struct p1_number *number)
{
    number->status = read_milli(c, unit, &number->value);
}

static void read_count(struct rest *c, struct p1_number *number)
{
    read_number(c, OBIS_PLAIN, number);
    number->value /= 1000;
}

// The S or W decides; twelve digits alone are no time.
static void read_time(struct rest *c, struct p1_time *time)
{
    const char *from = c->at;
    ptrdiff_t len = value_length(c);
    if (len == 0)
        time->status = P1_EMPTY;
    else if (len == DSMR_TIME_LEN && !dsmr_time_parse(from, &time->utc))
        time->status = P1_VALUE;
    else
        time->status = P1_BAD;
}

static void read_text(struct rest *c, struct p1_text *text)
{
    const char *from = c->at;
    ptrdiff_t len = value_length(c);
    text->status = len == 0 ? P1_EMPTY : P1_BAD;
    if (len <= 0 || len > P1_TEXT_MAX)
        return;
    memcpy(text->text, from, (size_t)len);
    text->text[len] = '\0';
    text->len = (int)len;
    text->status = P1_VALUE;
}

static bool printable(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] < ' ' || text[i] > '~')
            return false;
    return true;
}

// An identifier: hex digits of text. What is none stands for itself.
static void read_identifier(struct rest *c, struct p1_text *text)
{
    const char *from = c->at;
    ptrdiff_t len = value_length(c);
    text->status = len == 0 ? P1_EMPTY : P1_BAD;
    if (len <= 0 || len > TEXT_DIGITS)
        return;
    size_t size = (size_t)len / 2;
    if (hex_decode(from, (size_t)len, text->text) || !printable(text->text, size)) {
        if (len > P1_TEXT_MAX || !printable(from, (size_t)len))
            return;
        size = (size_t)len;
        memcpy(text->text, from, size);
    }
    text->text[size] = '\0';
    text->len = (int)size;
    text->status = P1_VALUE;
}

// Two different versions are none.
static void read_version(struct rest *c, struct p1_text *version)
{
    struct p1_text before = *version;
    read_text(c, version);
    if (before.status != P1_ABSENT
        && (before.status != version->status || strcmp(before.text, version->text) != 0))
        version->status = P1_BAD;
}

static void read_message(struct rest *c, struct p1_message *message, const char *telegram)
{
    if (message->lines++ > 0)
        return;
    const char *from = c->at;
    ptrdiff_t len = value_length(c);
    size_t digits = (size_t)(len < 0 ? c->at - from : len);
    message->at = (size_t)(from - telegram);
    message->digits = digits;
    if (len < 0 || (c->at < c->end && *c->at != '\r')) // one value, and the line ends
        message->status = P1_MESSAGE_BAD;
    else if (digits == 0)
        message->status = P1_MESSAGE_EMPTY;
    else if (digits > 2 * P1_MESSAGE_MAX)
        message->status = P1_MESSAGE_TOO_LONG;
    else if (hex_decode(from, digits, message->octets))
        message->status = P1_MESSAGE_BAD;
    else {
        message->status = P1_MESSAGE_PRESENT;
        message->len = digits / 2;
    }
}

// (count)(code)(end)(seconds)(end)(seconds)... The code is always the same; DSMR 2 and some
// makes leave the season of the time or the "*s" out.
static void read_failures(struct rest *c, struct p1_telegram *t)
{
    read_count(c, &t->failures_logged);
    if (!skip(c, '(') || value_length(c) < 0)
        return;
    while (t->failure_count < P1_FAILURES && skip(c, '(')) {
        struct p1_failure *failure = &t->failure[t->failure_count++];
        read_time(c, &failure->end);
        if (!skip(c, '('))
            return;
        enum obis_unit unit;
        failure->duration_s.status = P1_BAD;
        if (obis_number(&c->at, c->end, &failure->duration_s.value, &unit)
            || (unit != OBIS_S && unit != OBIS_PLAIN))
            return;
        failure->duration_s.value /= 1000;
        failure->duration_s.status = P1_VALUE;
        c->at++;
    }
}

// A device that was never read shows a time that does not exist, and 0 of nothing. A time
// without season is fit for metering.
static void settle_mbus(struct p1_mbus *mbus, bool never)
{
    mbus->value.status = never ? P1_BAD : P1_VALUE;
}

static bool impossible_time(const char *text, ptrdiff_t len)
{
    int64_t utc;
    return len == DSMR_TIME_LEN && dsmr_time_parse(text, &utc) == ERR_RANGE;
}

// (time)(value*unit)
static void read_mbus_value(struct rest *c, struct p1_mbus *mbus)
{
    const char *time = c->at;
    read_time(c, &mbus->time);
    bool never = mbus->time.status == P1_BAD && impossible_time(time, c->at - time - 1);
    mbus->value.status = mbus->time.status == P1_EMPTY ? P1_EMPTY : P1_BAD;
    if (!skip(c, '('))
        return;
    if (skip(c, ')')) {
        mbus->value.status = P1_EMPTY;
        return;
    }
    enum obis_unit unit;
    if (obis_number(&c->at, c->end, &mbus->value.value, &unit) || unit == OBIS_PLAIN)
        return;
    c->at++;
    mbus->unit = unit;
    settle_mbus(mbus, never);
}

// DSMR 2 and 3: (time)(00)(60)(1)(0-1:24.2.1)(m3) and the number alone on the next line.
static void read_old_mbus_value(struct rest *c, struct p1_mbus *mbus)
{
    const char *time = c->at;
    read_time(c, &mbus->time);
    bool never = mbus->time.status == P1_BAD && impossible_time(time, c->at - time - 1);
    mbus->value.status = P1_BAD;
    for (int passed = 0; passed < 4; passed++)
        if (!skip(c, '(') || value_length(c) < 0)
            return;
    enum obis_unit unit, none;
    int exponent;
    int64_t milli;
    if (!skip(c, '(') || obis_unit(&c->at, c->end, &unit, &exponent))
        return;
    c->at++; // its ')'
    skip(c, '\r');
    skip(c, '\n');
    if (!skip(c, '(') || obis_number(&c->at, c->end, &milli, &none) || none != OBIS_PLAIN)
        return;
    c->at++;
    for (; exponent > 3; exponent--)
        if (__builtin_mul_overflow(milli, 10, &milli))
            return;
    for (; exponent < 3; exponent++)
        milli /= 10;
    mbus->value.value = milli;
    mbus->unit = unit;
    settle_mbus(mbus, never);
}

enum kind {
    UNKNOWN = 0,
    NUMBER,
    PLAIN_COUNT,
    TIME,
    TEXT,
    IDENTIFIER,
    VERSION,
    MESSAGE,
    FAILURES,
    MBUS_TYPE,
    MBUS_ID,
    MBUS_VALUE,
    OLD_MBUS_VALUE,
};

struct row {
    uint64_t code;
    enum kind kind;
    enum obis_unit unit; // of a NUMBER
    size_t field;        // offset in struct p1_telegram
};

// The table is a hash without collisions: two codes in one place would be an error of the
// compiler (initialised twice). The factor was searched for; a new row may need another.
enum { SLOT_BITS = 7, SLOTS = 1 << SLOT_BITS };
#define SLOT(code) ((size_t)((code)*UINT64_C(0xf2d2301227e072f9) >> (64 - SLOT_BITS)))
#define FIELD(name) offsetof(struct p1_telegram, name)
#define ROW(a, b, c, d, e, kind, unit, field)                                                      \
    [SLOT(OBIS(a, b, c, d, e))] = {OBIS(a, b, c, d, e), kind, unit, FIELD(field)}
#define MILLI(a, b, c, d, e, unit, field) ROW(a, b, c, d, e, NUMBER, unit, field)
#define OTHER(a, b, c, d, e, kind, field) ROW(a, b, c, d, e, kind, OBIS_PLAIN, field)

static const struct row rows[SLOTS] = {
    OTHER(1, 3, 0, 2, 8, VERSION, version),
    OTHER(0, 0, 96, 1, 4, VERSION, version), // Belgium
    OTHER(0, 0, 1, 0, 0, TIME, time),
    OTHER(0, 0, 96, 1, 0, IDENTIFIER, equipment_id),
    OTHER(0, 0, 96, 1, 1, IDENTIFIER, equipment_id),
    OTHER(0, 0, 96, 1, 2, IDENTIFIER, ean),
    OTHER(0, 0, 96, 14, 0, PLAIN_COUNT, tariff),
    MILLI(1, 0, 1, 8, 0, OBIS_WH, energy_delivered_mwh[0]),
    MILLI(1, 0, 1, 8, 1, OBIS_WH, energy_delivered_mwh[1]),
    MILLI(1, 0, 1, 8, 2, OBIS_WH, energy_delivered_mwh[2]),
    MILLI(1, 0, 1, 8, 3, OBIS_WH, energy_delivered_mwh[3]),
    MILLI(1, 0, 1, 8, 4, OBIS_WH, energy_delivered_mwh[4]),
    MILLI(1, 0, 2, 8, 0, OBIS_WH, energy_returned_mwh[0]),
    MILLI(1, 0, 2, 8, 1, OBIS_WH, energy_returned_mwh[1]),
    MILLI(1, 0, 2, 8, 2, OBIS_WH, energy_returned_mwh[2]),
    MILLI(1, 0, 2, 8, 3, OBIS_WH, energy_returned_mwh[3]),
    MILLI(1, 0, 2, 8, 4, OBIS_WH, energy_returned_mwh[4]),
    MILLI(1, 0, 1, 7, 0, OBIS_W, power_delivered_mw),
    MILLI(1, 0, 2, 7, 0, OBIS_W, power_returned_mw),
    MILLI(1, 0, 21, 7, 0, OBIS_W, power_delivered_phase_mw[0]),
    MILLI(1, 0, 41, 7, 0, OBIS_W, power_delivered_phase_mw[1]),
    MILLI(1, 0, 61, 7, 0, OBIS_W, power_delivered_phase_mw[2]),
    MILLI(1, 0, 22, 7, 0, OBIS_W, power_returned_phase_mw[0]),
    MILLI(1, 0, 42, 7, 0, OBIS_W, power_returned_phase_mw[1]),
    MILLI(1, 0, 62, 7, 0, OBIS_W, power_returned_phase_mw[2]),
    MILLI(1, 0, 32, 7, 0, OBIS_V, voltage_mv[0]),
    MILLI(1, 0, 52, 7, 0, OBIS_V, voltage_mv[1]),
    MILLI(1, 0, 72, 7, 0, OBIS_V, voltage_mv[2]),
    MILLI(1, 0, 31, 7, 0, OBIS_A, current_ma[0]),
    MILLI(1, 0, 51, 7, 0, OBIS_A, current_ma[1]),
    MILLI(1, 0, 71, 7, 0, OBIS_A, current_ma[2]),
    OTHER(1, 0, 32, 32, 0, PLAIN_COUNT, voltage_sags[0]),
    OTHER(1, 0, 52, 32, 0, PLAIN_COUNT, voltage_sags[1]),
    OTHER(1, 0, 72, 32, 0, PLAIN_COUNT, voltage_sags[2]),
    OTHER(1, 0, 32, 36, 0, PLAIN_COUNT, voltage_swells[0]),
    OTHER(1, 0, 52, 36, 0, PLAIN_COUNT, voltage_swells[1]),
    OTHER(1, 0, 72, 36, 0, PLAIN_COUNT, voltage_swells[2]),
    OTHER(0, 0, 96, 7, 21, PLAIN_COUNT, failures),
    OTHER(0, 0, 96, 7, 9, PLAIN_COUNT, long_failures),
    OTHER(1, 0, 99, 97, 0, FAILURES, failures_logged),
    OTHER(0, 0, 96, 13, 0, MESSAGE, message),
    OTHER(0, 0, 96, 13, 1, TEXT, short_code),
    // M-Bus devices: for channel 1; the others are led here
    OTHER(0, 1, 24, 1, 0, MBUS_TYPE, mbus[0].type),
    OTHER(0, 1, 96, 1, 0, MBUS_ID, mbus[0].id),
    OTHER(0, 1, 96, 1, 1, MBUS_ID, mbus[0].id), // Belgium
    OTHER(0, 1, 24, 2, 1, MBUS_VALUE, mbus[0]),
    OTHER(0, 1, 24, 2, 3, MBUS_VALUE, mbus[0]), // Belgium: not corrected for temperature
    OTHER(0, 1, 24, 3, 0, OLD_MBUS_VALUE, mbus[0]),
};

static const struct row *find_row(uint64_t code, int *channel)
{
    // A is 0 in the M-Bus rows, so B is all there is in the top octet.
    unsigned b = (unsigned)(code >> OBIS_CHANNEL);
    *channel = 0;
    if (b >= 1 && b <= P1_CHANNELS) {
        *channel = (int)b - 1;
        code -= (uint64_t)(b - 1) << OBIS_CHANNEL;
    }
    const struct row *row = &rows[SLOT(code)];
    return row->kind != UNKNOWN && row->code == code ? row : NULL;
}

// Read one value into its field. The status in the field tells how it went.
static void read_value(struct rest *c, const struct row *row, int channel, const char *text,
                       struct p1_telegram *t)
{
    void *field = (char *)t + row->field;
    struct p1_mbus *mbus = &t->mbus[channel];
    switch (row->kind) {
    case NUMBER:
        read_number(c, row->unit, field);
        break;
    case PLAIN_COUNT:
        read_count(c, field);
        break;
    case TIME:
        read_time(c, field);
        break;
    case TEXT:
        read_text(c, field);
        break;
    case IDENTIFIER:
        read_identifier(c, field);
        break;
    case VERSION:
        read_version(c, field);
        break;
    case MESSAGE:
        read_message(c, field, text);
        break;
    case FAILURES:
        read_failures(c, t);
        break;
    case MBUS_TYPE:
        read_count(c, &mbus->type);
        break;
    case MBUS_ID:
        read_identifier(c, &mbus->id);
        break;
    case MBUS_VALUE:
        read_mbus_value(c, mbus);
        break;
    default: // OLD_MBUS_VALUE
        read_old_mbus_value(c, mbus);
        break;
    }
}

static void read_header(struct rest *c, struct p1_text *identification)
{
    const char *from = c->at;
    size_t len = (size_t)(c->line_end - from);
    len -= len > 0 && from[len - 1] == '\r';
    identification->status = len == 0 ? P1_EMPTY : P1_BAD;
    if (len == 0 || len > P1_TEXT_MAX)
        return;
    memcpy(identification->text, from, len);
    identification->len = (int)len;
    identification->status = P1_VALUE;
}

static void read_line(struct rest *c, const char *text, struct p1_telegram *t)
{
    uint64_t code;
    t->lines++;
    if (obis_code(&c->at, c->end, &code)) {
        t->bad++;
        return;
    }
    int channel;
    const struct row *row = find_row(code, &channel);
    if (row)
        read_value(c, row, channel, text, t);
    else
        t->unknown++;
}

void p1_telegram_read(const char *text, size_t len, const struct p1_frame *frame,
                      struct p1_telegram *telegram)
{
    memset(telegram, 0, offsetof(struct p1_telegram, message.octets));
    telegram->crc = frame->crc;
    telegram->crc_digits = frame->crc_digits;
    const char *end = text + len;
    // Where a line begins does not depend on how the one before was read, so that the processor
    // can work on several at a time.
    for (const char *line = text, *line_end; line < end; line = line_end + (line_end < end)) {
        line_end = memchr(line, '\n', (size_t)(end - line));
        line_end = line_end ? line_end : end;
        struct rest rest = {line, line_end, end};
        if (line == text) {
            skip(&rest, '/');
            read_header(&rest, &telegram->identification);
        } else if (*line == '!') {
            break;
        } else if (*line != '\r' && *line != '\n' && *line != '(') { // '(': the line goes on
            read_line(&rest, text, telegram);
        }
    }
}

static bool known_version(const struct p1_text *version)
{
    static const char *const known[] = {"40", "42", "50"};
    if (version->status != P1_VALUE)
        return false;
    for (size_t i = 0; i < COUNT(known); i++)
        if (!strcmp(version->text, known[i]))
            return true;
    const char *text = version->text;
    return strlen(text) == 5 && !strncmp(text, "502", 3) && text[3] >= '0' && text[3] <= '9'
           && text[4] >= '0' && text[4] <= '9';
}

enum p1_trust p1_telegram_trust(const struct p1_telegram *t)
{
    if (t->crc == P1_CRC_BAD)
        return P1_TRUST_CRC_BAD;
    if (t->crc == P1_CRC_ABSENT)
        return P1_TRUST_CRC_ABSENT;
    if (t->crc_digits != 4)
        return P1_TRUST_CRC_SHORT;
    if (!known_version(&t->version))
        return P1_TRUST_VERSION;
    if (t->message.lines == 0)
        return P1_TRUST_NO_MESSAGE;
    if (t->message.lines > 1)
        return P1_TRUST_MESSAGES;
    if (t->message.status == P1_MESSAGE_BAD)
        return P1_TRUST_MESSAGE_HEX;
    if (t->message.status == P1_MESSAGE_TOO_LONG)
        return P1_TRUST_MESSAGE_SIZE;
    return P1_TRUSTED;
}

const char *p1_trust_name(enum p1_trust trust)
{
    static const char *const names[] = {
        [P1_TRUSTED] = "ok",
        [P1_TRUST_CRC_BAD] = "crc_bad",
        [P1_TRUST_CRC_ABSENT] = "crc_absent",
        [P1_TRUST_CRC_SHORT] = "crc_short",
        [P1_TRUST_VERSION] = "version_unknown",
        [P1_TRUST_NO_MESSAGE] = "message_absent",
        [P1_TRUST_MESSAGES] = "message_repeated",
        [P1_TRUST_MESSAGE_HEX] = "message_not_hex",
        [P1_TRUST_MESSAGE_SIZE] = "message_too_long",
    };
    assert((size_t)trust < COUNT(names));
    return names[trust];
}
