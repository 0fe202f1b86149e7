// SPDX-License-Identifier: Apache-2.0

#include "services/admin/pki_index.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define S(n) "0" n "000000000000000000000000000000"
#define TIMES "2026-01-01T00:00:00Z,2027-01-01T00:00:00Z"
enum { Y2026 = 1767225600, Y2027 = 1798761600, DAY = 86400 };

static const char good[] = PKI_INDEX_HEAD S("1") ",authority,own,," TIMES ",\n" S(
    "2") ",server,vps1,vps1.test 127.0.0.1," TIMES
         ",\n" S("3") ",client,E1,," TIMES ",\n" S("4") ",client,E1,," TIMES
                                                        ",\n" S("5") ",client,E2,," TIMES
                                                                     ",2026-02-01T00:00:00Z\n";

Test(pki_index, reads_and_writes_back)
{
    struct pki_index index;
    char why[128];
    cr_assert_eq(pki_index_read(good, strlen(good), &index, why), ERR_NONE, "%s", why);
    cr_expect_eq(index.count, 5);
    cr_expect_eq(index.entries[1].use, PKI_SERVER);
    cr_expect_str_eq(index.entries[1].addresses, "vps1.test 127.0.0.1");
    cr_expect_eq(index.entries[4].revoked, Y2026 + 31 * DAY);
    char *back = pki_index_format(&index);
    cr_expect_str_eq(back, good);
    free(back);

    struct pki_entry again = index.entries[2];
    cr_expect_not(pki_index_add(&index, &again), "a serial comes once");
    cr_expect_eq(index.count, 5);
    pki_index_clear(&index);
}

struct bad {
    char line[240];
    char why[80];
};

ParameterizedTestParameters(pki_index, refuses)
{
    static struct bad cases[] = {
        {S("1") ",client,E1,," TIMES ",", "line 2: does not end: the file is cut off"},
        {S("1") ",client,E1,," TIMES "\n", "line 2: not 7 columns"},
        {S("1") ",client,E1,," TIMES ",,\n", "line 2: not 7 columns"},
        {"1,client,E1,," TIMES ",\n", "line 2: serial: not 32 hex digits, the first below 8"},
        {"8" S("1") ",client,E1,," TIMES ",\n",
         "line 2: serial: not 32 hex digits, the first below 8"},
        {"00000000000000000000000000000000,client,E1,," TIMES ",\n",
         "line 2: serial: not 32 hex digits, the first below 8"},
        {S("1") ",both,E1,," TIMES ",\n", "line 2: use: not authority, server or client"},
        {S("1") ",client,../E1,," TIMES ",\n", "line 2: name: not 1 to 64 letters, digits, . - _"},
        {S("1") ",client,E1,a," TIMES ",\n", "line 2: addresses: not those of a server"},
        {S("1") ",server,E1,," TIMES ",\n", "line 2: addresses: not those of a server"},
        {S("1") ",client,E1,,yesterday,2027-01-01T00:00:00Z,\n",
         "line 2: from: no time of RFC 3339"},
        {S("1") ",client,E1,,2027-01-01T00:00:00Z,2027-01-01T00:00:00Z,\n",
         "line 2: to: no time of RFC 3339 after from"},
        {S("1") ",client,E1,," TIMES ",yes\n", "line 2: revoked: no time of RFC 3339"},
        {S("9") ",client,E1,," TIMES ",\n\n", "line 3: not 7 columns"},
        {S("9") ",client,E1,," TIMES ",\n" S("9") ",client,E2,," TIMES ",\n",
         "line 3: serial: stands there twice"},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, pki_index, refuses)
{
    struct pki_index index = {.count = 42};
    char why[128], text[512];
    snprintf(text, sizeof text, "%s%s", PKI_INDEX_HEAD, c->line);
    cr_assert_eq(pki_index_read(text, strlen(text), &index, why), ERR_SYNTAX, "%s", c->why);
    cr_expect_str_eq(why, c->why);
    cr_expect_eq(index.count, 42);
}

Test(pki_index, must_begin_with_its_columns)
{
    struct pki_index index;
    char why[128];
    cr_expect_eq(pki_index_read("", 0, &index, why), ERR_SYNTAX);
    cr_expect_eq(pki_index_read("serial\n", 7, &index, why), ERR_SYNTAX);
    cr_expect_str_eq(why, "line 1: not serial,use,name,addresses,from,to,revoked");
    cr_assert_eq(pki_index_read(PKI_INDEX_HEAD, strlen(PKI_INDEX_HEAD), &index, why), ERR_NONE);
    cr_expect_eq(index.count, 0);
}

struct state {
    int entry; // of the index above
    int64_t now;
    char state[16];
};

ParameterizedTestParameters(pki_index, tells_the_state)
{
    static struct state cases[] = {
        {0, Y2026 + DAY, "good"},      {1, Y2026 + DAY, "good"},
        {2, Y2026 + DAY, "replaced"},  {3, Y2026 + DAY, "good"},
        {4, Y2026 + DAY, "revoked"},   {3, Y2027 - 29 * DAY, "ends-soon"},
        {3, Y2027 - 31 * DAY, "good"}, {3, Y2027 + DAY, "ended"},
        {2, Y2027 + DAY, "ended"},     {0, Y2027 + DAY, "ended"},
        {2, Y2027 - DAY, "replaced"},  {4, Y2027 + DAY, "revoked"},
    };
    return cr_make_param_array(struct state, cases, COUNT(cases));
}

ParameterizedTest(struct state *c, pki_index, tells_the_state)
{
    struct pki_index index;
    char why[128];
    cr_assert_eq(pki_index_read(good, strlen(good), &index, why), ERR_NONE);
    cr_expect_str_eq(pki_index_state(&index, &index.entries[c->entry], c->now, 30 * DAY), c->state);
    cr_expect_eq(pki_index_newest(&index, "E1"), &index.entries[3]);
    cr_expect_null(pki_index_newest(&index, "E2"), "revoked");
    cr_expect_null(pki_index_newest(&index, "own"), "an authority");
    pki_index_clear(&index);
}
