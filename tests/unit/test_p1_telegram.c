// SPDX-License-Identifier: Apache-2.0

#include "wire/p1_telegram.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct p1_frame good = {.crc = P1_CRC_OK, .crc_digits = 4, .ended = true};

// Read lines, given with '|' for CR LF, as a telegram with header and end.
static void read_lines(const char *lines, struct p1_telegram *t)
{
    static char text[P1_TELEGRAM_MAX];
    size_t len = (size_t)sprintf(text, "/SOC5\\2M7\r\n\r\n");
    for (const char *at = lines; *at; at++)
        if (*at == '|') {
            text[len++] = '\r';
            text[len++] = '\n';
        } else {
            text[len++] = *at;
        }
    text[len++] = '!';
    p1_telegram_read(text, len, &good, t);
}

#define FIELD(name) offsetof(struct p1_telegram, name)

// A line, the number it is to end in, and what that then holds.
struct number {
    char lines[150];
    size_t field;
    enum p1_status status;
    int64_t value;
    char why[56];
};

ParameterizedTestParameters(p1_telegram, reads_numbers)
{
    static struct number cases[] = {
        {"1-0:1.8.1(051775.123*kWh)|", FIELD(energy_delivered_mwh[1]), P1_VALUE, 51775123000,
         "energy of tariff 1"},
        {"1-0:1.8.2(024413.456*kWh)|", FIELD(energy_delivered_mwh[2]), P1_VALUE, 24413456000,
         "energy of tariff 2"},
        {"1-0:1.8.0(76188.579*kWh)|", FIELD(energy_delivered_mwh[0]), P1_VALUE, 76188579000,
         "energy in sum"},
        {"1-0:1.8.3(1*kWh)|", FIELD(energy_delivered_mwh[3]), P1_VALUE, 1000000, "tariff 3"},
        {"1-0:1.8.4(1*kWh)|", FIELD(energy_delivered_mwh[4]), P1_VALUE, 1000000, "tariff 4"},
        {"1-0:2.8.0(1*kWh)|", FIELD(energy_returned_mwh[0]), P1_VALUE, 1000000, "returned"},
        {"1-0:2.8.1(2*kWh)|", FIELD(energy_returned_mwh[1]), P1_VALUE, 2000000, "returned"},
        {"1-0:2.8.2(3*kWh)|", FIELD(energy_returned_mwh[2]), P1_VALUE, 3000000, "returned"},
        {"1-0:2.8.3(4*kWh)|", FIELD(energy_returned_mwh[3]), P1_VALUE, 4000000, "returned"},
        {"1-0:2.8.4(5*kWh)|", FIELD(energy_returned_mwh[4]), P1_VALUE, 5000000, "returned"},
        {"1-0:1.7.0(00.519*kW)|", FIELD(power_delivered_mw), P1_VALUE, 519000, "power"},
        {"1-0:2.7.0(01.000*kW)|", FIELD(power_returned_mw), P1_VALUE, 1000000, "power back"},
        {"1-0:21.7.0(1*W)|", FIELD(power_delivered_phase_mw[0]), P1_VALUE, 1000, "L1"},
        {"1-0:41.7.0(2*W)|", FIELD(power_delivered_phase_mw[1]), P1_VALUE, 2000, "L2"},
        {"1-0:61.7.0(3*W)|", FIELD(power_delivered_phase_mw[2]), P1_VALUE, 3000, "L3"},
        {"1-0:22.7.0(4*W)|", FIELD(power_returned_phase_mw[0]), P1_VALUE, 4000, "L1 back"},
        {"1-0:42.7.0(5*W)|", FIELD(power_returned_phase_mw[1]), P1_VALUE, 5000, "L2 back"},
        {"1-0:62.7.0(6*W)|", FIELD(power_returned_phase_mw[2]), P1_VALUE, 6000, "L3 back"},
        {"1-0:32.7.0(229.1*V)|", FIELD(voltage_mv[0]), P1_VALUE, 229100, "voltage L1"},
        {"1-0:52.7.0(230.2*V)|", FIELD(voltage_mv[1]), P1_VALUE, 230200, "voltage L2"},
        {"1-0:72.7.0(231.3*V)|", FIELD(voltage_mv[2]), P1_VALUE, 231300, "voltage L3"},
        {"1-0:31.7.0(005*A)|", FIELD(current_ma[0]), P1_VALUE, 5000, "current L1"},
        {"1-0:51.7.0(1.23*A)|", FIELD(current_ma[1]), P1_VALUE, 1230, "hundredths, Belgium"},
        {"1-0:71.7.0(2300*mA)|", FIELD(current_ma[2]), P1_VALUE, 2300, "mA"},
        {"1-0:32.32.0(00001)|", FIELD(voltage_sags[0]), P1_VALUE, 1, "sags L1"},
        {"1-0:52.32.0(00002)|", FIELD(voltage_sags[1]), P1_VALUE, 2, "sags L2"},
        {"1-0:72.32.0(00003)|", FIELD(voltage_sags[2]), P1_VALUE, 3, "sags L3"},
        {"1-0:32.36.0(00004)|", FIELD(voltage_swells[0]), P1_VALUE, 4, "swells L1"},
        {"1-0:52.36.0(00005)|", FIELD(voltage_swells[1]), P1_VALUE, 5, "swells L2"},
        {"1-0:72.36.0(00006)|", FIELD(voltage_swells[2]), P1_VALUE, 6, "swells L3"},
        {"0-0:96.7.21(00013)|", FIELD(failures), P1_VALUE, 13, "failures"},
        {"0-0:96.7.9(00002)|", FIELD(long_failures), P1_VALUE, 2, "long ones"},
        {"0-0:96.14.0(0002)|", FIELD(tariff), P1_VALUE, 2, "tariff"},
        {"0-2:24.1.0(007)|", FIELD(mbus[1].type), P1_VALUE, 7, "device type on channel 2"},
        {"0-1:24.1.0()|", FIELD(mbus[0].type), P1_EMPTY, 0, "empty is no error"},
        {"0-5:24.1.0(003)|", FIELD(mbus[0].type), P1_ABSENT, 0, "no channel 5"},
        {"1-0:1.8.1*255(1*kWh)|", FIELD(energy_delivered_mwh[1]), P1_VALUE, 1000000, "with F"},
        {"1-0:1.7.0(519*W)|", FIELD(power_delivered_mw), P1_VALUE, 519000, "W for kW"},
        {"1-0:1.7.0(00.519kW)|", FIELD(power_delivered_mw), P1_VALUE, 519000, "no '*'"},
        {"1-0:1.7.0(519)|", FIELD(power_delivered_mw), P1_BAD, 0, "no unit: W or kW?"},
        {"1-0:1.7.0(519*V)|", FIELD(power_delivered_mw), P1_BAD, 0, "not a power"},
        {"1-0:1.7.0(00.5x9*kW)|", FIELD(power_delivered_mw), P1_BAD, 0, "damaged"},
        {"1-0:1.7.0(00.519*kW|", FIELD(power_delivered_mw), P1_BAD, 0, "no ')'"},
        {"1-0:1.7.0(00.5|19*kW)|", FIELD(power_delivered_mw), P1_BAD, 0, "over two lines"},
        {"1-0:1.7.0()|", FIELD(power_delivered_mw), P1_EMPTY, 0, "empty"},
        {"", FIELD(power_delivered_mw), P1_ABSENT, 0, "absent"},
        {"1-0:1.4.0(02.351*kW)|1-0:1.6.0(200509134558S)(02.589*kW)|0-0:98.1.0(1)(1-0:1.6.0)|"
         "1-0:1.7.0(1*kW)|",
         FIELD(power_delivered_mw), P1_VALUE, 1000000, "unknown lines before it"},
        {"x|1-0:1.8.1|(1)|||1-0:(|\xFF\xFF(|1-0:1.7.0(1*kW)|", FIELD(power_delivered_mw), P1_VALUE,
         1000000, "bad lines before it"},
        {"1-0:99.97.0()|1-0:1.7.0(1*kW)|", FIELD(failures_logged), P1_EMPTY, 0, "empty log"},
    };
    return cr_make_param_array(struct number, cases, COUNT(cases));
}

ParameterizedTest(struct number *c, p1_telegram, reads_numbers)
{
    struct p1_telegram t;
    read_lines(c->lines, &t);
    struct p1_number number;
    memcpy(&number, (char *)&t + c->field, sizeof number);
    cr_assert_eq(number.status, c->status, "%s: %d", c->why, number.status);
    if (number.status == P1_VALUE)
        cr_expect_eq(number.value, c->value, "%s: %jd", c->why, (intmax_t)number.value);
}

// The same for texts.
struct text {
    size_t field;
    enum p1_status status;
    char lines[60];
    char text[32];
    char why[48];
};

ParameterizedTestParameters(p1_telegram, reads_texts)
{
    static struct text cases[] = {
        {FIELD(identification), P1_VALUE, "", "SOC5\\2M7", "header"},
        {FIELD(version), P1_VALUE, "1-3:0.2.8(50)|", "50", "version"},
        {FIELD(version), P1_VALUE, "0-0:96.1.4(50217)|", "50217", "version, Belgium"},
        {FIELD(version), P1_VALUE, "1-3:0.2.8(50)|1-3:0.2.8(50)|", "50", "the same again"},
        {FIELD(version), P1_BAD, "1-3:0.2.8(50)|1-3:0.2.8(42)|", "", "two versions"},
        {FIELD(version), P1_BAD, "1-3:0.2.8(50|", "", "no ')'"},
        {FIELD(version), P1_EMPTY, "1-3:0.2.8()|", "", "empty"},
        {FIELD(version), P1_ABSENT, "", "", "none"},
        {FIELD(equipment_id), P1_VALUE, "0-0:96.1.1(4530303433)|", "E0043", "hex of text"},
        {FIELD(equipment_id), P1_VALUE, "0-0:96.1.1(E0043)|", "E0043", "text as it is"},
        {FIELD(equipment_id), P1_VALUE, "0-0:96.1.1(00010203)|", "00010203", "hex of no text"},
        {FIELD(equipment_id), P1_BAD, "0-0:96.1.1(\xFF\xFF)|", "", "no text at all"},
        {FIELD(equipment_id), P1_EMPTY, "0-0:96.1.1()|", "", "empty"},
        {FIELD(ean), P1_VALUE, "0-0:96.1.2(353431343438)|", "541448", "EAN, Belgium"},
        {FIELD(mbus[0].id), P1_VALUE, "0-1:96.1.0(47303034)|", "G004", "gas meter"},
        {FIELD(mbus[2].id), P1_VALUE, "0-3:96.1.1(47303034)|", "G004", "gas meter, Belgium"},
        {FIELD(short_code), P1_VALUE, "0-0:96.13.1(3031323334353637)|", "3031323334353637",
         "code as it is"},
    };
    return cr_make_param_array(struct text, cases, COUNT(cases));
}

ParameterizedTest(struct text *c, p1_telegram, reads_texts)
{
    static struct p1_telegram t;
    read_lines(c->lines, &t);
    const struct p1_text *text = (const struct p1_text *)((const char *)&t + c->field);
    cr_assert_eq(text->status, c->status, "%s: %d", c->why, text->status);
    if (text->status == P1_VALUE) {
        cr_expect_str_eq(text->text, c->text, "%s: %s", c->why, text->text);
        cr_expect_eq((size_t)text->len, strlen(c->text), "%s: %d", c->why, text->len);
    }
}

Test(p1_telegram, takes_identifiers_up_to_their_room)
{
    static struct p1_telegram t;
    for (int len = P1_TEXT_MAX - 1; len <= P1_TEXT_MAX + 1; len++) {
        char lines[2 * P1_TEXT_MAX + 20];
        int at = sprintf(lines, "0-0:96.1.1(");
        for (int i = 0; i < len; i++)
            at += sprintf(lines + at, "4%d", i % 10);
        sprintf(lines + at, ")|");
        read_lines(lines, &t);
        cr_expect_eq(t.equipment_id.status, len <= P1_TEXT_MAX ? P1_VALUE : P1_BAD, "%d", len);
        if (len <= P1_TEXT_MAX)
            cr_expect(t.equipment_id.len == len && !strncmp(t.equipment_id.text, "@ABCD", 5));
    }
}

struct time {
    char lines[40];
    enum p1_status status;
    int64_t utc;
    char why[48];
};

ParameterizedTestParameters(p1_telegram, reads_its_time)
{
    static struct time cases[] = {
        {"0-0:1.0.0(181106140014W)|", P1_VALUE, 1541509214, "winter"},
        {"0-0:1.0.0(241027023000S)|", P1_VALUE, 1729989000, "02:30, first time"},
        {"0-0:1.0.0(241027023000W)|", P1_VALUE, 1729992600, "02:30, second time"},
        {"0-0:1.0.0(000101010000W)|", P1_VALUE, 946684800, "a clock that was never set"},
        {"0-0:1.0.0(181106140014)|", P1_BAD, 0, "no season"},
        {"0-0:1.0.0(07EA080B02000000)|", P1_BAD, 0, "clock of DLMS in hex"},
        {"0-0:1.0.0(250000000000W)|", P1_BAD, 0, "no such day"},
        {"0-0:1.0.0(632525252525W)|", P1_BAD, 0, "never"},
        {"0-0:1.0.0()|", P1_EMPTY, 0, "empty"},
        {"0-0:1.0.0(|", P1_BAD, 0, "cut"},
        {"", P1_ABSENT, 0, "DSMR 2 has none"},
    };
    return cr_make_param_array(struct time, cases, COUNT(cases));
}

ParameterizedTest(struct time *c, p1_telegram, reads_its_time)
{
    struct p1_telegram t;
    read_lines(c->lines, &t);
    cr_expect_eq(t.time.status, c->status, "%s: %d", c->why, t.time.status);
    if (c->status == P1_VALUE)
        cr_expect_eq(t.time.utc, c->utc, "%s: %jd", c->why, (intmax_t)t.time.utc);
}

struct mbus {
    int64_t milli;
    enum p1_status time, value;
    enum obis_unit unit;
    char lines[90];
    char why[48];
};

ParameterizedTestParameters(p1_telegram, reads_devices)
{
    static struct mbus cases[] = {
        {1234567, P1_VALUE, P1_VALUE, OBIS_M3, "0-1:24.2.1(181106140000W)(01234.567*m3)|", "gas"},
        {112384, P1_VALUE, P1_VALUE, OBIS_M3, "0-1:24.2.3(200512134558S)(00112.384*m3)|",
         "gas, Belgium"},
        {12345000000000, P1_VALUE, P1_VALUE, OBIS_J, "0-1:24.2.1(181106140000W)(12.345*GJ)|",
         "heat"},
        {1234567, P1_BAD, P1_VALUE, OBIS_M3, "0-1:24.2.1(181106140000)(01234.567*m3)|",
         "no season: good for metering"},
        {0, P1_BAD, P1_BAD, OBIS_PLAIN, "0-1:24.2.1(632525252525W)(00000.000)|", "never read"},
        {0, P1_BAD, P1_BAD, OBIS_M3, "0-1:24.2.1(632525252525W)(00000.000*m3)|",
         "never read, with a unit"},
        {0, P1_VALUE, P1_BAD, OBIS_PLAIN, "0-1:24.2.1(181106140000W)(00000.000)|", "no unit"},
        {0, P1_VALUE, P1_EMPTY, OBIS_PLAIN, "0-1:24.2.1(181106140000W)()|", "no value"},
        {0, P1_EMPTY, P1_EMPTY, OBIS_PLAIN, "0-1:24.2.1()|", "nothing"},
        {0, P1_VALUE, P1_BAD, OBIS_PLAIN, "0-1:24.2.1(181106140000W)|", "cut"},
        {3231, P1_BAD, P1_VALUE, OBIS_M3,
         "0-1:24.3.0(121030140000)(00)(60)(1)(0-1:24.2.1)(m3)|(00003.231)|",
         "DSMR 2 and 3: over two lines"},
        {3231, P1_BAD, P1_VALUE, OBIS_M3,
         "0-1:24.3.0(121030140000)(00)(60)(1)(0-1:24.2.1)(dm3)|(3231)|", "the same in litres"},
        {1500000000000, P1_BAD, P1_VALUE, OBIS_J,
         "0-1:24.3.0(121030140000)(00)(60)(1)(0-1:24.2.1)(GJ)|(1.5)|", "the same of heat"},
        {0, P1_BAD, P1_BAD, OBIS_M3,
         "0-1:24.3.0(632525252525W)(00)(60)(1)(0-1:24.2.1)(m3)|(0.000)|", "the same, never read"},
        {0, P1_BAD, P1_BAD, OBIS_PLAIN, "0-1:24.3.0(121030140000)(00)(60)(1)(0-1:24.2.1)(m3)|",
         "the same, cut"},
        {0, P1_BAD, P1_BAD, OBIS_PLAIN, "0-1:24.3.0(121030140000)(00)(60)|", "cut earlier"},
        {0, P1_EMPTY, P1_BAD, OBIS_PLAIN, "0-1:24.3.0()|", "empty"},
        {0, P1_ABSENT, P1_ABSENT, OBIS_PLAIN, "", "none"},
    };
    return cr_make_param_array(struct mbus, cases, COUNT(cases));
}

ParameterizedTest(struct mbus *c, p1_telegram, reads_devices)
{
    struct p1_telegram t;
    for (int channel = 1; channel <= P1_CHANNELS; channel++) {
        char lines[sizeof c->lines];
        memcpy(lines, c->lines, sizeof lines);
        if (*lines)
            lines[2] = (char)('0' + channel);
        read_lines(lines, &t);
        const struct p1_mbus *mbus = &t.mbus[channel - 1];
        cr_expect_eq(mbus->time.status, c->time, "%s: %d", c->why, mbus->time.status);
        cr_expect_eq(mbus->value.status, c->value, "%s: %d", c->why, mbus->value.status);
        if (c->value == P1_VALUE)
            cr_expect(mbus->value.value == c->milli && mbus->unit == c->unit, "%s: %jd", c->why,
                      (intmax_t)mbus->value.value);
    }
}

Test(p1_telegram, reads_the_failure_log)
{
    struct p1_telegram t;
    read_lines("1-0:99.97.0(3)(0-0:96.7.19)(101208152415W)(0000000240*s)(101208151004)(2147483647)"
               "(101208151004S)(4294967296*s)|1-0:1.7.0(1*kW)|",
               &t);
    cr_expect_eq(t.failures_logged.value, 3);
    cr_assert_eq(t.failure_count, 3);
    cr_expect_eq(t.failure[0].end.utc, 1291818255);
    cr_expect_eq(t.failure[0].duration_s.value, 240);
    cr_expect_eq(t.failure[1].end.status, P1_BAD, "no season");
    cr_expect_eq(t.failure[1].duration_s.value, 2147483647, "no unit, 31 bits");
    cr_expect_eq(t.failure[2].duration_s.value, 4294967296, "more");
    cr_expect_eq(t.power_delivered_mw.value, 1000000, "the line after it");
}

Test(p1_telegram, keeps_to_the_room_of_the_failure_log)
{
    char lines[1000];
    int at = sprintf(lines, "1-0:99.97.0(12)(0-0:96.7.19)");
    for (int i = 0; i < 12; i++)
        at += sprintf(lines + at, "(101208152415W)(0000000240*s)");
    sprintf(lines + at, "|");
    struct p1_telegram t;
    read_lines(lines, &t);
    cr_expect_eq(t.failure_count, P1_FAILURES);
    cr_expect_eq(t.failures_logged.value, 12);
    read_lines("1-0:99.97.0(2)(0-0:96.7.19)(101208152415W)|", &t);
    cr_expect_eq(t.failure_count, 1);
    cr_expect_eq(t.failure[0].duration_s.status, P1_ABSENT, "cut");
}

struct message {
    char lines[60];
    enum p1_message_status status;
    char octets[16];
    char why[48];
};

ParameterizedTestParameters(p1_telegram, reads_the_message)
{
    static struct message cases[] = {
        {"0-0:96.13.0(48656C6C6F)|", P1_MESSAGE_PRESENT, "Hello", "a text"},
        {"0-0:96.13.0(48656c6c6f)|", P1_MESSAGE_PRESENT, "Hello", "in lower case"},
        {"0-0:96.13.0(FFFFFF)|", P1_MESSAGE_PRESENT, "\xFF\xFF\xFF", "octets that are no text"},
        {"0-0:96.13.0(48)|0-0:96.13.0(49)|", P1_MESSAGE_PRESENT, "H", "of two, the first"},
        {"0-0:96.13.0()|", P1_MESSAGE_EMPTY, "", "empty"},
        {"0-0:96.13.0(4)|", P1_MESSAGE_BAD, "", "half an octet"},
        {"0-0:96.13.0(Hello)|", P1_MESSAGE_BAD, "", "no hex"},
        {"0-0:96.13.0(48656C|6C6F)|", P1_MESSAGE_BAD, "", "over two lines"},
        {"0-0:96.13.0(48656C6C6F|", P1_MESSAGE_BAD, "", "no ')'"},
        {"0-0:96.13.0(48)(65)|", P1_MESSAGE_BAD, "", "two values"},
        {"0-0:96.13.0(48 65)|", P1_MESSAGE_BAD, "", "a blank"},
        {"0-0:96.13.0(\xFF\xFF)|", P1_MESSAGE_BAD, "", "no characters"},
        {"0-1:96.13.0(48)|", P1_MESSAGE_ABSENT, "", "of another channel"},
        {"", P1_MESSAGE_ABSENT, "", "none"},
    };
    return cr_make_param_array(struct message, cases, COUNT(cases));
}

ParameterizedTest(struct message *c, p1_telegram, reads_the_message)
{
    struct p1_telegram t;
    read_lines(c->lines, &t);
    cr_assert_eq(t.message.status, c->status, "%s: %d", c->why, t.message.status);
    cr_expect_eq(t.message.len, strlen(c->octets), "%s", c->why);
    cr_expect_arr_eq(t.message.octets, c->octets, t.message.len, "%s", c->why);
}

Test(p1_telegram, takes_1024_octets_and_no_more)
{
    static struct p1_telegram t;
    static char lines[2 * P1_MESSAGE_MAX + 40];
    for (int octets = P1_MESSAGE_MAX - 1; octets <= P1_MESSAGE_MAX + 1; octets++) {
        int at = sprintf(lines, "0-0:96.13.0(");
        for (int i = 0; i < octets; i++)
            at += sprintf(lines + at, "%02X", i & 255);
        sprintf(lines + at, ")|");
        read_lines(lines, &t);
        cr_expect_eq(t.message.digits, (size_t)(2 * octets));
        if (octets > P1_MESSAGE_MAX) {
            cr_expect_eq(t.message.status, P1_MESSAGE_TOO_LONG);
            cr_expect_eq(p1_telegram_trust(&t), P1_TRUST_VERSION);
            continue;
        }
        cr_expect_eq(t.message.status, P1_MESSAGE_PRESENT);
        cr_assert_eq(t.message.len, (size_t)octets);
        for (int i = 0; i < octets; i++)
            cr_assert_eq(t.message.octets[i], i & 255);
    }
}

struct trust {
    char lines[80];
    enum p1_crc crc;
    int digits;
    enum p1_trust trust;
    char why[48];
};

#define M "0-0:96.13.0(4865)|"

ParameterizedTestParameters(p1_telegram, is_trusted_or_not)
{
    static struct trust cases[] = {
        {"1-3:0.2.8(50)|" M, P1_CRC_OK, 4, P1_TRUSTED, "SMR 5"},
        {"1-3:0.2.8(42)|" M, P1_CRC_OK, 4, P1_TRUSTED, "DSMR 4.2"},
        {"1-3:0.2.8(40)|" M, P1_CRC_OK, 4, P1_TRUSTED, "DSMR 4.0"},
        {"0-0:96.1.4(50217)|" M, P1_CRC_OK, 4, P1_TRUSTED, "e-MUCS"},
        {M "1-3:0.2.8(50)|", P1_CRC_OK, 4, P1_TRUSTED, "in any order"},
        {"1-3:0.2.8(50)|0-0:96.13.0()|", P1_CRC_OK, 4, P1_TRUSTED, "an empty message"},
        {"1-3:0.2.8(50)|" M, P1_CRC_BAD, 4, P1_TRUST_CRC_BAD, "damaged"},
        {"1-3:0.2.8(50)|" M, P1_CRC_ABSENT, 0, P1_TRUST_CRC_ABSENT, "no CRC"},
        {"1-3:0.2.8(50)|" M, P1_CRC_OK, 3, P1_TRUST_CRC_SHORT, "three digits"},
        {M, P1_CRC_OK, 4, P1_TRUST_VERSION, "no version"},
        {"1-3:0.2.8(51)|" M, P1_CRC_OK, 4, P1_TRUST_VERSION, "a newer one"},
        {"1-3:0.2.8(30)|" M, P1_CRC_OK, 4, P1_TRUST_VERSION, "an older one"},
        {"1-3:0.2.8(502)|" M, P1_CRC_OK, 4, P1_TRUST_VERSION, "half a Belgian one"},
        {"0-0:96.1.4(50317)|" M, P1_CRC_OK, 4, P1_TRUST_VERSION, "not e-MUCS"},
        {"0-0:96.1.4(502A7)|" M, P1_CRC_OK, 4, P1_TRUST_VERSION, "no digits"},
        {"0-0:96.1.4(502177)|" M, P1_CRC_OK, 4, P1_TRUST_VERSION, "too long"},
        {"1-3:0.2.8(50)|0-0:96.1.4(50217)|" M, P1_CRC_OK, 4, P1_TRUST_VERSION, "two of them"},
        {"1-3:0.2.8(50)|", P1_CRC_OK, 4, P1_TRUST_NO_MESSAGE, "no message line"},
        {"1-3:0.2.8(50)|" M M, P1_CRC_OK, 4, P1_TRUST_MESSAGES, "two, even if equal"},
        {"1-3:0.2.8(50)|0-0:96.13.0(486)|", P1_CRC_OK, 4, P1_TRUST_MESSAGE_HEX, "half an octet"},
        {"1-3:0.2.8(50)|0-0:96.13.0(4|8)|", P1_CRC_OK, 4, P1_TRUST_MESSAGE_HEX, "two lines"},
    };
    return cr_make_param_array(struct trust, cases, COUNT(cases));
}

ParameterizedTest(struct trust *c, p1_telegram, is_trusted_or_not)
{
    struct p1_telegram t;
    read_lines(c->lines, &t);
    t.crc = c->crc;
    t.crc_digits = c->digits;
    enum p1_trust trust = p1_telegram_trust(&t);
    cr_expect_eq(trust, c->trust, "%s: %s", c->why, p1_trust_name(trust));
}

Test(p1_telegram, does_not_trust_a_message_that_is_too_long)
{
    static char lines[2 * P1_MESSAGE_MAX + 60];
    int at = sprintf(lines, "1-3:0.2.8(50)|0-0:96.13.0(");
    memset(lines + at, '3', 2 * P1_MESSAGE_MAX + 2);
    sprintf(lines + at + 2 * P1_MESSAGE_MAX + 2, ")|");
    static struct p1_telegram t;
    read_lines(lines, &t);
    cr_expect_eq(p1_telegram_trust(&t), P1_TRUST_MESSAGE_SIZE);
}

Test(p1_telegram, counts_its_lines)
{
    struct p1_telegram t;
    read_lines("1-3:0.2.8(50)|1-0:1.4.0(1*kW)|rubbish|1-0:1.7.0(x)|", &t);
    cr_expect_eq(t.lines, 4);
    cr_expect_eq(t.unknown, 1);
    cr_expect_eq(t.bad, 1);
}

Test(p1_telegram, forgets_the_one_before)
{
    struct p1_telegram t;
    read_lines("1-3:0.2.8(50)|0-0:96.13.0(4865)|1-0:1.7.0(1*kW)|0-1:96.1.0(41)|", &t);
    read_lines("", &t);
    cr_expect_eq(t.version.status, P1_ABSENT);
    cr_expect_eq(t.message.status, P1_MESSAGE_ABSENT);
    cr_expect_eq(t.message.lines, 0);
    cr_expect_eq(t.power_delivered_mw.status, P1_ABSENT);
    cr_expect_eq(t.mbus[0].id.status, P1_ABSENT);
}

Test(p1_telegram, reads_what_is_hardly_a_telegram)
{
    static const char *const texts[] = {"",     "/",     "!",    "/!",        "/A",
                                        "/A\n", "/A\n!", "\r\n", "/\r\n\r\n!"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct p1_telegram t;
        p1_telegram_read(texts[i], strlen(texts[i]), &good, &t);
        cr_expect_eq(t.lines, 0, "%zu", i);
    }
}

// A telegram that ends wherever the text does, and the status of one of its fields.
struct edge {
    char text[192];
    size_t field;
    enum p1_status status;
    char why[56];
};

#define X10 "xxxxxxxxxx"
#define X100 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10
#define HEAD "/X\r\n\r\n"

ParameterizedTestParameters(p1_telegram, reads_odd_ends_of_lines)
{
    static struct edge cases[] = {
        {HEAD "1-0:1.7.0(", FIELD(power_delivered_mw), P1_BAD, "the end behind '('"},
        {HEAD "0-0:96.13.1(", FIELD(short_code), P1_BAD, "the same of a text"},
        {HEAD "0-0:96.13.1(" X100 "x)", FIELD(short_code), P1_BAD, "101 characters"},
        {HEAD "0-0:96.13.1(" X100 ")", FIELD(short_code), P1_VALUE, "100 characters"},
        {HEAD "0-0:96.1.1(\x7f)", FIELD(equipment_id), P1_BAD, "DEL"},
        {HEAD "0-0:96.1.1(" X100 "x)", FIELD(equipment_id), P1_BAD, "101 characters, no digits"},
        {HEAD "1-3:0.2.8(50)\r\n1-3:0.2.8()\r\n", FIELD(version), P1_BAD, "a version and none"},
        {HEAD "0-0:96.13.0(41)", FIELD(message), (enum p1_status)P1_MESSAGE_PRESENT, "no line end"},
        {HEAD "0-0:96.13.0(41)x", FIELD(message), (enum p1_status)P1_MESSAGE_BAD, "more behind it"},
        {HEAD "0-0:96.13.0(41", FIELD(message), (enum p1_status)P1_MESSAGE_BAD, "no ')'"},
        {HEAD "1-0:99.97.0(1)(0-0", FIELD(failure[0].duration_s), P1_ABSENT, "no code"},
        {HEAD "1-0:99.97.0(1)(c)(000101000000W)(x)", FIELD(failure[0].duration_s), P1_BAD,
         "no duration"},
        {HEAD "1-0:99.97.0(1)(c)(000101000000W)(5*kWh)", FIELD(failure[0].duration_s), P1_BAD,
         "a duration in kWh"},
        {HEAD "0-1:24.2.1(101209112500X)(1*m3)", FIELD(mbus[0].value), P1_VALUE,
         "no season, but a value"},
        {HEAD "0-1:24.2.1(101209112500W)(x)", FIELD(mbus[0].value), P1_BAD, "no value"},
        {HEAD "0-1:24.3.0(101209110000)(00)(60", FIELD(mbus[0].value), P1_BAD, "cut"},
        {HEAD "0-1:24.3.0(101209110000)(00)(60)(1)(c)", FIELD(mbus[0].value), P1_BAD, "no unit"},
        {HEAD "0-1:24.3.0(101209110000)(00)(60)(1)(c)(q)", FIELD(mbus[0].value), P1_BAD,
         "no such unit"},
        {HEAD "0-1:24.3.0(101209110000)(00)(60)(1)(c)(m3", FIELD(mbus[0].value), P1_BAD,
         "the end behind the unit"},
        {HEAD "0-1:24.3.0(101209110000)(00)(60)(1)(c)(m3)", FIELD(mbus[0].value), P1_BAD,
         "no second line"},
        {HEAD "0-1:24.3.0(101209110000)(00)(60)(1)(c)(m3)\r\n(x)", FIELD(mbus[0].value), P1_BAD,
         "no number on it"},
        {HEAD "0-1:24.3.0(101209110000)(00)(60)(1)(c)(m3)\r\n(1*m3)", FIELD(mbus[0].value), P1_BAD,
         "a unit on it, too"},
        {HEAD "0-1:24.3.0(101209110000)(00)(60)(1)(c)(GJ)\r\n(9223372036854775)",
         FIELD(mbus[0].value), P1_BAD, "more than fits"},
        {"/" X100 "x\r\n\r\n", FIELD(identification), P1_BAD, "a header of 101 characters"},
        {HEAD "\n\n1-0:1.7.0(1*kW)", FIELD(power_delivered_mw), P1_VALUE, "bare line feeds"},
    };
    return cr_make_param_array(struct edge, cases, COUNT(cases));
}

ParameterizedTest(struct edge *c, p1_telegram, reads_odd_ends_of_lines)
{
    static struct p1_telegram t;
    size_t len = strlen(c->text);
    char *text = malloc(len); // as long as it is, so that reading on is noticed
    memcpy(text, c->text, len);
    p1_telegram_read(text, len, &good, &t);
    free(text);
    enum p1_status status;
    memcpy(&status, (const char *)&t + c->field, sizeof status);
    cr_expect_eq(status, c->status, "%s: %d", c->why, (int)status);
}

Test(p1_telegram, knows_the_versions_of_control)
{
    static const struct {
        const char *version;
        bool is_known;
    } cases[] = {
        {"40", true},      {"42", true},     {"50", true},     {"50200", true},  {"50299", true},
        {"50217", true},   {"30", false},    {"4", false},     {"500", false},   {"5021", false},
        {"502170", false}, {"50117", false}, {"502:0", false}, {"502/0", false}, {"5020:", false},
        {"5020/", false},  {"", false},
    };
    static struct p1_telegram t;
    char lines[64];
    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(lines, sizeof lines, "1-3:0.2.8(%s)|0-0:96.13.0()|", cases[i].version);
        read_lines(lines, &t);
        cr_expect_eq(p1_telegram_trust(&t), cases[i].is_known ? P1_TRUSTED : P1_TRUST_VERSION, "%s",
                     cases[i].version);
    }
}
