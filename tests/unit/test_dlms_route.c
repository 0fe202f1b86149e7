// SPDX-License-Identifier: Apache-2.0

#include "services/p3/dlms_route.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct told {
    enum session_status status;
    char cause[24];
    size_t received;
    bool reads_back;
    enum route_status answer;
    char answered[24], detail[80], why[48];
};

ParameterizedTestParameters(dlms_route, tells_what_became_of_a_session)
{
    static struct told cases[] = {
        {SESSION_VERIFIED, "", 900, true, ROUTE_VERIFIED, "", "6 round trips, 1000 octets",
         "as it should be"},
        {SESSION_WRITTEN, "", 900, false, ROUTE_WRITTEN, "", "6 round trips, 1000 octets",
         "nobody wanted it read back"},
        {SESSION_WRITTEN, "closed", 900, true, ROUTE_WRITTEN, "unread",
         "6 round trips, 1000 octets, closed", "the line broke: worth another try"},
        {SESSION_WRITTEN, "read-write-denied", 900, true, ROUTE_WRITTEN, "read-write-denied",
         "6 round trips, 1000 octets", "will never be read back"},
        {SESSION_RETRY, "timeout", 0, true, ROUTE_RETRY, "no-answer",
         "6 round trips, 100 octets, timeout", "it never said anything"},
        {SESSION_RETRY, "timeout", 900, true, ROUTE_RETRY, "timeout", "6 round trips, 1000 octets",
         "it fell silent"},
        {SESSION_RETRY, "no-route", 0, true, ROUTE_RETRY, "no-route", "6 round trips, 100 octets",
         "not even a connection"},
        {SESSION_REFUSED, "object-undefined", 900, true, ROUTE_REFUSED, "object-undefined",
         "6 round trips, 1000 octets", "never"},
    };
    return cr_make_param_array(struct told, cases, COUNT(cases));
}

ParameterizedTest(struct told *c, dlms_route, tells_what_became_of_a_session)
{
    const struct session_result result = {
        .status = c->status,
        .cause = c->cause,
        .release = "confirmed",
        .access = SESSION_NO_RESULT,
        .diagnostic = SESSION_NO_RESULT,
        .round_trips = 6,
        .octets_sent = 100,
        .octets_received = c->received,
    };
    struct route_answer answer;
    dlms_route_answer(&result, c->reads_back, &answer);
    cr_expect_eq(answer.status, c->answer, "%s", c->why);
    cr_expect_str_eq(answer.cause, c->answered, "%s", c->why);
    cr_expect_str_eq(answer.detail, c->detail, "%s", c->why);
}

Test(dlms_route, tells_details_that_fit)
{
    const struct session_result result = {
        .status = SESSION_RETRY,
        .cause = "timeout",
        .release = "not-authentic",
        .diagnostic = 255,
        .resynchronised = true,
        .round_trips = 2147483647,
        .octets_sent = (size_t)-1,
        .public_counter = 4294967295,
    };
    struct route_answer answer;
    dlms_route_answer(&result, true, &answer);
    cr_expect_lt(strlen(answer.detail), sizeof answer.detail);
    cr_expect(strstr(answer.detail, "diagnostic 255"), "%s", answer.detail);
}
