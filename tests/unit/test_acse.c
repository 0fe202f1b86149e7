// SPDX-License-Identifier: Apache-2.0
// Figures: Green Book 8.1 clause 11 and what public test suites repeat of it.

#include "tests/unit/octets_of.h"
#include "wire/acse.h"

#include <criterion/parameterized.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct aarq {
    char hex[512];
    uint8_t context, mechanism;
    char title[20], challenge[140], user_information[160];
    char why[48];
};

ParameterizedTestParameters(acse, reads_and_writes_aarq)
{
    static struct aarq cases[] = {
        {"601DA109060760857405080101 BE10040E01000000065F1F0400007E1F04B0", ACSE_LN, ACSE_LOWEST,
         "", "", "01000000065F1F0400007E1F04B0", "lowest level"},
        {"6036A109060760857405080101 8A020780 8B0760857405080201 AC0A80083132333435363738"
         "BE10040E01000000065F1F0400007E1F04B0",
         ACSE_LN, ACSE_LLS, "", "3132333435363738", "01000000065F1F0400007E1F04B0", "password"},
        {"6036A109060760857405080101 8A020780 8B0760857405080205 AC0A80084B35366956616759"
         "BE10040E01000000065F1F0400007E1F04B0",
         ACSE_LN, ACSE_HLS_GMAC, "", "4B35366956616759", "01000000065F1F0400007E1F04B0",
         "HLS 5, plain context"},
        {"6066A109060760857405080103 A60A04084D4D4D0000BC614E 8A020780 8B0760857405080201"
         "AC0A80083132333435363738 BE34043221303001234567801302FF8A7874133D414CED25B42534D2"
         "8DB0047720606B175BD52211BE6841DB204D39EE6FDB8E356855",
         ACSE_LN_CIPHERED, ACSE_LLS, "4D4D4D0000BC614E", "3132333435363738",
         "21303001234567801302FF8A7874133D414CED25B42534D28DB0047720606B175BD52211BE6841DB204D39EE"
         "6FDB8E356855",
         "ciphered context, with the client's title"},
        {"600B A109060760857405080103", ACSE_LN_CIPHERED, ACSE_LOWEST, "", "", "",
         "as little as there can be"},
    };
    return cr_make_param_array(struct aarq, cases, COUNT(cases));
}

ParameterizedTest(struct aarq *c, acse, reads_and_writes_aarq)
{
    uint8_t store[OCTETS_OF_MAX], again[OCTETS_OF_MAX];
    char text[2 * OCTETS_OF_MAX + 1];
    struct octets apdu = octets_of(c->hex, store);
    struct acse_aarq aarq;
    enum err err = acse_read_aarq(apdu, &aarq);
    cr_assert_eq(err, ERR_NONE, "%s: %s", c->why, err_name(err));
    cr_expect_eq(aarq.context, c->context, "%s", c->why);
    cr_expect_eq(aarq.mechanism, c->mechanism, "%s", c->why);
    cr_expect_str_eq(text_of(aarq.title, text), c->title, "%s", c->why);
    cr_expect_str_eq(text_of(aarq.challenge, text), c->challenge, "%s", c->why);
    cr_expect_str_eq(text_of(aarq.user_information, text), c->user_information, "%s", c->why);

    struct cursor out = cursor_writer(again, sizeof again);
    acse_put_aarq(&out, &aarq);
    cr_expect_eq((size_t)(out.at - again), apdu.len, "%s", c->why);
    cr_expect_arr_eq(again, apdu.at, apdu.len, "%s: written back", c->why);
}

struct aare {
    char hex[512];
    uint8_t context, result, source, diagnostic, mechanism;
    char title[20], challenge[140], user_information[100];
    char why[48];
};

ParameterizedTestParameters(acse, reads_and_writes_aare)
{
    static struct aare cases[] = {
        {"6129A109060760857405080101 A203020100 A305A103020100"
         "BE10040E0800065F1F040000501F01F40007",
         ACSE_LN, ACSE_ACCEPTED, ACSE_USER, ACSE_NO_DIAGNOSTIC, ACSE_LOWEST, "", "",
         "0800065F1F040000501F01F40007", "accepted, lowest level"},
        {"6129A109060760857405080101 A203020101 A305A103020102"
         "BE10040E0800065F1F040000501F01F40007",
         ACSE_LN, ACSE_REJECTED_PERMANENT, ACSE_USER, ACSE_CONTEXT_NOT_SUPPORTED, ACSE_LOWEST, "",
         "", "0800065F1F040000501F01F40007", "rejected for its context"},
        {"611FA109060760857405080101 A203020101 A305A103020101 BE0604040E010601", ACSE_LN,
         ACSE_REJECTED_PERMANENT, ACSE_USER, ACSE_NO_REASON, ACSE_LOWEST, "", "", "0E010601",
         "rejected with a service error"},
        {"6142A109060760857405080101 A203020100 A305A10302010E 88020780 890760857405080205"
         "AA0A8008503677524A323146 BE10040E0800065F1F040000501F01F40007",
         ACSE_LN, ACSE_ACCEPTED, ACSE_USER, ACSE_AUTHENTICATION_REQUIRED, ACSE_HLS_GMAC, "",
         "503677524A323146", "0800065F1F040000501F01F40007", "HLS pass 2"},
        {"6123A109060760857405080103 A203020102 A305A203020101 A40A04084752580000000001",
         ACSE_LN_CIPHERED, ACSE_REJECTED_TRANSIENT, ACSE_PROVIDER, ACSE_NO_REASON, ACSE_LOWEST,
         "4752580000000001", "", "", "by the provider, for now, with a title"},
    };
    return cr_make_param_array(struct aare, cases, COUNT(cases));
}

ParameterizedTest(struct aare *c, acse, reads_and_writes_aare)
{
    uint8_t store[OCTETS_OF_MAX], again[OCTETS_OF_MAX];
    char text[2 * OCTETS_OF_MAX + 1];
    struct octets apdu = octets_of(c->hex, store);
    struct acse_aare aare;
    enum err err = acse_read_aare(apdu, &aare);
    cr_assert_eq(err, ERR_NONE, "%s: %s", c->why, err_name(err));
    cr_expect_eq(aare.context, c->context, "%s", c->why);
    cr_expect_eq(aare.result, c->result, "%s", c->why);
    cr_expect_eq(aare.source, c->source, "%s", c->why);
    cr_expect_eq(aare.diagnostic, c->diagnostic, "%s", c->why);
    cr_expect_eq(aare.mechanism, c->mechanism, "%s", c->why);
    cr_expect_str_eq(text_of(aare.title, text), c->title, "%s", c->why);
    cr_expect_str_eq(text_of(aare.challenge, text), c->challenge, "%s", c->why);
    cr_expect_str_eq(text_of(aare.user_information, text), c->user_information, "%s", c->why);

    struct cursor out = cursor_writer(again, sizeof again);
    acse_put_aare(&out, &aare);
    cr_expect_eq((size_t)(out.at - again), apdu.len, "%s", c->why);
    cr_expect_arr_eq(again, apdu.at, apdu.len, "%s: written back", c->why);
}

struct release {
    char hex[200];
    bool response;
    int reason;
    char user_information[160];
    char why[48];
};

ParameterizedTestParameters(acse, reads_and_writes_release)
{
    static struct release cases[] = {
        {"6203800100", false, 0, "", "request"},
        {"6303800100", true, 0, "", "response"},
        {"6200", false, ACSE_NO_REASON_GIVEN, "", "request without a reason"},
        {"6303800101", true, 1, "", "another reason"},
        {"6239800100BE34043221303001234567801302FF8A7874133D414CED25B42534D28DB0047720606B175BD5221"
         "1"
         "BE6841DB204D39EE6FDB8E356855",
         false, 0,
         "21303001234567801302FF8A7874133D414CED25B42534D28DB0047720606B175BD52211BE6841DB204D39EE6"
         "FD"
         "B8E356855",
         "protected user information"},
        {"6328800100BE230421281F3001234567891214A0845E475714383F65BC19745CA235906525E4F3E1C893",
         true, 0, "281F3001234567891214A0845E475714383F65BC19745CA235906525E4F3E1C893",
         "the same in the response"},
        {"6316800100BE11040F080100065F1F0400001E1D04C80007", true, 0,
         "080100065F1F0400001E1D04C80007", "plain user information"},
    };
    return cr_make_param_array(struct release, cases, COUNT(cases));
}

ParameterizedTest(struct release *c, acse, reads_and_writes_release)
{
    uint8_t store[OCTETS_OF_MAX], again[OCTETS_OF_MAX];
    char text[2 * OCTETS_OF_MAX + 1];
    struct octets apdu = octets_of(c->hex, store);
    struct acse_release release;
    enum err err = c->response ? acse_read_rlre(apdu, &release) : acse_read_rlrq(apdu, &release);
    cr_assert_eq(err, ERR_NONE, "%s: %s", c->why, err_name(err));
    cr_expect_eq(release.reason, c->reason, "%s", c->why);
    cr_expect_str_eq(text_of(release.user_information, text), c->user_information, "%s", c->why);
    struct acse_release untouched = {.reason = 42};
    cr_expect_eq(c->response ? acse_read_rlrq(apdu, &untouched) : acse_read_rlre(apdu, &untouched),
                 ERR_SYNTAX, "%s: it is not the other one", c->why);
    cr_expect_eq(untouched.reason, 42);

    struct cursor out = cursor_writer(again, sizeof again);
    (c->response ? acse_put_rlre : acse_put_rlrq)(&out, &release);
    cr_expect_eq((size_t)(out.at - again), apdu.len, "%s", c->why);
    cr_expect_arr_eq(again, apdu.at, apdu.len, "%s: written back", c->why);
}

struct bad {
    char hex[200];
    enum err err;
    char why[64];
};

ParameterizedTestParameters(acse, refuses_aare)
{
    static struct bad cases[] = {
        {"", ERR_SIZE, "nothing"},
        {"601DA109060760857405080101BE10040E01000000065F1F0400007E1F04B0", ERR_SYNTAX, "an AARQ"},
        {"6117A109060760857405080101A203020100A305A10302010000", ERR_SIZE, "an octet behind it"},
        {"6118A109060760857405080101A203020100A305A103020100", ERR_SIZE, "an octet too few"},
        {"6110A109060760857405080101A203020100", ERR_SYNTAX, "no diagnostic"},
        {"6112A109060760857405080101A305A103020100", ERR_SYNTAX, "no result"},
        {"610CA203020100A305A103020100", ERR_SYNTAX, "no context"},
        {"6117A109060760857405080102A203020100A305A103020100", ERR_RANGE, "short names"},
        {"6117A109060760857405090101A203020100A305A103020100", ERR_SYNTAX, "not of DLMS"},
        {"6117A109060760857405080101A203020103A305A103020100", ERR_RANGE, "no such result"},
        {"6117A109060760857405080101A305A103020100A203020100", ERR_SYNTAX, "out of order"},
        {"611CA109060760857405080101A203020100A203020100A305A103020100", ERR_SYNTAX, "double"},
        {"6119A109060760857405080101A203020100A305A103020100C000", ERR_SYNTAX, "unknown element"},
        {"6119A109060760857405080101A203020100A305A1030201000000", ERR_SYNTAX, "tag 0"},
        {"6117A109060760857405080101A203020100A305A303020100", ERR_SYNTAX, "no such source"},
        {"6122A109060760857405080101A203020100A305A103020100A409040747525800000000", ERR_RANGE,
         "a title of 7"},
        {"611BA109060760857405080101A203020100A305A10302010088020780", ERR_SYNTAX,
         "authentication without a mechanism"},
        {"6120A109060760857405080101A203020100A305A103020100890760857405080205", ERR_SYNTAX,
         "a mechanism without authentication"},
        {"611BA109060760857405080101A203020100A305A103020100BE020400", ERR_SYNTAX,
         "user information of nothing"},
        {"611CA109060760857405080101A203020100A305A103020100BE03040200", ERR_SIZE,
         "user information longer than its element"},
        {"611CA109060760857405080101A203020100A305A103020100BE03040001", ERR_SIZE,
         "user information shorter than its element"},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, acse, refuses_aare)
{
    uint8_t store[OCTETS_OF_MAX];
    struct acse_aare aare = {.diagnostic = 42};
    enum err err = acse_read_aare(octets_of(c->hex, store), &aare);
    cr_expect_eq(err, c->err, "%s: %s", c->why, err_name(err));
    cr_expect_eq(aare.diagnostic, 42, "%s: untouched", c->why);
}

Test(acse, refuses_every_cut_of_an_aarq)
{
    uint8_t store[OCTETS_OF_MAX];
    struct octets apdu =
        octets_of("6036A1090607608574050801018A0207808B0760857405080205AC0A80084B35"
                  "366956616759BE10040E01000000065F1F0400007E1F04B0",
                  store);
    struct acse_aarq aarq;
    for (size_t len = 0; len < apdu.len; len++)
        cr_expect_eq(acse_read_aarq((struct octets){apdu.at, len}, &aarq), ERR_SIZE, "%zu", len);
}

Test(acse, skips_what_the_standard_allows_in_its_place)
{
    uint8_t store[OCTETS_OF_MAX];
    struct acse_aarq aarq;
    struct octets apdu = octets_of("601C 80020780 A109060760857405080101 A203040155"
                                   "A903020101 BD03040100",
                                   store);
    store[1] = (uint8_t)(apdu.len - 2);
    cr_expect_eq(acse_read_aarq(apdu, &aarq), ERR_NONE,
                 "protocol version, called title, user id, implementation");
    cr_expect_eq(aarq.context, ACSE_LN);
}

Test(acse, says_when_it_does_not_fit)
{
    uint8_t room[5] = {0};
    struct cursor out = cursor_writer(room, 4);
    acse_put_rlrq(&out, &(struct acse_release){.reason = 0});
    cr_expect_eq(out.err, ERR_SIZE);
}
