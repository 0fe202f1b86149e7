// SPDX-License-Identifier: Apache-2.0

#include "services/p3/head_end.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct errand errand = {
    .profile = "01941f29-7c00-7aaa-8bbb-0123456789ab",
    .text = "abc",
};

// SHA-256 of "abc": FIPS 180-4, example 1.
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ID "\"id\":\"01941f29-7c00-7aaa-8bbb-0123456789ab\""

struct said {
    char payload[200];
    enum route_status status;
    char cause[ROUTE_CAUSE_LEN + 1];
    char why[48];
};

ParameterizedTestParameters(head_end, reads_an_answer)
{
    static struct said cases[] = {
        {"{" ID ",\"status\":\"verified\",\"digest\":\"" ABC "\"}", ROUTE_VERIFIED, "",
         "as agreed"},
        {"{" ID ",\"status\":\"verified\",\"cause\":\"\",\"digest\":\"" ABC "\",\"x\":[1]}",
         ROUTE_VERIFIED, "", "unknown members are ignored"},
        {"{" ID ",\"status\":\"verified\",\"digest\":\"aa\"}", ROUTE_RETRY, "digest-differs",
         "the meter holds another text"},
        {"{" ID ",\"status\":\"verified\"}", ROUTE_RETRY, "bad-answer", "verified without proof"},
        {"{" ID ",\"status\":\"written\"}", ROUTE_WRITTEN, "", "not read back"},
        {"{" ID ",\"status\":\"written\",\"digest\":\"aa\"}", ROUTE_RETRY, "digest-differs",
         "written, and read back wrong"},
        {"{" ID ",\"status\":\"retry\",\"cause\":\"no-route\"}", ROUTE_RETRY, "no-route", ""},
        {"{" ID ",\"status\":\"refused\",\"cause\":\"too-long\"}", ROUTE_REFUSED, "too-long", ""},
        {"{" ID ",\"status\":\"retry\"}", ROUTE_RETRY, "not-told", "no cause"},
        {"{" ID ",\"status\":\"refused\",\"cause\":\"<b>\"}", ROUTE_REFUSED, "not-told",
         "a cause that could forge a page"},
        {"{" ID ",\"status\":\"retry\",\"cause\":\"a-cause-that-is-longer-than-32-char\"}",
         ROUTE_RETRY, "not-told", "a cause too long"},
        {"{" ID ",\"status\":\"resting\"}", ROUTE_RETRY, "bad-answer", "unknown status"},
        {"{\"id\":\"x\",\"status\":\"written\"}", ROUTE_RETRY, "bad-answer", "another message"},
        {"{" ID ",\"status\":7}", ROUTE_RETRY, "bad-answer", "wrong type"},
        {"{" ID ",\"status\":\"written\",\"status\":\"refused\"}", ROUTE_RETRY, "bad-answer",
         "a member twice"},
        {"{" ID "}", ROUTE_RETRY, "bad-answer", "no status"},
        {"verified", ROUTE_RETRY, "bad-answer", "not JSON"},
        {"", ROUTE_RETRY, "bad-answer", "nothing"},
        {"[]", ROUTE_RETRY, "bad-answer", "not an object"},
    };
    return cr_make_param_array(struct said, cases, COUNT(cases));
}

ParameterizedTest(struct said *c, head_end, reads_an_answer)
{
    struct route_answer answer = {.status = ROUTE_STATUSES};
    head_end_read_answer(&errand, c->payload, strlen(c->payload), &answer);
    cr_expect_eq(answer.status, c->status, "%s %s", c->payload, c->why);
    cr_expect_str_eq(answer.cause, c->cause, "%s %s", c->payload, c->why);
}

Test(head_end, refuses_a_long_answer)
{
    static char payload[5000];
    struct route_answer answer;
    // Blanks before it are fine in JSON, but not thousands.
    snprintf(payload, sizeof payload, "%100s", "{" ID ",\"status\":\"written\"}");
    head_end_read_answer(&errand, payload, strlen(payload), &answer);
    cr_expect_eq(answer.status, ROUTE_WRITTEN);
    snprintf(payload, sizeof payload, "%4900s", "{" ID ",\"status\":\"written\"}");
    head_end_read_answer(&errand, payload, strlen(payload), &answer);
    cr_expect_eq(answer.status, ROUTE_RETRY);
}
