// SPDX-License-Identifier: Apache-2.0

#include "wire/obis.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct code {
    char text[40];
    enum err err;
    int a, b, c, d, e; // a -1: none that a table can have
    char why[48];
};

ParameterizedTestParameters(obis, reads_codes)
{
    static struct code cases[] = {
        {"1-0:1.8.1(000051.775*kWh)", ERR_NONE, 1, 0, 1, 8, 1, "with a line behind it"},
        {"1-0:1.8.1(", ERR_NONE, 1, 0, 1, 8, 1, "at the end of all"},
        {"0-4:96.14.0(0001)", ERR_NONE, 0, 4, 96, 14, 0, "a channel, long"},
        {"1-0:99.97.0()\r\n", ERR_NONE, 1, 0, 99, 97, 0, "an empty value"},
        {"1-0:1.8.1*255(000051.775*kWh)", ERR_NONE, 1, 0, 1, 8, 1, "with F"},
        {"1-0:31.4.0(1)", ERR_NONE, 1, 0, 31, 4, 0, "unknown here, but a code"},
        {"1-65:1.8.0(000051.775)", ERR_NONE, -1, 0, 0, 0, 0, "a B that no table has"},
        {"1-0:128.7.0(1)", ERR_NONE, -1, 0, 0, 0, 0, "a C that no table has"},
        {"1-0:96.96.96(1)", ERR_NONE, -1, 0, 0, 0, 0, "too many digits"},
        {"1-0:1.8.256(1)", ERR_NONE, -1, 0, 0, 0, 0, "above 255"},
        {"1-0:1.8.99999999999999(1)", ERR_SYNTAX, 0, 0, 0, 0, 0, "far above"},
        {"1-0:1.8(1)", ERR_SYNTAX, 0, 0, 0, 0, 0, "no E"},
        {"1-0:1..1(1)", ERR_SYNTAX, 0, 0, 0, 0, 0, "no D"},
        {"1.0:1.8.1(1)", ERR_SYNTAX, 0, 0, 0, 0, 0, "'.' for '-'"},
        {"1-0:1.8.1", ERR_SYNTAX, 0, 0, 0, 0, 0, "no '('"},
        {"1-0:1.8.1*255", ERR_SYNTAX, 0, 0, 0, 0, 0, "no '(' behind F"},
        {"-0:1.8.1(1)", ERR_SYNTAX, 0, 0, 0, 0, 0, "no A"},
        {"", ERR_SYNTAX, 0, 0, 0, 0, 0, "nothing"},
    };
    return cr_make_param_array(struct code, cases, COUNT(cases));
}

ParameterizedTest(struct code *c, obis, reads_codes)
{
    const char *at = c->text;
    uint64_t code = 42;
    cr_assert_eq(obis_code(&at, c->text + strlen(c->text), &code), c->err, "%s", c->why);
    if (c->err) {
        cr_expect_eq(at, c->text, "%s: untouched", c->why);
        cr_expect_eq(code, 42, "%s: untouched", c->why);
        return;
    }
    cr_expect_eq(at, strchr(c->text, '(') + 1, "%s", c->why);
    if (c->a >= 0)
        cr_expect_eq(code, OBIS(c->a, c->b, c->c, c->d, c->e), "%s", c->why);
    else
        for (int i = 0; i < 16 * 16 * 32 * 32 * 8; i++) // the larger part of all tables
            cr_assert_neq(code, OBIS(i & 15, i >> 4 & 15, i >> 8 & 31, i >> 13 & 31, i >> 18 & 7),
                          "%s", c->why);
}

struct number {
    char text[40];
    enum err err;
    enum obis_unit unit;
    int64_t milli;
    char why[48];
};

ParameterizedTestParameters(obis, reads_numbers)
{
    static struct number cases[] = {
        {"000051.775*kWh)", ERR_NONE, OBIS_WH, 51775000, "F9(3,3) of the standard"},
        {"999999.999*kWh)", ERR_NONE, OBIS_WH, 999999999000, "the most of it"},
        {"00.519*kW)", ERR_NONE, OBIS_W, 519000, "F5(3,3)"},
        {"229.1*V)", ERR_NONE, OBIS_V, 229100, "F4(1,1)"},
        {"005*A)", ERR_NONE, OBIS_A, 5000, "F3(0,0)"},
        {"1.23*A)", ERR_NONE, OBIS_A, 1230, "hundredths, Belgium"},
        {"01234.567*m3)", ERR_NONE, OBIS_M3, 1234567, "gas"},
        {"01234.567*m\xB3)", ERR_NONE, OBIS_M3, 1234567, "gas, Latin-1"},
        {"01234.567*m\xC2\xB3)", ERR_NONE, OBIS_M3, 1234567, "gas, UTF-8"},
        {"0000051775*Wh)", ERR_NONE, OBIS_WH, 51775000, "Wh, Austria"},
        {"519*W)", ERR_NONE, OBIS_W, 519000, "W"},
        {"5230*mA)", ERR_NONE, OBIS_A, 5230, "mA"},
        {"229100*mV)", ERR_NONE, OBIS_V, 229100, "mV"},
        {"0.001*MWh)", ERR_NONE, OBIS_WH, 1000000, "MWh"},
        {"12.345*GJ)", ERR_NONE, OBIS_J, 12345000000000, "heat"},
        {"000051.775kWh)", ERR_NONE, OBIS_WH, 51775000, "no '*'"},
        {"00013)", ERR_NONE, OBIS_PLAIN, 13000, "a count"},
        {"2147483647)", ERR_NONE, OBIS_PLAIN, 2147483647000, "a count above 31 bits"},
        {"0000000240*s)", ERR_NONE, OBIS_S, 240000, "seconds"},
        {"-1.5*kW)", ERR_NONE, OBIS_W, -1500000, "below zero"},
        {"1.23456789*kWh)", ERR_NONE, OBIS_WH, 1234567, "more decimals than we keep"},
        {"1.*kW)", ERR_NONE, OBIS_W, 1000000, "nothing behind the point"},
        {".5*kW)", ERR_NONE, OBIS_W, 500000, "nothing in front of it"},
        {"0000000000000000.01*V)", ERR_NONE, OBIS_V, 10, "eighteen digits"},
        {"00000000000000000.01*V)", ERR_RANGE, OBIS_V, 0, "nineteen"},
        {"12345678901234567890123*V)", ERR_RANGE, OBIS_V, 0, "far more"},
        {"123456789.1234567890*V)", ERR_RANGE, OBIS_V, 0, "nineteen with a point"},
        {"12345678901.12345678*V)", ERR_RANGE, OBIS_V, 0, "nineteen, the last eight at once"},
        {"9223372036854*MWh)", ERR_RANGE, OBIS_V, 0, "does not fit 64 bits"},
        {"51.775*kwh)", ERR_SYNTAX, OBIS_V, 0, "unit in lower case"},
        {"51.775*)", ERR_SYNTAX, OBIS_V, 0, "'*' and no unit"},
        {"51.775*kWhh)", ERR_SYNTAX, OBIS_V, 0, "unit too long"},
        {"51.775*kWh", ERR_SYNTAX, OBIS_V, 0, "no ')'"},
        {"51.775", ERR_SYNTAX, OBIS_V, 0, "no end"},
        {"51.7.5*kWh)", ERR_SYNTAX, OBIS_V, 0, "two points"},
        {"51,775*kWh)", ERR_SYNTAX, OBIS_V, 0, "a comma"},
        {"5\xB1.775*kWh)", ERR_SYNTAX, OBIS_V, 0, "a flipped bit"},
        {"5/.775*kWh)", ERR_SYNTAX, OBIS_V, 0, "just below the digits"},
        {"5:.775*kWh)", ERR_SYNTAX, OBIS_V, 0, "just above"},
        {"*kWh)", ERR_SYNTAX, OBIS_V, 0, "no digits"},
        {".*kWh)", ERR_SYNTAX, OBIS_V, 0, "a point only"},
        {"-)", ERR_SYNTAX, OBIS_V, 0, "a sign only"},
        {")", ERR_SYNTAX, OBIS_V, 0, "empty"},
        {"", ERR_SYNTAX, OBIS_V, 0, "nothing"},
    };
    return cr_make_param_array(struct number, cases, COUNT(cases));
}

// The reader looks at eight octets where there are as many, so try with and without more.
ParameterizedTest(struct number *c, obis, reads_numbers)
{
    char text[64];
    for (size_t more = 0; more <= 9; more++) {
        size_t len = strlen(c->text);
        if (more > 0 && !strchr(c->text, ')'))
            break;
        memcpy(text, c->text, len);
        memcpy(text + len, "\r\n1-0:1.7.0", more);
        const char *at = text;
        int64_t milli = 42;
        enum obis_unit unit = OBIS_S;
        enum err err = obis_number(&at, text + len + more, &milli, &unit);
        cr_assert_eq(err, c->err, "%s, %zu more: %s", c->why, more, err_name(err));
        if (err) {
            cr_expect_eq(milli, 42, "%s: untouched", c->why);
            cr_expect_eq(at, text, "%s: untouched", c->why);
            continue;
        }
        cr_expect_eq(milli, c->milli, "%s: %jd", c->why, (intmax_t)milli);
        cr_expect_eq(unit, c->unit, "%s: %s", c->why, obis_unit_name(unit));
        cr_expect_eq(at, text + len - 1, "%s", c->why);
    }
}

Test(obis, reads_a_unit_alone)
{
    const char text[] = "m3)", *at = text;
    enum obis_unit unit;
    int exponent;
    cr_assert_eq(obis_unit(&at, text + 3, &unit, &exponent), ERR_NONE);
    cr_expect_eq(at, text + 2);
    cr_expect_str_eq(obis_unit_name(unit), "m3");
    cr_expect_eq(exponent, 3);
}
