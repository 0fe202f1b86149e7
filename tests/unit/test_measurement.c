// SPDX-License-Identifier: Apache-2.0

#include "wire/measurement.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define NOT MEASURED_NOT

enum { QUARTER = 1768406400 }; // 2026-01-14T16:00:00Z

static void expect_values(const struct measured *got, const struct measured *wanted,
                          const char *why)
{
    for (int i = 0; i < PHASES; i++) {
        cr_expect_eq(got->p_w[i], wanted->p_w[i], "%s: p L%d: %d", why, i + 1, got->p_w[i]);
        cr_expect_eq(got->i_ma[i], wanted->i_ma[i], "%s: i L%d: %d", why, i + 1, got->i_ma[i]);
        cr_expect_eq(got->u_mv[i], wanted->u_mv[i], "%s: u L%d: %d", why, i + 1, got->u_mv[i]);
    }
}

struct good {
    char payload[200];
    struct measured values;
    char quality[QUALITY_LEN + 1];
    char why[64];
};

ParameterizedTestParameters(measurement, reads_a_message)
{
    static struct good cases[] = {
        {"{\"quarter\":\"2026-01-14T16:00:00Z\",\"p_w\":[12000,13000,null]}",
         {{12000, 13000, NOT}, {NOT, NOT, NOT}, {NOT, NOT, NOT}},
         "good",
         "as the contract says"},
        {"{\"quarter\":\"2026-01-14T16:00:00Z\",\"p_w\":[-1,0.5,1.4],\"i_a\":[1.2345,2,null],"
         "\"u_v\":[230.1,null,231],\"quality\":\"estimated\"}",
         {{-1, 1, 1}, {1235, 2000, NOT}, {230100, NOT, 231000}},
         "estimated",
         "all of it"},
        {"{\"p_w\":[null,null,null],\"quarter\":\"2026-01-14T17:00:00+01:00\",\"i_a\":null}",
         {{NOT, NOT, NOT}, {NOT, NOT, NOT}, {NOT, NOT, NOT}},
         "good",
         "nothing known"},
        {"{\"quarter\":\"2026-01-14T16:00:00Z\",\"p_w\":[2e9,1,1],\"box\":{\"serial\":7}}",
         {{2000000000, 1, 1}, {NOT, NOT, NOT}, {NOT, NOT, NOT}},
         "good",
         "an unknown key, skipped"},
    };
    return cr_make_param_array(struct good, cases, COUNT(cases));
}

ParameterizedTest(struct good *c, measurement, reads_a_message)
{
    struct measurement m;
    struct measurement_fault fault;
    enum err err = measurement_from_json("dali/T1/F.1-a_2/quarter", c->payload, strlen(c->payload),
                                         &m, &fault);
    cr_assert_eq(err, ERR_NONE, "%s: %s %s", c->why, fault.field, fault.why);
    cr_expect_str_eq(m.transformer, "T1");
    cr_expect_str_eq(m.feeder, "F.1-a_2");
    cr_expect_eq(m.quarter, QUARTER);
    cr_expect_str_eq(m.quality, c->quality);
    expect_values(&m.values, &c->values, c->why);
}

struct bad {
    char topic[100];
    char payload[160];
    enum err err;
    char field[24];
    char why[80];
};

#define TOPIC "dali/T1/F1/quarter"
#define AT "\"quarter\":\"2026-01-14T16:00:00Z\","

ParameterizedTestParameters(measurement, refuses_a_message)
{
    static struct bad cases[] = {
        {TOPIC, "hello", ERR_SYNTAX, "",
         "is not JSON: line 1 column 5: '[' or '{' expected near 'hello'"},
        {TOPIC, "", ERR_SYNTAX, "",
         "is not JSON: line 1 column 0: '[' or '{' expected near end of file"},
        {TOPIC, "[1,2,3]", ERR_SYNTAX, "", "is not a JSON object"},
        {TOPIC, "{" AT AT "\"p_w\":[1,2,3]}", ERR_SYNTAX, "",
         "is not JSON: line 1 column 43: duplicate object key near '\"quarter\"'"},
        {TOPIC, "{\"p_w\":[1,2,3]}", ERR_SYNTAX, "quarter", "is missing or no text"},
        {TOPIC, "{\"quarter\":1768406400,\"p_w\":[1,2,3]}", ERR_SYNTAX, "quarter",
         "is missing or no text"},
        {TOPIC, "{\"quarter\":\"2026-01-14 16:00\",\"p_w\":[1,2,3]}", ERR_SYNTAX, "quarter",
         "is not a time like 2026-01-14T16:00:00Z"},
        {TOPIC, "{\"quarter\":\"2026-02-30T16:00:00Z\",\"p_w\":[1,2,3]}", ERR_RANGE, "quarter",
         "is no such time"},
        {TOPIC, "{\"quarter\":\"2026-01-14T16:00:00Z\"}", ERR_SYNTAX, "p_w", "is missing"},
        {TOPIC, "{" AT "\"p_w\":[1,2]}", ERR_SYNTAX, "p_w", "is not a list of three"},
        {TOPIC, "{" AT "\"p_w\":[1,2,3,4]}", ERR_SYNTAX, "p_w", "is not a list of three"},
        {TOPIC, "{" AT "\"p_w\":{\"0\":1}}", ERR_SYNTAX, "p_w", "is not a list of three"},
        {TOPIC, "{" AT "\"p_w\":[1,\"2\",3]}", ERR_SYNTAX, "p_w[1]",
         "is neither a number nor null"},
        {TOPIC, "{" AT "\"p_w\":[1,2,2000000001]}", ERR_RANGE, "p_w[2]", "is out of range"},
        {TOPIC, "{" AT "\"p_w\":[-1e300,2,3]}", ERR_RANGE, "p_w[0]", "is out of range"},
        {TOPIC, "{" AT "\"p_w\":[1,2,3],\"i_a\":[1,2,true]}", ERR_SYNTAX, "i_a[2]",
         "is neither a number nor null"},
        {TOPIC, "{" AT "\"p_w\":[1,2,3],\"u_v\":230}", ERR_SYNTAX, "u_v", "is not a list of three"},
        {TOPIC, "{" AT "\"p_w\":[1,2,3],\"quality\":\"very good\"}", ERR_SYNTAX, "quality",
         "is not a word"},
        {TOPIC, "{" AT "\"p_w\":[1,2,3]} x", ERR_SYNTAX, "",
         "is not JSON: line 1 column 50: end of file expected near 'x'"},
        {"dali/T1/quarter", "{}", ERR_SYNTAX, "topic",
         "is not dali/<transformer>/<feeder>/quarter"},
        {"dali/T1/F1/quarter/x", "{}", ERR_SYNTAX, "topic",
         "is not dali/<transformer>/<feeder>/quarter"},
        {"dali/T1/F1/quarters", "{}", ERR_SYNTAX, "topic",
         "is not dali/<transformer>/<feeder>/quarter"},
        {"dali//F1/quarter", "{}", ERR_SYNTAX, "topic", "does not name a transformer"},
        {"dali/T1/F 1/quarter", "{}", ERR_SYNTAX, "topic", "does not name a feeder"},
        {"dali/T1/-F1/quarter", "{}", ERR_SYNTAX, "topic", "does not name a feeder"},
        {"", "{}", ERR_SYNTAX, "topic", "is not dali/<transformer>/<feeder>/quarter"},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, measurement, refuses_a_message)
{
    struct measurement m = {.quarter = 42};
    struct measurement_fault fault;
    enum err err = measurement_from_json(c->topic, c->payload, strlen(c->payload), &m, &fault);
    cr_expect_eq(err, c->err, "%s: %s", c->payload, err_name(err));
    cr_expect_str_eq(fault.field, c->field, "%s: %s", c->payload, fault.field);
    cr_expect_str_eq(fault.why, c->why, "%s: %s", c->payload, fault.why);
    cr_expect_eq(m.quarter, 42, "%s: the result must stay untouched", c->payload);
}

struct line {
    char header[160];
    char line[160];
    struct measured values;
    char quality[QUALITY_LEN + 1];
    char why[64];
};

#define HEADER "feeder,quarter,p_l1_w,p_l2_w,p_l3_w"

ParameterizedTestParameters(measurement, reads_a_line)
{
    static struct line cases[] = {
        {HEADER,
         "F1,2026-01-14T16:00:00Z,1000,-2000,0",
         {{1000, -2000, 0}, {NOT, NOT, NOT}, {NOT, NOT, NOT}},
         "good",
         "the five columns"},
        {"p_l3_w,p_l1_w,quarter,p_l2_w,feeder",
         "3,1,2026-01-14T16:00:00Z,2,F1",
         {{1, 2, 3}, {NOT, NOT, NOT}, {NOT, NOT, NOT}},
         "good",
         "in another order"},
        {HEADER ",u_l1_v,i_l3_a,quality",
         "F1,2026-01-14T16:00:00Z,1.4,1.5,-1.5,230.1,.25099,bad",
         {{1, 2, -2}, {NOT, NOT, 250}, {230100, NOT, NOT}},
         "bad",
         "with more of them"},
        {HEADER ",quality",
         "F1,2026-01-14T16:00:00Z,,+7,,",
         {{NOT, 7, NOT}, {NOT, NOT, NOT}, {NOT, NOT, NOT}},
         "good",
         "empty fields"},
        {" feeder , \"quarter\",p_l1_w,p_l2_w,p_l3_w",
         "\"F1\" , 2026-01-14T16:00:00Z,\"1000\", 2 ,\"\"",
         {{1000, 2, NOT}, {NOT, NOT, NOT}, {NOT, NOT, NOT}},
         "good",
         "blanks and quotes"},
        {HEADER,
         "F1,2026-01-14T16:00:00Z,0.00049999,2000000000.000,-2000000000",
         {{0, 2000000000, -2000000000}, {NOT, NOT, NOT}, {NOT, NOT, NOT}},
         "good",
         "the ends"},
    };
    return cr_make_param_array(struct line, cases, COUNT(cases));
}

ParameterizedTest(struct line *c, measurement, reads_a_line)
{
    struct measurement_header header;
    struct measurement m;
    struct measurement_fault fault;
    enum err err = measurement_csv_header(c->header, strlen(c->header), &header, &fault);
    cr_assert_eq(err, ERR_NONE, "%s: %s %s", c->why, fault.field, fault.why);
    err = measurement_csv_line(&header, c->line, strlen(c->line), &m, &fault);
    cr_assert_eq(err, ERR_NONE, "%s: %s %s", c->why, fault.field, fault.why);
    cr_expect_str_eq(m.feeder, "F1");
    cr_expect_str_eq(m.transformer, "");
    cr_expect_eq(m.quarter, QUARTER);
    cr_expect_str_eq(m.quality, c->quality);
    expect_values(&m.values, &c->values, c->why);
}

struct bad_line {
    char line[100];
    enum err err;
    int column;
    char field[24];
    char why[80];
};

ParameterizedTestParameters(measurement, refuses_a_line)
{
    static struct bad_line cases[] = {
        {"F1,2026-01-14T16:00:00Z,1,abc,3", ERR_SYNTAX, 4, "p_l2_w", "\"abc\" is not a number"},
        {"F1,2026-01-14T16:00:00Z,1,2e3,3", ERR_SYNTAX, 4, "p_l2_w", "\"2e3\" is not a number"},
        {"F1,2026-01-14T16:00:00Z,1,-,3", ERR_SYNTAX, 4, "p_l2_w", "\"-\" is not a number"},
        {"F1,2026-01-14T16:00:00Z,1,.,3", ERR_SYNTAX, 4, "p_l2_w", "\".\" is not a number"},
        {"F1,2026-01-14T16:00:00Z,1,1.2.3,3", ERR_SYNTAX, 4, "p_l2_w", "\"1.2.3\" is not a number"},
        {"F1,2026-01-14T16:00:00Z,1,nan,3", ERR_SYNTAX, 4, "p_l2_w", "\"nan\" is not a number"},
        {"F1,2026-01-14T16:00:00Z,1,2,2000000000.001", ERR_RANGE, 5, "p_l3_w",
         "\"2000000000.001\" is out of range"},
        {"F1,2026-01-14T16:00:00Z,99999999999999999999999999,2,3", ERR_RANGE, 3, "p_l1_w",
         "\"99999999999999999999999999\" is out of range"},
        {"F1,2026-01-14 16:00,1,2,3", ERR_SYNTAX, 2, "quarter",
         "is not a time like 2026-01-14T16:00:00Z"},
        {"F1,2026-13-14T16:00:00Z,1,2,3", ERR_RANGE, 2, "quarter", "is no such time"},
        {",2026-01-14T16:00:00Z,1,2,3", ERR_SYNTAX, 1, "feeder", "\"\" is not an identifier"},
        {"F/1,2026-01-14T16:00:00Z,1,2,3", ERR_SYNTAX, 1, "feeder", "\"F/1\" is not an identifier"},
        {"F1,2026-01-14T16:00:00Z,1,2", ERR_SYNTAX, 4, "", "only 4 of the header's 5 columns"},
        {"F1", ERR_SYNTAX, 1, "", "only 1 of the header's 5 columns"},
        {"F1,2026-01-14T16:00:00Z,1,2,3,", ERR_SYNTAX, 6, "", "more columns than the header's 5"},
    };
    return cr_make_param_array(struct bad_line, cases, COUNT(cases));
}

ParameterizedTest(struct bad_line *c, measurement, refuses_a_line)
{
    struct measurement_header header;
    struct measurement m = {.quarter = 42};
    struct measurement_fault fault;
    cr_assert_eq(measurement_csv_header(HEADER, strlen(HEADER), &header, &fault), ERR_NONE);
    enum err err = measurement_csv_line(&header, c->line, strlen(c->line), &m, &fault);
    cr_expect_eq(err, c->err, "%s: %s", c->line, err_name(err));
    cr_expect_eq(fault.column, c->column, "%s: column %d", c->line, fault.column);
    cr_expect_str_eq(fault.field, c->field, "%s: %s", c->line, fault.field);
    cr_expect_str_eq(fault.why, c->why, "%s: %s", c->line, fault.why);
    cr_expect_eq(m.quarter, 42, "%s: the result must stay untouched", c->line);
}

struct bad_header {
    char header[100];
    int column;
    char field[24];
    char why[60];
};

ParameterizedTestParameters(measurement, refuses_a_header)
{
    static struct bad_header cases[] = {
        {"feeder,quarter,p_l1_w,p_l2_w", 0, "p_l3_w", "is missing in the header"},
        {"quarter,p_l1_w,p_l2_w,p_l3_w", 0, "feeder", "is missing in the header"},
        {HEADER ",p_l1_w", 6, "p_l1_w", "is there twice"},
        {HEADER ",i_l4_a", 6, "", "no such column: \"i_l4_a\""},
        {"F1,2026-01-14T16:00:00Z,1,2,3", 1, "", "no such column: \"F1\""},
        {"", 1, "", "no such column: \"\""},
    };
    return cr_make_param_array(struct bad_header, cases, COUNT(cases));
}

ParameterizedTest(struct bad_header *c, measurement, refuses_a_header)
{
    struct measurement_header header = {.count = 42};
    struct measurement_fault fault;
    enum err err = measurement_csv_header(c->header, strlen(c->header), &header, &fault);
    cr_expect_eq(err, ERR_SYNTAX, "%s", c->header);
    cr_expect_eq(fault.column, c->column, "%s: column %d", c->header, fault.column);
    cr_expect_str_eq(fault.field, c->field, "%s: %s", c->header, fault.field);
    cr_expect_str_eq(fault.why, c->why, "%s: %s", c->header, fault.why);
    cr_expect_eq(header.count, 42, "%s: the result must stay untouched", c->header);
}

Test(measurement, knows_identifiers)
{
    char longest[IDENTIFIER_LEN + 1];
    memset(longest, 'a', sizeof longest);
    cr_expect(measurement_is_identifier("T1", 2));
    cr_expect(measurement_is_identifier("0-a_b.C", 7));
    cr_expect(measurement_is_identifier(longest, IDENTIFIER_LEN));
    cr_expect_not(measurement_is_identifier(longest, IDENTIFIER_LEN + 1));
    cr_expect_not(measurement_is_identifier("", 0));
    cr_expect_not(measurement_is_identifier(".a", 2));
    cr_expect_not(measurement_is_identifier("a+", 2), "a wildcard of MQTT");
    cr_expect_not(measurement_is_identifier("a\xc3\xa9", 3));
}
