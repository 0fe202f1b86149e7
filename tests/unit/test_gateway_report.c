// SPDX-License-Identifier: Apache-2.0

#include "services/ingest/gateway_report.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define DIGEST "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define AT "\"at\":\"2026-01-14T16:00:00.5Z\""

struct topic {
    char topic[80];
    enum err err;
    enum report_kind kind;
};

ParameterizedTestParameters(gateway_report, reads_a_topic)
{
    static struct topic cases[] = {
        {"socmod/v1/gateway/E0051/receipt", ERR_NONE, REPORT_RECEIPT},
        {"socmod/v1/gateway/E0051/load", ERR_NONE, REPORT_LOAD},
        {"socmod/v1/gateway/E0051/status", ERR_NONE, REPORT_STATUS},
        {"socmod/v1/gateway/E0051/statuses", ERR_SYNTAX, 0},
        {"socmod/v1/gateway/E0051/load/x", ERR_SYNTAX, 0},
        {"socmod/v1/gateway/E0051", ERR_SYNTAX, 0},
        {"socmod/v1/gateway//load", ERR_SYNTAX, 0},
        {"socmod/v1/gateway/E-0051/load", ERR_SYNTAX, 0},
        {"socmod/v1/gateways/E0051/load", ERR_SYNTAX, 0},
        {"socmod/v1/gateway/0123456789012345678901234567890123456789012345678/load", ERR_SYNTAX, 0},
    };
    return cr_make_param_array(struct topic, cases, COUNT(cases));
}

ParameterizedTest(struct topic *c, gateway_report, reads_a_topic)
{
    enum report_kind kind = REPORT_KINDS;
    char id[EQUIPMENT_ID_LEN + 1] = "before";
    cr_expect_eq(report_topic(c->topic, &kind, id), c->err, "%s", c->topic);
    cr_expect_eq(kind, c->err ? REPORT_KINDS : c->kind, "%s", c->topic);
    cr_expect_str_eq(id, c->err ? "before" : "E0051", "%s", c->topic);
}

struct good {
    enum report_kind kind;
    char payload[300];
    char report[300];
    char why[48];
};

ParameterizedTestParameters(gateway_report, reads_a_report)
{
    static struct good cases[] = {
        {REPORT_RECEIPT,
         "{" AT ",\"state\":\"applied\",\"digest\":\"" DIGEST "\",\"mode\":\"limited\","
         "\"reason\":\"period 2 of 3\",\"limit_w\":6000,\"register\":\"60 x 100 W\","
         "\"register_w\":6000,\"more\":1}",
         "{" AT ",\"state\":\"applied\",\"digest\":\"" DIGEST "\",\"mode\":\"limited\","
         "\"reason\":\"period 2 of 3\",\"limit_w\":6000,\"register\":\"60 x 100 W\","
         "\"register_w\":6000}",
         "all of a receipt"},
        {REPORT_RECEIPT,
         "{" AT ",\"state\":\"ended\",\"digest\":\"\",\"mode\":\"own\",\"reason\":\"\","
         "\"limit_w\":null}",
         "{" AT ",\"state\":\"ended\",\"digest\":\"\",\"mode\":\"own\",\"reason\":\"\","
         "\"limit_w\":null,\"register\":null,\"register_w\":null}",
         "the least of it"},
        {REPORT_LOAD,
         "{\"quarter\":\"2026-01-14T17:00:00.25+01:00\",\"p_w\":[1.5,-2,null],\"energy_wh\":812,"
         "\"limit_w\":6000,\"mode\":\"limited\"}",
         "{\"quarter\":\"2026-01-14T16:00:00Z\",\"p_w\":[2,-2,null],\"energy_wh\":812,"
         "\"limit_w\":6000,\"mode\":\"limited\"}",
         "a load"},
        {REPORT_STATUS,
         "{\"online\":true,\"mode\":\"safe\",\"reason\":\"no telegram\","
         "\"since\":\"2026-01-14T15:00:00Z\",\"limit_w\":4200," AT "}",
         "{\"online\":true,\"mode\":\"safe\",\"reason\":\"no telegram\","
         "\"since\":\"2026-01-14T15:00:00Z\",\"limit_w\":4200," AT "}",
         "a status"},
        {REPORT_STATUS, "{\"online\":false}",
         "{\"online\":false,\"mode\":null,\"reason\":null,\"since\":null,\"limit_w\":null,"
         "\"at\":null}",
         "a last will"},
        {REPORT_STATUS, "{\"online\":false,\"mode\":\"own\",\"reason\":\"told to stop\"," AT "}",
         "{\"online\":false,\"mode\":\"own\",\"reason\":\"told to stop\",\"since\":null,"
         "\"limit_w\":null," AT "}",
         "a goodbye that says more"},
    };
    return cr_make_param_array(struct good, cases, COUNT(cases));
}

ParameterizedTest(struct good *c, gateway_report, reads_a_report)
{
    json_t *report = NULL;
    char why[REPORT_WHY_LEN] = "";
    enum err err = report_read(c->kind, c->payload, strlen(c->payload), &report, why);
    cr_assert_eq(err, ERR_NONE, "%s: %s", c->why, why);
    char *text = json_dumps(report, JSON_COMPACT);
    cr_expect_str_eq(text, c->report, "%s: %s", c->why, text);
    free(text);
    json_decref(report);
}

struct bad {
    enum report_kind kind;
    char payload[200];
    char why[80];
};

ParameterizedTestParameters(gateway_report, refuses_a_report)
{
    static struct bad cases[] = {
        {REPORT_STATUS, "online",
         "is not JSON: line 1 column 6: '[' or '{' expected near 'online'"},
        {REPORT_STATUS, "[]", "is not a JSON object"},
        {REPORT_STATUS, "{}", "online is missing"},
        {REPORT_STATUS, "{\"online\":1}", "online is neither true nor false"},
        {REPORT_STATUS, "{\"online\":true}", "mode is missing"},
        {REPORT_STATUS, "{\"online\":true,\"mode\":\"lim\"}", "mode is not a word that is known"},
        {REPORT_STATUS, "{\"online\":true,\"mode\":\"\"}", "mode is not a word that is known"},
        {REPORT_STATUS, "{\"online\":true,\"mode\":\"own\",\"reason\":\"\"}", "at is missing"},
        {REPORT_RECEIPT, "{\"state\":\"seen\"}", "at is missing"},
        {REPORT_RECEIPT, "{\"at\":\"yesterday\"}", "at is not a time like 2026-01-14T16:00:00Z"},
        {REPORT_RECEIPT, "{" AT ",\"state\":\"seen\",\"digest\":\"E3\"}",
         "digest is not a SHA-256 in lower-case hex"},
        {REPORT_RECEIPT, "{" AT ",\"state\":7}", "state is no text"},
        {REPORT_RECEIPT,
         "{" AT ",\"state\":\"seen\",\"digest\":\"\",\"mode\":\"own\",\"reason\":\"\","
         "\"limit_w\":1e10}",
         "limit_w is out of range"},
        {REPORT_LOAD, "{\"quarter\":\"2026-01-14T16:00:00Z\",\"p_w\":[1,2]}",
         "p_w is not a list of three"},
        {REPORT_LOAD, "{\"quarter\":\"2026-01-14T16:00:00Z\",\"p_w\":[1,2,\"3\"]}",
         "p_w is neither a number nor null"},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, gateway_report, refuses_a_report)
{
    json_t *report = NULL;
    char why[REPORT_WHY_LEN] = "";
    enum err err = report_read(c->kind, c->payload, strlen(c->payload), &report, why);
    cr_expect(err == ERR_SYNTAX || err == ERR_RANGE, "%s: %s", c->payload, err_name(err));
    cr_expect_null(report, "%s: the result must stay untouched", c->payload);
    cr_expect_str_eq(why, c->why, "%s: %s", c->payload, why);
}
