// SPDX-License-Identifier: Apache-2.0

#include "wire/accept.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct accept_case {
    char header[96];
    char wanted[24];
    int quality;
    char why[48];
};

ParameterizedTestParameters(accept, weighs_a_type)
{
    static struct accept_case cases[] = {
        {"text/csv", "text/csv", 1000, "itself"},
        {"TEXT/Csv", "text/csv", 1000, "in any case"},
        {"text/csv", "application/json", 0, "another"},
        {"text/*;q=0.25", "text/csv", 250, "a range"},
        {"*/*;q=0.1, text/csv;q=0.5", "text/csv", 500, "the more exact one"},
        {"text/csv;q=0.5, */*", "text/csv", 500, "in any order"},
        {"*/*", "text/csv", 1000, "whatever"},
        {"text/csv;q=0, */*", "text/csv", 0, "all but this"},
        {"text/csv;header=present;q=0.125", "text/csv", 125, "behind another parameter"},
        {" text/csv ;\tq=0.5 , x/y", "text/csv", 500, "blanks"},
        {"text/csv;q=1.000", "text/csv", 1000, "three digits"},
        {"text/csv;q=0.", "text/csv", 0, "a point and no digits"},
        {"text/csv;q=1.001", "text/csv", 0, "more than all"},
        {"text/csv;q=0.1234", "text/csv", 0, "four digits"},
        {"text/csv;q=", "text/csv", 0, "no weight"},
        {"text/csv;q=-1", "text/csv", 0, "below nothing"},
        {"text/csv;q=x, text/*", "text/csv", 1000, "what is wrong counts for nothing"},
        {"", "text/csv", 0, "nothing at all"},
        {",,;,", "text/csv", 0, "only marks"},
        {"text", "text/csv", 0, "half a type"},
        {"text/csvx", "text/csv", 0, "longer"},
        {"*", "text/csv", 0, "not a range of types"},
    };
    return cr_make_param_array(struct accept_case, cases, COUNT(cases));
}

ParameterizedTest(struct accept_case *c, accept, weighs_a_type)
{
    cr_expect_eq(accept_type(c->header, c->wanted), c->quality, "%s: %d", c->why,
                 accept_type(c->header, c->wanted));
}

ParameterizedTestParameters(accept, weighs_a_coding)
{
    static struct accept_case cases[] = {
        {"gzip, deflate, br", "gzip", 1000, "a browser"},
        {"deflate, gzip;q=0.5", "gzip", 500, "weighed"},
        {"*", "gzip", 1000, "any"},
        {"gzip;q=0, *", "gzip", 0, "any but this"},
        {"identity", "gzip", 0, "as it is"},
        {"x-gzip", "gzip", 0, "another name"},
    };
    return cr_make_param_array(struct accept_case, cases, COUNT(cases));
}

ParameterizedTest(struct accept_case *c, accept, weighs_a_coding)
{
    cr_expect_eq(accept_coding(c->header, c->wanted), c->quality, "%s: %d", c->why,
                 accept_coding(c->header, c->wanted));
}

Test(accept, a_header_that_was_not_sent)
{
    cr_expect_eq(accept_type(NULL, "text/csv"), 1000);
    cr_expect_eq(accept_coding(NULL, "gzip"), 0);
}
