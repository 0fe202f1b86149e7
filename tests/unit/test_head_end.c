// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/meter/head_end.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define START "{\"id\":\"0190\",\"equipment_id\":\"E1\","
#define OBJECT "\"object\":\"0-0:96.13.0.255\","
#define UNTIL "\"not_after\":\"2026-01-14T16:15:00Z\"}"

struct request {
    char payload[300];
    char why[24]; // "" where it may be carried out
    char id[8];
};

ParameterizedTestParameters(head_end, reads)
{
    static struct request cases[] = {
        {START OBJECT "\"text\":\"hello\"," UNTIL, "", "0190"},
        {START OBJECT "\"text\":\"\",\"more\":1," UNTIL, "", "0190"},
        {START "\"object\":\"0-0:96.13.1.255\",\"text\":\"hello\"," UNTIL, "object-undefined",
         "0190"},
        {START OBJECT "\"text\":\"a\\nb\"," UNTIL, "line-break", "0190"},
        {START OBJECT "\"text\":\"a\\rb\"," UNTIL, "line-break", "0190"},
        {START OBJECT "\"text\":\"a\\u0000b\"," UNTIL, "malformed", ""},
        {START OBJECT "\"text\":7," UNTIL, "malformed", "0190"},
        {START OBJECT "\"text\":\"hello\",\"not_after\":\"tomorrow\"}", "malformed", "0190"},
        {START OBJECT "\"text\":\"hello\"}", "malformed", "0190"},
        {START OBJECT "\"text\":\"hello\",\"text\":\"other\"," UNTIL, "malformed", ""},
        {"{\"id\":7}", "malformed", ""},
        {"[]", "malformed", ""},
        {"hello", "malformed", ""},
    };
    return cr_make_param_array(struct request, cases, COUNT(cases));
}

ParameterizedTest(struct request *c, head_end, reads)
{
    struct head_end_request request;
    const char *why = head_end_read(c->payload, strlen(c->payload), &request);
    cr_expect_str_eq(why ? why : "", c->why, "%s", c->payload);
    cr_expect_str_eq(request.id, c->id, "%s", c->payload);
    if (!why) {
        cr_expect_str_eq(request.equipment_id, "E1");
        cr_expect_eq(request.not_after, 1768407300);
    }
}

Test(head_end, counts_octets_of_the_text)
{
    char payload[1200], text[HEAD_END_TEXT_MAX + 2];
    memset(text, '7', sizeof text);
    text[HEAD_END_TEXT_MAX + 1] = '\0';
    struct head_end_request request;
    int len = snprintf(payload, sizeof payload, START OBJECT "\"text\":\"%s\"," UNTIL, text);
    cr_expect_str_eq(head_end_read(payload, (size_t)len, &request), "too-long");
    text[HEAD_END_TEXT_MAX] = '\0';
    len = snprintf(payload, sizeof payload, START OBJECT "\"text\":\"%s\"," UNTIL, text);
    cr_expect_null(head_end_read(payload, (size_t)len, &request));
    cr_expect_eq(request.len, HEAD_END_TEXT_MAX);
    cr_expect_str_eq(request.text, text);
}

Test(head_end, answers)
{
    char *text = head_end_answer("0190", "retry", "busy", NULL);
    cr_expect_str_eq(text, "{\"id\":\"0190\",\"status\":\"retry\",\"cause\":\"busy\"}");
    free(text);
    text = head_end_answer("0190", "verified", NULL, "ab");
    cr_expect_str_eq(text, "{\"id\":\"0190\",\"status\":\"verified\",\"digest\":\"ab\"}");
    free(text);
}
