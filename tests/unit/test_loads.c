// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/dali/loads.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define HEAD "feeder,quarter,p_l1_w,p_l2_w,p_l3_w"

static const char street_text[] =
    "{\"transformers\":[{\"id\":\"T1\"}],"
    "\"feeders\":[{\"id\":\"F1\",\"transformer\":\"T1\"},{\"id\":\"F2\",\"transformer\":\"T1\"}],"
    "\"connections\":[],\"meters\":[],\"chargers\":[]}";

static bool read_text(const char *text, struct loads *loads)
{
    char path[] = "/tmp/test_loads.XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    struct street *street = street_parse("test", street_text, strlen(street_text));
    bool good = loads_read(path, street, loads);
    street_free(street);
    unlink(path);
    return good;
}

Test(loads, reads_and_fills_what_was_not_measured)
{
    struct loads loads;
    cr_assert(read_text(HEAD ",quality\r\n"
                             "F2,2026-01-14T14:45:00Z,1300,,30,good\n"
                             "F2,2026-01-14T14:00:00Z,1000,200,,good\n"
                             "\n"
                             "F2,2026-01-14T14:30:00Z,,,10.6,good\n",
                        &loads));
    cr_assert_eq(loads.quarter_count, 4);
    cr_expect_eq(loads.first_s, 1768399200);
    cr_expect_not(loads.has_measurements[0]);
    cr_expect(loads.has_measurements[1]);
    const int64_t wanted[4][3] = {
        {1000, 200, 11}, {1100, 200, 11}, {1200, 200, 11}, {1300, 200, 30}};
    const bool measured[4][3] = {
        {true, true, false}, {false, false, false}, {false, false, true}, {true, false, true}};
    for (size_t q = 0; q < 4; q++)
        for (int i = 0; i < 3; i++) {
            const struct load *load = loads_at(&loads, q, 1);
            cr_expect_eq(load->p_w[i], wanted[q][i], "quarter %zu, L%d: %jd W", q, i + 1,
                         (intmax_t)load->p_w[i]);
            cr_expect_eq(load->measured[i], measured[q][i], "quarter %zu, L%d", q, i + 1);
        }
    loads_free(&loads);
}

struct bad {
    char text[256];
    char complaint[80];
};

ParameterizedTestParameters(loads, refuses_and_names_the_line)
{
    static struct bad cases[] = {
        {"", ":1: must begin with feeder,quarter"},
        {"feeder,quarter,p_l1_kw,p_l2_w,p_l3_w\n", ":1: must begin with feeder,quarter"},
        {HEAD "\nF1,2026-01-14T14:00:00Z,1,2,3\nF1,2026-01-14T14:15:00Z,1,x,3\n",
         ":3: p_l2_w \"x\" is not a number"},
        {HEAD "\nF1,2026-01-14T14:00:00Z,1,2,3e9\n", ":2: p_l3_w \"3e9\" is out of range"},
        {HEAD "\nF1,2026-01-14T14:00:00Z,1,nan,3\n", ":2: p_l2_w \"nan\" is out of range"},
        {HEAD "\nF9,2026-01-14T14:00:00Z,1,2,3\n", ":2: feeder \"F9\" is not in the grid"},
        {HEAD "\nF1,2026-01-14T14:01:00Z,1,2,3\n", ":2: quarter \"2026-01-14T14:01:00Z\" is not"},
        {HEAD "\nF1,yesterday,1,2,3\n", ":2: quarter \"yesterday\" is not a time"},
        {HEAD "\nF1,2026-01-14T14:00:00Z,1,2\n", ":2: has too few fields"},
        {HEAD "\n", ": spans 0 quarter hours"},
        {HEAD "\nF1,1970-01-01T00:00:00Z,1,2,3\nF1,2026-01-14T14:00:00Z,1,2,3\n", ": spans 19"},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, loads, refuses_and_names_the_line, .init = cr_redirect_stderr)
{
    struct loads loads;
    cr_expect_not(read_text(c->text, &loads));
    fflush(stderr);
    char told[256] = "";
    if (!fgets(told, sizeof told, cr_get_redirected_stderr()))
        told[0] = '\0';
    cr_expect_not_null(strstr(told, c->complaint), "wanted %s, got %s", c->complaint, told);
}
