// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/charger/sessions.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define HEAD "charger,arrival,departure,energy_wh,phases,max_a\n"
#define TIMES "2026-01-14T16:00:00Z,2026-01-14T20:00:00Z"

static const char street_text[] =
    "{\"transformers\":[{\"id\":\"T1\"}],\"feeders\":[{\"id\":\"F1\",\"transformer\":\"T1\"}],"
    "\"connections\":[{\"ean\":\"1\",\"feeder\":\"F1\",\"phases\":\"231\"},"
    "{\"ean\":\"2\",\"feeder\":\"F1\",\"phases\":\"2\"}],\"meters\":[],"
    "\"chargers\":[{\"id\":\"C1\",\"connection\":\"1\",\"max_a\":16},"
    "{\"id\":\"C2\",\"connection\":\"2\",\"max_a\":10}]}";

static bool read_text(const char *text, struct sessions *sessions)
{
    char path[] = "/tmp/test_sessions.XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    struct street *street = street_parse("test", street_text, strlen(street_text));
    bool good = sessions_read(path, street, sessions);
    street_free(street);
    unlink(path);
    return good;
}

Test(sessions, sorts_and_turns_phases)
{
    struct sessions sessions;
    cr_assert(read_text(HEAD "C2,2026-01-14T16:00:00Z,2026-01-14T20:00:00Z,1000,231,32\n"
                             "C1,2026-01-14T18:00:00Z,2026-01-14T20:00:00Z,2000.5,31,16\n"
                             "C1,2026-01-14T16:00:00Z,2026-01-14T17:00:00Z,3000,2,7.5\n",
                        &sessions));
    cr_assert_eq(sessions.first[1], 2);
    cr_assert_eq(sessions.first[2], 3);
    const struct car_session *s = sessions.all;
    cr_expect_eq(s[0].energy_uj, 3000 * CAR_WH_UJ, "the earlier one of C1 first");
    cr_expect_eq(s[0].max_ma, 7500);
    cr_expect(s[0].uses[0] && !s[0].uses[1] && !s[0].uses[2], "grid phase 2 is its L1");
    cr_expect(!s[1].uses[0] && s[1].uses[1] && s[1].uses[2], "3 and 1 are its L2 and L3");
    cr_expect_eq(s[1].energy_uj, 2000 * CAR_WH_UJ + CAR_WH_UJ / 2);
    cr_expect_eq(s[1].arrival_ms, 1768413600000);
    cr_expect(s[2].uses[0] && !s[2].uses[1], "one phase is all that C2 has");
    cr_expect_eq(s[2].max_ma, 10000, "and 10 A");
    sessions_free(&sessions);
}

struct bad {
    char text[200];
    char complaint[80];
};

ParameterizedTestParameters(sessions, refuses_and_names_the_line)
{
    static struct bad cases[] = {
        {"charger,arrival\n", ":1: must begin with charger,arrival,departure"},
        {HEAD "C9," TIMES ",1000,2,16\n", ":2: charger \"C9\" is not in the grid file"},
        {HEAD "C1,16:00," TIMES ",2,16\n", ":2: arrival \"16:00\" is not a time"},
        {HEAD "C1,2026-01-14T20:00:00Z,2026-01-14T16:00:00Z,1000,2,16\n", ":2: departure"},
        {HEAD "C1," TIMES ",-1,2,16\n", ":2: energy_wh \"-1\" is out of range"},
        {HEAD "C1," TIMES ",1000,4,16\n", ":2: phases \"4\" does not name grid phases"},
        {HEAD "C1," TIMES ",1000,,16\n", ":2: phases \"\" does not name grid phases"},
        {HEAD "C2," TIMES ",1000,13,16\n", ":2: phases \"13\" has none of the phases"},
        {HEAD "C1," TIMES ",1000,2,5\n", ":2: max_a \"5\" is out of range"},
    };
    return cr_make_param_array(struct bad, cases, COUNT(cases));
}

ParameterizedTest(struct bad *c, sessions, refuses_and_names_the_line, .init = cr_redirect_stderr)
{
    struct sessions sessions;
    cr_expect_not(read_text(c->text, &sessions));
    fflush(stderr);
    char told[256] = "";
    if (!fgets(told, sizeof told, cr_get_redirected_stderr()))
        told[0] = '\0';
    cr_expect_not_null(strstr(told, c->complaint), "wanted %s, got %s", c->complaint, told);
}
