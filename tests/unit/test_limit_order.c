// SPDX-License-Identifier: Apache-2.0

#include "services/audit/limit_order.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define NOW INT64_C(1768410960) // 2026-01-14T17:16:00Z
#define END "\"until\":\"2026-01-14T19:00:00Z\",\"reason\":\"work\"}"

struct good {
    char text[160];
    char place[16], id[16], per[16];
    int32_t limit_w;
};

ParameterizedTestParameters(limit_order, takes)
{
    static struct good cases[] = {
        {"{\"transformer\":\"T1\",\"phase_w\":30000," END, "transformer", "T1", "phase", 30000},
        {"{\"feeder\":\"F-1\",\"connection_w\":0," END, "feeder", "F-1", "connection", 0},
        {"{\"charger\":\"C01\",\"connection_w\":1000000000," END, "charger", "C01", "connection",
         1000000000},
    };
    return cr_make_param_array(struct good, cases, COUNT(cases));
}

ParameterizedTest(struct good *c, limit_order, takes)
{
    struct limit_order order;
    char *fault;
    cr_assert_eq(limit_order_read(c->text, strlen(c->text), NOW, &order, &fault), ERR_NONE, "%s",
                 c->text);
    cr_expect_null(fault);
    cr_expect_str_eq(order.place, c->place);
    cr_expect_str_eq(order.id, c->id);
    cr_expect_str_eq(order.per, c->per);
    cr_expect_eq(order.limit_w, c->limit_w);
    cr_expect_eq(order.until, INT64_C(1768417200));
    cr_expect_str_eq(order.reason, "work");
}

struct bad {
    char text[160], fault[24];
    enum err err;
};

ParameterizedTestParameters(limit_order, refuses)
{
    static struct bad cases[] = {
        {"", "a JSON object", ERR_SYNTAX},
        {"7", "a JSON object", ERR_SYNTAX},
        {"{\"transformer\":\"T1\",\"transformer\":\"T2\",\"phase_w\":1," END, "a JSON", ERR_SYNTAX},
        {"{\"transformer\":\"T1\",\"phase\":1," END, "there is a member", ERR_SYNTAX},
        {"{\"phase_w\":1," END, "transformer: ", ERR_SYNTAX},
        {"{\"transformer\":7,\"phase_w\":1," END, "transformer: ", ERR_SYNTAX},
        {"{\"transformer\":\"T1\",\"charger\":\"C\",\"phase_w\":1," END, "charger: only",
         ERR_SYNTAX},
        {"{\"transformer\":\"T1\"," END, "phase_w: ", ERR_SYNTAX},
        {"{\"transformer\":\"T1\",\"phase_w\":\"1\"," END, "phase_w: ", ERR_SYNTAX},
        {"{\"transformer\":\"T1\",\"phase_w\":-1," END, "phase_w: ", ERR_RANGE},
        {"{\"transformer\":\"T1\",\"connection_w\":1000000001," END, "connection_w: ", ERR_RANGE},
        {"{\"transformer\":\"T1\",\"phase_w\":1,\"reason\":\"x\"}", "until: ", ERR_SYNTAX},
        {"{\"transformer\":\"T1\",\"phase_w\":1,\"until\":\"2026-01-14T17:16:00Z\",\"reason\":"
         "\"x\"}",
         "until: ", ERR_RANGE},
        {"{\"transformer\":\"T1\",\"phase_w\":1,\"until\":\"2026-02-15T17:16:00Z\",\"reason\":"
         "\"x\"}",
         "until: ", ERR_RANGE},
        {"{\"transformer\":\"T1\",\"phase_w\":1,\"until\":\"2026-01-14T19:00:00Z\"}",
         "reason: ", ERR_SYNTAX},
        {"{\"transformer\":\"T1\",\"phase_w\":1,\"until\":\"2026-01-14T19:00:00Z\",\"reason\":"
         "\"\"}",
         "reason: ", ERR_SYNTAX},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, limit_order, refuses)
{
    struct limit_order order = {.limit_w = 42};
    char *fault;
    enum err err = limit_order_read(c->text, strlen(c->text), NOW, &order, &fault);
    cr_assert_eq(err, c->err, "%s: %s", c->text, err_name(err));
    cr_expect(!strncmp(fault, c->fault, strlen(c->fault)), "%s: %s", c->text, fault);
    cr_expect_eq(order.limit_w, 42);
    free(fault);
}

Test(limit_order, takes_a_reason_of_one_line_and_300_octets)
{
    char text[600], reason[LIMIT_REASON_MAX + 2] = {0};
    static const char form[] = "{\"feeder\":\"F1\",\"phase_w\":1,"
                               "\"until\":\"2026-01-14T19:00:00Z\",\"reason\":\"%s\"}";
    struct limit_order order;
    char *fault;
    memset(reason, 'x', LIMIT_REASON_MAX);
    snprintf(text, sizeof text, form, reason);
    cr_expect_eq(limit_order_read(text, strlen(text), NOW, &order, &fault), ERR_NONE);
    cr_expect_str_eq(order.reason, reason);
    reason[LIMIT_REASON_MAX] = 'x';
    snprintf(text, sizeof text, form, reason);
    cr_expect_eq(limit_order_read(text, strlen(text), NOW, &order, &fault), ERR_SYNTAX);
    cr_expect_str_eq(fault, "reason: 1 to 300 octets, not only blanks");
    free(fault);
    snprintf(text, sizeof text, form, "two\\nlines");
    cr_expect_eq(limit_order_read(text, strlen(text), NOW, &order, &fault), ERR_SYNTAX);
    cr_expect_str_eq(fault, "reason: one line");
    free(fault);
}
