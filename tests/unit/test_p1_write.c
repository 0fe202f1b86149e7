// SPDX-License-Identifier: Apache-2.0

#include "wire/p1_telegram.h"
#include "wire/p1_write.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static char message[P1_WRITE_MESSAGE + 1];

static struct p1_write street_meter(void)
{
    return (struct p1_write){
        .version = P1_WRITE_SMR_50,
        .identification = "SOC5\\2M7-0001",
        .utc = 1541509214,
        .equipment_id = "E0043007014219818",
        .phases = 3,
        .tariff = 2,
        .energy_delivered_wh = {51775123, 24413456},
        .energy_returned_wh = {1100, 999999999},
        .power_delivered_w = {1200, 2300, 519},
        .power_returned_w = {0, 10, 99},
        .voltage_mv = {229199, 230200, 231300},
        .current_ma = {5999, 10000, 2000},
        .failures = 13,
        .long_failures = 2,
        .gas_id = "G0043007014219818",
        .gas_utc = 1541509200,
        .gas_dm3 = 1234567,
    };
}

// Read back what was written.
static void read_back(const char *text, size_t len, struct p1_telegram *t)
{
    struct p1_reader *reader = p1_reader_new();
    size_t used, size;
    cr_assert(p1_reader_push(reader, text, len, &used));
    cr_assert_eq(used, len);
    const char *telegram = p1_reader_telegram(reader, &size);
    p1_telegram_read(telegram, size, p1_reader_frame(reader), t);
    p1_reader_free(reader);
}

// A telegram as a whole, put together by hand after the standard; the sum was computed apart.
Test(p1_write, writes_a_telegram_to_the_letter)
{
    struct p1_write values = street_meter();
    values.phases = 1;
    values.gas_id = NULL;
    values.message = "Hi";
    values.message_len = 2;
    static const char wanted[] = "/SOC5\\2M7-0001\r\n"
                                 "\r\n"
                                 "1-3:0.2.8(50)\r\n"
                                 "0-0:1.0.0(181106140014W)\r\n"
                                 "0-0:96.1.1(4530303433303037303134323139383138)\r\n"
                                 "1-0:1.8.1(051775.123*kWh)\r\n"
                                 "1-0:1.8.2(024413.456*kWh)\r\n"
                                 "1-0:2.8.1(000001.100*kWh)\r\n"
                                 "1-0:2.8.2(999999.999*kWh)\r\n"
                                 "0-0:96.14.0(0002)\r\n"
                                 "1-0:1.7.0(01.200*kW)\r\n"
                                 "1-0:2.7.0(00.000*kW)\r\n"
                                 "0-0:96.7.21(00013)\r\n"
                                 "0-0:96.7.9(00002)\r\n"
                                 "1-0:99.97.0()\r\n"
                                 "1-0:32.32.0(00000)\r\n"
                                 "1-0:32.36.0(00000)\r\n"
                                 "0-0:96.13.0(4869)\r\n"
                                 "1-0:32.7.0(229.1*V)\r\n"
                                 "1-0:31.7.0(005*A)\r\n"
                                 "1-0:21.7.0(01.200*kW)\r\n"
                                 "1-0:22.7.0(00.000*kW)\r\n"
                                 "!9919\r\n";
    char text[P1_WRITE_MAX + 1];
    size_t len;
    cr_assert_eq(p1_write(&values, text, &len), ERR_NONE);
    cr_expect_eq(len, sizeof wanted - 1);
    cr_expect_str_eq(text, wanted);
}

Test(p1_write, is_read_back)
{
    memset(message, 'x', sizeof message - 1);
    static struct p1_telegram t;
    for (size_t len = 0; len <= P1_WRITE_MESSAGE; len += 64) {
        struct p1_write values = street_meter();
        values.message = message;
        values.message_len = len;
        char text[P1_WRITE_MAX + 1];
        size_t size;
        cr_assert_eq(p1_write(&values, text, &size), ERR_NONE);
        cr_assert_eq(size, strlen(text));
        read_back(text, size, &t);
        cr_expect_eq(p1_telegram_trust(&t), P1_TRUSTED, "%s", p1_trust_name(p1_telegram_trust(&t)));
        cr_expect_str_eq(t.identification.text, values.identification);
        cr_expect_str_eq(t.equipment_id.text, values.equipment_id);
        cr_expect_str_eq(t.version.text, "50");
        cr_expect_eq(t.time.utc, values.utc);
        cr_expect_eq(t.tariff.value, 2);
        cr_expect_eq(t.power_delivered_mw.value, 4019000);
        cr_expect_eq(t.power_returned_mw.value, 109000);
        for (int i = 0; i < 2; i++) {
            cr_expect_eq(t.energy_delivered_mwh[i + 1].value, values.energy_delivered_wh[i] * 1000);
            cr_expect_eq(t.energy_returned_mwh[i + 1].value, values.energy_returned_wh[i] * 1000);
        }
        for (int i = 0; i < 3; i++) {
            cr_expect_eq(t.voltage_mv[i].value, values.voltage_mv[i] / 100 * 100, "rounded down");
            cr_expect_eq(t.current_ma[i].value, values.current_ma[i] / 1000 * 1000);
            cr_expect_eq(t.power_delivered_phase_mw[i].value, values.power_delivered_w[i] * 1000);
            cr_expect_eq(t.power_returned_phase_mw[i].value, values.power_returned_w[i] * 1000);
        }
        cr_expect_eq(t.failures.value, 13);
        cr_expect_eq(t.long_failures.value, 2);
        cr_expect_eq(t.message.len, len);
        cr_expect_arr_eq(t.message.octets, message, len);
        cr_expect_eq(t.mbus[0].type.value, 3);
        cr_expect_str_eq(t.mbus[0].id.text, values.gas_id);
        cr_expect_eq(t.mbus[0].time.utc, values.gas_utc);
        cr_expect_eq(t.mbus[0].value.value, values.gas_dm3);
        cr_expect_eq(t.lines, 35);
        cr_expect_eq(t.bad + t.unknown, 0);
    }
}

Test(p1_write, writes_dsmr_42)
{
    struct p1_write values = street_meter();
    values.version = P1_WRITE_DSMR_42;
    values.summer = true;
    char text[P1_WRITE_MAX + 1];
    size_t len;
    cr_assert_eq(p1_write(&values, text, &len), ERR_NONE);
    static struct p1_telegram t;
    read_back(text, len, &t);
    cr_expect_eq(p1_telegram_trust(&t), P1_TRUSTED);
    cr_expect_str_eq(t.version.text, "42");
    cr_expect_eq(t.time.utc, values.utc, "by the S");
    cr_expect(strstr(text, "181106150014S"), "an hour later on the wall");
    cr_expect_eq(t.voltage_mv[0].status, P1_ABSENT, "it shows none");
    cr_expect_eq(t.short_code.status, P1_EMPTY);
    cr_expect_eq(t.message.status, P1_MESSAGE_EMPTY);
}

struct wrong {
    size_t field, size;
    int64_t value;
    char why[40];
};

#define WRONG(name, value)                                                                         \
    {                                                                                              \
        offsetof(struct p1_write, name), sizeof((struct p1_write *)0)->name, value, #name          \
    }

ParameterizedTestParameters(p1_write, refuses)
{
    static struct wrong cases[] = {
        WRONG(phases, 2),
        WRONG(phases, 0),
        WRONG(tariff, 0),
        WRONG(tariff, 3),
        WRONG(utc, 946684799),
        WRONG(utc, 4102444800),
        WRONG(energy_delivered_wh[0], 1000000000),
        WRONG(energy_delivered_wh[1], -1),
        WRONG(energy_returned_wh[1], 1000000000),
        WRONG(power_delivered_w[2], 100000),
        WRONG(power_delivered_w[0], 99999),
        WRONG(power_returned_w[1], -1),
        WRONG(voltage_mv[0], 1000000),
        WRONG(current_ma[2], 1000000),
        WRONG(failures, 100000),
        WRONG(long_failures, -1),
        WRONG(message_len, P1_WRITE_MESSAGE + 1),
        WRONG(gas_dm3, 100000000),
        WRONG(gas_utc, 0),
    };
    return cr_make_param_array(struct wrong, cases, COUNT(cases));
}

ParameterizedTest(struct wrong *c, p1_write, refuses)
{
    struct p1_write values = street_meter();
    values.message = message;
    memcpy((char *)&values + c->field, &c->value, c->size); // little end first
    char text[P1_WRITE_MAX + 1];
    size_t len;
    cr_expect_eq(p1_write(&values, text, &len), ERR_RANGE, "%s = %jd", c->why, (intmax_t)c->value);
}

Test(p1_write, refuses_texts_that_would_break_a_line)
{
    static const char *const texts[] = {
        "a\r\nb",
        "a\x7F",
        "1234567890123456789012345678901234567890123456789",
    };
    char text[P1_WRITE_MAX + 1];
    size_t len;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct p1_write values = street_meter();
        values.equipment_id = texts[i];
        cr_expect_eq(p1_write(&values, text, &len), ERR_RANGE, "%zu", i);
        values = street_meter();
        values.gas_id = texts[i];
        cr_expect_eq(p1_write(&values, text, &len), ERR_RANGE, "%zu", i);
    }
}
